//! Webhooks in `/metrics` and in the log: what came in, what was refused and why, what
//! went out.

use serde_json::json;

use super::{KEY, request, signed};
use crate::api::served;
use crate::support::api::{Api, answer};
use crate::support::{Node, Redis, guest, until};

const TOML: &str = r#"
[queues.hooks]

[[routes]]
path = "/hooks/{shop}"
queue = "hooks"
name = "{body.type}"
max_body = "1KiB"
verify = { scheme = "standard-webhooks", secret = "env:KEY" }

[[routes]]
path = "/uploads"
queue = "hooks"
name = "upload"
verify = { scheme = "jwt" }

[server.jwt]
issuer = "https://id.test/"
audience = "runner"
secret = "env:JWT_SECRET"

[server.tokens.prometheus]
token = "env:TOKEN"
role = "viewer"
"#;

const TOKEN: &str = "the-token-of-prometheus-0123456789";

/// The lines of the page that begin so.
fn lines(api: &Api, prefix: &str) -> Vec<String> {
    let page = api.request("GET", "/metrics").bearer_auth(TOKEN);
    let page = answer(page).body;
    let page = page.as_str().expect("text").to_owned();
    let lines = page.lines().filter(|line| line.starts_with(prefix));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

// Long because each reason has its request.
#[test]
fn what_comes_in_is_counted_by_route_and_by_reason() {
    let redis = Redis::shared();
    let setup = served(&redis, TOML).env("KEY", KEY).env("TOKEN", TOKEN);
    let setup = setup.env("JWT_SECRET", "a secret of the issuer, 32 bytes or more");
    let runner = setup.serve();
    let (api, mut node) = (runner.api(), Node::start(&redis, 6));
    let lines = |prefix: &str| lines(&api, prefix);
    let zero = |route: &str, outcome: &str| {
        format!("runner_webhook_requests_total{{route=\"POST {route}\",outcome=\"{outcome}\"}} 0")
    };
    assert_eq!(
        lines("runner_webhook_requests_total"),
        [
            zero("/hooks/{shop}", "accepted"),
            zero("/hooks/{shop}", "duplicate"),
            zero("/uploads", "accepted"),
            zero("/uploads", "duplicate"),
        ]
    );
    let mut send = |shop: &str, id: &str, at: u64, body: &str, sent: &str| {
        let args = json!({ "secret": KEY, "body": body, "id": id, "timestamp": at });
        let headers = signed(&mut node, "standard-webhooks", args);
        answer(request(&api, &format!("/hooks/{shop}"), &headers, sent)).status
    };
    let (now, body) = (super::seconds(), r#"{"type":"paid"}"#);
    // Each shop is of the one route.
    assert_eq!(send("a", "1", now, body, body), 202);
    assert_eq!(send("b", "2", now, body, body), 202);
    assert_eq!(send("b", "2", now, body, body), 200);
    assert_eq!(send("c", "3", now - 1000, body, body), 401);
    assert_eq!(send("c", "3", now, body, "{}"), 401);
    assert_eq!(send("c", "3", now, "{}", "{}"), 422);
    assert_eq!(send("c", "3", now, "{", "{"), 400);
    let large = format!("{{\"type\":\"{}\"}}", "x".repeat(2000));
    assert_eq!(send("c", "3", now, &large, &large), 413);
    let bare = |path: &str| answer(api.request("POST", path).body("{}")).status;
    assert_eq!(bare("/hooks/c"), 401);
    let odd = api.request("POST", "/hooks/c").header("webhook-id", "4");
    let odd = odd.header("webhook-timestamp", "1");
    let odd = odd.header("webhook-signature", "nonsense");
    assert_eq!(answer(odd.body("{}")).status, 401);
    assert_eq!(bare("/uploads"), 401);
    let of = |outcome: &str, count: u32| {
        format!(
            "runner_webhook_requests_total{{route=\"POST /hooks/{{shop}}\",outcome=\"{outcome}\"}} {count}"
        )
    };
    assert_eq!(
        lines("runner_webhook_requests_total")[..2],
        [of("accepted", 2), of("duplicate", 1)]
    );
    let refused = |route: &str, reason: &str| {
        format!("runner_webhook_refusals_total{{route=\"POST {route}\",reason=\"{reason}\"}} 1")
    };
    let reasons = [
        "body-too-large",
        "invalid-webhook",
        "late",
        "malformed",
        "mismatch",
        "missing",
        "unreadable-body",
    ];
    let mut expected: Vec<String> = reasons.map(|why| refused("/hooks/{shop}", why)).into();
    expected.push(refused("/uploads", "unauthorized"));
    assert_eq!(lines("runner_webhook_refusals_total"), expected);
    // Each reason is in the log, however often it comes once.
    assert_eq!(bare("/hooks/d"), 401);
    let log = runner.log().join("\n");
    for reason in reasons {
        assert_eq!(
            log.matches(&format!("\"why\":\"{reason}\"")).count(),
            1,
            "{log}"
        );
    }
    assert!(!log.contains("/hooks/d"), "{log}");
}

#[test]
fn what_goes_out_is_counted_with_how_long_it_took() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let answers = json!([{ "status": 500 }, { "status": 200 }, { "status": 503 }]);
    let port = node.call("receive", json!({ "secret": KEY, "answers": answers }));
    let toml = format!(
        "[queues.orders]\nplugin = \"scripted\"\n[queues.orders.webhooks.crm]\n\
         url = \"http://127.0.0.1:{port}/\"\nsecret = \"env:KEY\"\nwaits = [\"20ms\"]\nattempts = 2\n"
    );
    let setup = served(&redis, &toml).plugin("scripted", &guest("scripted"));
    let setup = setup.env("KEY", KEY);
    let runner = setup.serve();
    let api = runner.api();
    let of = |outcome: &str, count: u32| {
        format!(
            "runner_webhook_deliveries_total{{queue=\"orders-webhooks\",webhook=\"crm\",outcome=\"{outcome}\"}} {count}"
        )
    };
    let all = |delivered, failed, retried| {
        let counts = [
            ("delivered", delivered),
            ("failed", failed),
            ("retried", retried),
        ];
        counts.map(|(outcome, count)| of(outcome, count))
    };
    let sent = || lines(&api, "runner_webhook_deliveries_total");
    assert_eq!(sent(), all(0, 0, 0));
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "completed", 1);
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "failed", 1);
    until("all to be counted", || {
        (sent() == all(1, 1, 2)).then_some(())
    });
    let delays = lines(&api, "runner_webhook_delivery_seconds");
    let count =
        "runner_webhook_delivery_seconds_count{queue=\"orders-webhooks\",webhook=\"crm\"} 1";
    assert!(delays.contains(&count.to_owned()), "{delays:?}");
    let sum = delays.iter().find(|line| line.contains("_sum{")).unwrap();
    let seconds: f64 = sum.rsplit(' ').next().unwrap().parse().unwrap();
    // Before the second attempt the first had to wait.
    assert!((0.015..60.0).contains(&seconds), "{sum}");
}
