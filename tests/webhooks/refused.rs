//! What is no webhook adds nothing, and is told why.

use serde_json::{Value, json};

use crate::api::served;
use crate::support::api::{Answer, Api, answer};
use crate::support::wire::Wire;
use crate::support::{Redis, Runner, Setup};

const TOML: &str = r#"
[queues.typed]
contract = "docs:jobs/document-processing"
[queues.free]

[[routes]]
path = "/hooks/typed"
queue = "typed"
name = "process-document"
verify = { scheme = "none" }

[[routes]]
path = "/hooks/free/{name}"
queue = "{body.queue}"
name = "{path.name}"
delay = "{body.delay?}"
priority = "{body.priority?}"
id = "{body.id?}"
payload = { n = "{body.n}" }
max_body = "1KiB"
verify = { scheme = "none" }

[[routes]]
path = "/hooks/github"
queue = "free"
name = "n"
verify = { scheme = "github", secret = "env:SECRET" }
"#;

fn start(redis: &Redis) -> (Setup, Runner, Api) {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues");
    let toml = format!("[runtime]\ncontracts = {wit:?}\n{TOML}");
    let setup = served(redis, &toml).env("SECRET", "hush");
    let runner = setup.serve();
    let api = runner.api();
    (setup, runner, api)
}

fn said(answer: &Answer) -> (u16, &Value, &Value, &Value) {
    let body = &answer.body;
    (
        answer.status,
        &body["type"],
        &body["detail"],
        &body["pointer"],
    )
}

// Long because it is a table.
#[test]
fn a_request_that_cannot_become_a_job_is_told_why() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let (invalid, unreadable) = ("invalid-webhook", "unreadable-body");
    for (body, status, kind, detail, pointer) in [
        (
            json!({ "queue": "free" }).to_string(),
            422,
            invalid,
            "the request has no {body.n}",
            json!("/n"),
        ),
        (
            json!({ "queue": "other", "n": 1 }).to_string(),
            422,
            invalid,
            "the queue \"other\" is not declared in queues.toml",
            json!(null),
        ),
        (
            json!({ "queue": ["free"], "n": 1 }).to_string(),
            422,
            invalid,
            "{body.queue} is a list, which cannot be part of a text",
            json!("/queue"),
        ),
        (
            json!({ "queue": "free", "n": 1, "delay": "soon" }).to_string(),
            422,
            invalid,
            "the delay \"soon\" is neither milliseconds nor a duration such as 5m",
            json!(null),
        ),
        (
            json!({ "queue": "free", "n": 1, "priority": -1 }).to_string(),
            422,
            invalid,
            "the priority \"-1\" is not a whole number from 0",
            json!(null),
        ),
        (
            "{\"queue\":".to_owned(),
            400,
            unreadable,
            "the body is not JSON: EOF while parsing a value at line 1 column 9",
            json!(null),
        ),
        (
            format!("{{\"n\":\"{}\"}}", "x".repeat(1024)),
            413,
            "body-too-large",
            "the body has more than the 1KiB of `max_body`",
            json!(null),
        ),
    ] {
        let refused = answer(api.request("POST", "/hooks/free/n").body(body));
        let kind = json!(format!("/problems/{kind}"));
        assert_eq!(said(&refused), (status, &kind, &json!(detail), &pointer));
    }
    assert_eq!(redis.count("free", "wait"), 0);
    let numbered = json!({ "queue": "free", "n": 1, "id": 7 });
    let numbered = api.post("/hooks/free/n", &numbered);
    assert_eq!(
        (numbered.status, &numbered.body["detail"]),
        (
            422,
            &json!("the job id \"7\" is a number; put a letter in front")
        )
    );
}

#[test]
fn a_page_of_another_site_sends_no_webhooks_and_large_ones_are_not_waited_for() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let body = json!({ "queue": "free", "n": 1 });
    let send = |headers: &[(&str, &str)]| {
        let request = api.request("POST", "/hooks/free/n").json(&body);
        let headers = headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        answer(request)
    };
    for headers in [
        [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        [
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
        [
            ("origin", "https://evil.example"),
            ("sec-fetch-mode", "no-cors"),
        ],
    ] {
        let refused = send(&headers);
        assert_eq!(
            (refused.status, &refused.body["type"]),
            (403, &json!("/problems/cross-site"))
        );
    }
    assert_eq!(redis.count("free", "wait"), 0);
    assert_eq!(send(&[]).status, 202);
    let mut wire = Wire::to(api.address());
    wire.send("POST /hooks/free/n HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999999\r\n\r\n");
    let large = wire.until("`max_body`\"}");
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    for sealed in ["x-content-type-options: nosniff", "cache-control: no-store"] {
        assert!(large.contains(sealed), "{large}");
    }
    // An id that would be a key of the queue.
    let own = api.post(
        "/hooks/free/n",
        &json!({ "queue": "free", "n": 1, "id": "delayed" }),
    );
    assert_eq!(own.status, 422);
    assert!(
        own.body["detail"].as_str().unwrap().contains("own keys"),
        "{own:?}"
    );
}

#[test]
fn a_webhook_that_comes_too_slowly_is_told_so() {
    let redis = Redis::shared();
    let toml = "body_timeout = \"300ms\"\n[queues.free]\n[[routes]]\npath = \"/slow\"\nqueue = \"free\"\nname = \"n\"\nverify = { scheme = \"none\" }\n";
    let setup = served(&redis, toml);
    let runner = setup.serve();
    let mut wire = Wire::to(runner.api().address());
    wire.send("POST /slow HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{");
    let answer = wire.rest();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("the body did not come in time"), "{answer}");
    assert_eq!(redis.count("free", "wait"), 0);
}

#[test]
fn the_contract_is_checked_before_anything_is_added() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let refused = api.post("/hooks/typed", &json!({ "documentId": 1 }));
    assert_eq!(refused.status, 422);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("documentId"), "{detail}");
    assert_eq!(redis.count("typed", "wait"), 0);
    let whole = json!({
        "documentId": "d", "userId": "u", "filename": "f", "mimeType": "m", "fileSize": 1,
    });
    assert_eq!(api.post("/hooks/typed", &whole).status, 202);
}

#[test]
fn who_does_not_prove_who_they_are_is_told_what_is_missing() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let send = |signature: Option<&str>| {
        let request = api.request("POST", "/hooks/github").body("{}");
        let request = match signature {
            Some(signature) => request.header("X-Hub-Signature-256", signature),
            None => request,
        };
        let refused = answer(request);
        assert_eq!(refused.body["type"], "/problems/not-verified");
        (
            refused.status,
            refused.body["detail"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(
        send(None),
        (401, "the header X-Hub-Signature-256 is missing".to_owned())
    );
    assert_eq!(
        send(Some("sha1=00")),
        (
            401,
            "the header X-Hub-Signature-256 is not what its scheme puts there".to_owned()
        )
    );
    assert_eq!(
        send(Some("sha256=00")),
        (
            401,
            "the signature is not that of this request: is the key the same on both sides, and does nothing change the body on its way?".to_owned()
        )
    );
    let other = answer(api.request("GET", "/hooks/github"));
    assert_eq!(other.status, 405);
    assert_eq!(redis.count("free", "wait"), 0);
}
