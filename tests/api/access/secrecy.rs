//! Tokens, passwords and secrets are in no answer, no log and no metric.

use serde_json::Value;

use super::{ask, secret, send, tokens};
use crate::api::served;
use crate::support::Redis;

// Long because it asks in every way, and then reads all that was said.
#[test]
fn nothing_says_what_somebody_has_shown() {
    let redis = Redis::own();
    let toml = format!(
        "{}[server.tokens.env]\ntoken = \"env:API_TOKEN\"\nrole = \"admin\"\n[queues.my-queue]\n",
        tokens()
    );
    let kept = "the-token-in-the-environment";
    let mut setup = served(&redis, &toml);
    setup = setup
        .env("API_TOKEN", kept)
        .env("RUST_LOG", "trace,hyper=trace,h2=trace");
    let mut runner = setup.serve();
    let mut said = String::new();
    let wrong = "a-wrong-token-of-somebody";
    let basic = "Basic YW5uOmEtcGFzc3dvcmQtdGhhdC1pcy13cm9uZw==";
    let routes = setup.cli(&["api", "routes", "--json"]);
    let routes: Vec<Value> = serde_json::from_str(&routes.stdout).unwrap();
    let mut open = Vec::new();
    for route in routes.iter().filter(|route| route["method"] == "GET") {
        let path = route["path"].as_str().unwrap();
        if ["events", "search"]
            .iter()
            .any(|stream| path.contains(stream))
        {
            continue;
        }
        let path = path.replace("{queue}", "my-queue").replace(['{', '}'], "");
        for shown in [kept, wrong, &secret("admin"), &secret("old")] {
            let bearer = format!("Bearer {shown}");
            let headers = [
                ("authorization", &*bearer),
                ("cookie", "runner-session=a-wrong-session"),
            ];
            let answer = send(&runner, "GET", &path, &headers, None);
            said += &format!("{:?}", answer.headers());
            said += &answer.text().unwrap_or_default();
        }
        let answer = send(&runner, "GET", &path, &[("authorization", basic)], None);
        said += &answer.text().unwrap_or_default();
        open.push(path);
    }
    assert!(open.len() > 3, "{open:?}");
    assert_eq!(ask(&runner, "admin", "GET", "/api/session").status, 200);
    said += &setup.cli(&["explain", "my-queue", "--json"]).stdout;
    said += &setup.cli(&["check"]).stdout;
    runner.stop();
    said += &runner.log().join("\n");
    let shown = [
        kept,
        wrong,
        &secret("admin"),
        &secret("old"),
        "YW5uOm",
        "a-wrong-session",
    ];
    for secret in shown.into_iter().chain(["a-password-that-is-wrong"]) {
        let around = said.find(secret).map(|at| {
            let (from, to) = (at.saturating_sub(200), (at + 100).min(said.len()));
            String::from_utf8_lossy(&said.as_bytes()[from..to]).into_owned()
        });
        assert_eq!(around, None, "{secret}");
    }
}
