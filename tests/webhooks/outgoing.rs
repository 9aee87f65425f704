//! How jobs have ended is told to a receiver that verifies with the official library.

use serde_json::{Value, json};

use super::KEY;
use crate::support::{Node, Redis, Runner, Setup, guest, until};

/// A queue whose ends are told to this URL.
fn toml(url: &str, more: &str) -> String {
    format!(
        r#"
[queues.orders]
plugin = "scripted"
[queues.undelivered]
[queues.orders.webhooks.crm]
url = "{url}"
secret = "env:KEY"
waits = ["20ms"]
{more}
"#
    )
}

fn setup(redis: &Redis, toml: &str) -> Setup {
    let setup = Setup::new(redis, toml).plugin("scripted", &guest("scripted"));
    setup.env("KEY", KEY)
}

/// A receiver that answers so, and its port.
fn receiver(node: &mut Node, answers: Value) -> u64 {
    let port = node.call("receive", json!({ "secret": KEY, "answers": answers }));
    port.as_u64().unwrap()
}

/// What it has got, once there are so many messages.
fn received(node: &mut Node, port: u64, count: usize) -> Vec<Value> {
    until("the receiver to get its messages", || {
        let seen = node.call("received", json!({ "port": port }));
        let seen = seen.as_array().unwrap().clone();
        (seen.len() >= count).then_some(seen)
    })
}

fn url(port: u64) -> String {
    format!("http://127.0.0.1:{port}/hooks?from=runner")
}

fn serve(redis: &Redis, port: u64, more: &str) -> (Setup, Runner) {
    let setup = setup(redis, &toml(&url(port), more));
    let runner = setup.serve();
    (setup, runner)
}

#[test]
fn each_end_is_told_and_can_be_verified() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let port = receiver(&mut node, json!([{ "status": 204 }]));
    let (_setup, _runner) = serve(&redis, port, "headers = { X-Source = \"runner\" }");
    let data = r#"{"result":{"n":9007199254740993}}"#;
    let done = redis.add("orders", "ship", data, "{}");
    let seen = received(&mut node, port, 1);
    let lost = redis.add(
        "orders",
        "ship",
        r#"{"retry":"no route"}"#,
        r#"{"attempts":2}"#,
    );
    let seen = [seen, received(&mut node, port, 2)[1..].to_vec()].concat();
    for one in &seen {
        assert_eq!(one["error"], json!(null), "{one}");
        assert_eq!(one["method"], "POST");
        assert_eq!(one["url"], "/hooks?from=runner");
        assert_eq!(one["headers"]["content-type"], "application/json");
        assert_eq!(one["headers"]["x-source"], "runner");
    }
    let (first, second) = (&seen[0]["payload"], &seen[1]["payload"]);
    assert_eq!(first["type"], "job.completed");
    assert_eq!(first["data"]["id"], json!(done));
    assert_eq!(
        (
            &first["data"]["queue"],
            &first["data"]["name"],
            &first["data"]["attemptsMade"]
        ),
        (&json!("orders"), &json!("ship"), &json!(1))
    );
    // To the last digit, on the wire.
    let body = seen[0]["body"].as_str().unwrap();
    assert!(
        body.contains(r#""returnvalue":{"n":9007199254740993}"#),
        "{body}"
    );
    assert!(body.contains(&format!("\"data\":{data}")), "{body}");
    assert_eq!(second["type"], "job.failed");
    assert_eq!(
        (
            &second["data"]["id"],
            &second["data"]["failedReason"],
            &second["data"]["attemptsMade"]
        ),
        (&json!(lost), &json!("no route"), &json!(2))
    );
    assert_eq!(second["data"]["cause"], "returned");
    let field = |name| redis.field("orders", &done, name).unwrap();
    assert_eq!(first["data"]["finishedOn"].to_string(), field("finishedOn"));
    assert_ne!(
        seen[0]["headers"]["webhook-id"],
        seen[1]["headers"]["webhook-id"]
    );
}

#[test]
fn a_message_keeps_its_id_until_it_is_taken() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let answers = json!([{ "status": 500 }, { "status": 302, "headers": { "location": "/" } }, { "status": 200 }]);
    let port = receiver(&mut node, answers);
    let (_setup, _runner) = serve(&redis, port, "");
    redis.add("orders", "ship", "{}", "{}");
    let seen = received(&mut node, port, 3);
    let of = |name: &str| {
        seen.iter()
            .map(|one| one["headers"][name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("webhook-id"), vec![of("webhook-id")[0].clone(); 3]);
    assert!(seen.iter().all(|one| one["error"].is_null()));
    assert!(seen.iter().all(|one| one["body"] == seen[0]["body"]));
    redis.until_count("orders-webhooks", "completed", 1);
    let jobs = node.queue("orders-webhooks", "getCompleted", json!([]));
    let job = &jobs[0];
    assert_eq!(
        (&job["name"], &job["attemptsMade"]),
        (&json!("crm"), &json!(3))
    );
    assert_eq!(
        job["stacktrace"],
        json!([
            "the receiver answered 500",
            "the receiver answered 302: webhooks do not follow redirects; write the new URL in queues.toml"
        ])
    );
}

#[test]
fn nothing_is_lost_when_the_process_dies_between_the_end_and_the_message() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let port = receiver(&mut node, json!([{ "never": true }, { "status": 200 }]));
    let (setup, mut runner) = serve(&redis, port, "");
    // The end is written, the message is not sent.
    node.queue("orders-webhooks", "pause", json!([]));
    let id = redis.add("orders", "ship", "{}", "{}");
    assert_eq!(redis.until_ended("orders", &id), "completed");
    runner.kill();
    node.queue("orders-webhooks", "resume", json!([]));
    // The message is sent, the answer is not read.
    let mut runner = setup.serve();
    received(&mut node, port, 1);
    runner.kill();
    let _runner = setup.serve();
    let seen = received(&mut node, port, 2);
    assert_eq!(
        seen[0]["headers"]["webhook-id"],
        seen[1]["headers"]["webhook-id"]
    );
    assert_eq!(seen[1]["payload"]["data"]["id"], json!(id));
    redis.until_count("orders-webhooks", "completed", 1);
}

#[test]
fn what_cannot_be_delivered_becomes_a_dead_letter() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let port = receiver(&mut node, json!([{ "status": 503 }]));
    let more = "attempts = 2\ndead_letter = \"undelivered\"";
    let (setup, _runner) = serve(&redis, port, more);
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("undelivered", "wait", 1);
    redis.until_count("orders-webhooks", "failed", 1);
    assert_eq!(received(&mut node, port, 2).len(), 2);
    let list = setup.cli(&["dlq", "list", "undelivered"]);
    assert!(
        list.stdout.contains("the receiver answered 503"),
        "{}",
        list.stdout
    );
    let back = setup.cli(&["dlq", "replay", "undelivered", "--all", "--yes"]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    let seen = received(&mut node, port, 3);
    assert_eq!(seen[2]["error"], json!(null));
}

#[test]
fn a_receiver_may_ask_for_time_and_may_be_gone() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let answers =
        json!([{ "status": 429, "headers": { "retry-after": "3600" } }, { "status": 410 }]);
    let port = receiver(&mut node, answers);
    let (_setup, runner) = serve(&redis, port, "");
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "delayed", 1);
    let delayed = node.queue("orders-webhooks", "getDelayed", json!([]));
    assert_eq!(delayed[0]["delay"], 3_600_000);
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "failed", 1);
    runner.until_logged("says that it is gone for good (410)");
    // Nothing more is sent.
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "failed", 2);
    assert_eq!(received(&mut node, port, 2).len(), 2);
    let failed = node.queue("orders-webhooks", "getFailed", json!([]));
    assert_eq!(
        failed[0]["failedReason"],
        "the receiver has answered 410, gone for good: remove [queues.orders.webhooks.crm], or change it and retry this job"
    );
}

#[test]
fn only_public_addresses_are_called_unless_they_are_granted() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let port = receiver(&mut node, json!([{ "status": 200 }]));
    let by_name = format!("http://localhost:{port}/");
    let setup = setup(&redis, &toml(&by_name, "attempts = 1"));
    let _runner = setup.serve();
    redis.add("orders", "ship", "{}", "{}");
    redis.until_count("orders-webhooks", "failed", 1);
    let failed = node.queue("orders-webhooks", "getFailed", json!([]));
    let reason = failed[0]["failedReason"].as_str().unwrap();
    assert!(
        reason.starts_with("host \"localhost\" has the address "),
        "{reason}"
    );
    assert!(
        reason.ends_with("to [queues.orders.webhooks.crm] http_networks if it is meant"),
        "{reason}"
    );
    let granted = toml(&by_name, "http_networks = [\"127.0.0.0/8\", \"::1\"]");
    let granted = crate::support::runner::with_redis(&redis, &granted);
    setup.write(&granted);
    let id = failed[0]["id"].as_str().unwrap().to_owned();
    until("the edit to be in force", || {
        setup.cli(&["job", "retry", "orders-webhooks", &id]);
        let seen = node.call("received", json!({ "port": port }));
        (!seen.as_array().unwrap().is_empty()).then_some(())
    });
}

#[test]
fn sensitive_fields_are_covered_and_large_payloads_left_out() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let port = receiver(&mut node, json!([{ "status": 200 }]));
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues");
    let toml = format!(
        r#"
[runtime]
contracts = {wit:?}
[queues.otp]
plugin = "scripted"
contract = "fundify:otp/otp-queue"
[queues.otp.webhooks.crm]
url = "{}"
secret = "env:KEY"
names = ["email-*"]
on = ["completed"]
[queues.plain]
plugin = "scripted"
[queues.plain.webhooks.crm]
url = "{}"
secret = "env:KEY"
max_payload = "20B"
"#,
        url(port),
        url(port)
    );
    let setup = setup(&redis, &toml);
    let _runner = setup.serve();
    // The first has a name that is not told.
    for name in ["whatsapp-otp", "email-otp"] {
        let data = r#"{"recipient":"ann@example.com","otp":"493817"}"#;
        let id = redis.add("otp", name, data, "{}");
        redis.until_ended("otp", &id);
    }
    let seen = received(&mut node, port, 1);
    let told = &seen[0]["payload"]["data"];
    assert_eq!(told["name"], "email-otp");
    let covered = json!({ "recipient": "ann@example.com", "otp": "[sensitive]" });
    assert_eq!(told["data"], covered);
    redis.add("plain", "n", r#"{"result":"0123456789012345678901"}"#, "{}");
    let seen = received(&mut node, port, 2);
    let data = &seen[1]["payload"]["data"];
    assert_eq!(data["omitted"], json!(["data", "returnvalue"]));
    assert_eq!((data.get("data"), data.get("returnvalue")), (None, None));
}
