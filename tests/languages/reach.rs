//! What a guest asks of Runner: the job, the log, progress, HTTP, settings.

use serde_json::{Value, json};

use super::door::{Door, TOKEN};
use super::values::is_program;
use crate::support::now;

pub(crate) fn job(door: &Door) {
    let mut node = door.node();
    let before = now();
    let options = json!({ "attempts": 4, "priority": 7 });
    let id = node.add("work", "job", json!({ "requestId": "r-7" }), options);
    drop(node);
    let value = door.ended("work", &id).value();
    for (field, expected) in [
        ("id", json!(id)),
        ("queue", json!("work")),
        ("name", json!("job")),
        ("attempt", json!(1)),
        ("maxAttempts", json!(4)),
        ("requestId", json!("r-7")),
    ] {
        assert_eq!(value[field], expected, "{field} of {value}");
    }
    if is_program(door) {
        return;
    }
    assert_eq!(value["priority"], 7, "{value}");
    assert_eq!(value["delay"], 0, "{value}");
    assert_eq!(value["parent"], Value::Null, "{value}");
    let (added, started) = (value["addedAt"].as_u64(), value["startedAt"].as_u64());
    assert!(added >= Some(before) && started >= added, "{value}");
    assert!(started <= Some(now()), "{value}");
}

pub(crate) fn time_left(door: &Door) {
    let value = door.value("job", json!({}));
    let left = value["timeLeft"].as_u64().unwrap_or(0);
    assert!((1..=60_000).contains(&left), "{left} of 60000 ms");
}

pub(crate) fn log(door: &Door) {
    let ended = door.run("log", json!({}));
    assert!(ended.completed, "{}", ended.reason);
    let expected = ["trace", "debug", "info", "warn", "error"].map(|level| {
        let upper = level.to_uppercase();
        format!("{upper} a line of {level} order=7 note=two words")
    });
    assert_eq!(ended.lines(), expected);
}

pub(crate) fn print(door: &Door) {
    let ended = door.run("print", json!({}));
    assert!(ended.completed, "{}", ended.reason);
    let lines = ended.lines();
    if is_program(door) {
        // Its standard output is its result.
        assert_eq!(ended.value(), json!("one\ntwo"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with(" three"), "{lines:?}");
        return;
    }
    let of = |level: &str| {
        let of_level = lines.iter().filter_map(|line| line.strip_prefix(level));
        of_level.map(str::trim).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("INFO "), of("WARN ")),
        (vec!["one", "two"], vec!["three"])
    );
}

pub(crate) fn progress(door: &Door) {
    let ended = door.run("progress", json!({}));
    assert_eq!(
        (ended.completed, &*ended.progress),
        (true, "25"),
        "{ended:?}"
    );
}

pub(crate) fn progress_message(door: &Door) {
    let ended = door.run("progress-message", json!({}));
    let progress: Value = serde_json::from_str(&ended.progress).unwrap_or_default();
    assert_eq!(progress, json!({ "percent": 40, "message": "page 2 of 5" }));
}

pub(crate) fn progress_json(door: &Door) {
    let ended = door.run("progress-json", json!({}));
    let progress: Value = serde_json::from_str(&ended.progress).unwrap_or_default();
    assert_eq!(progress, json!({ "done": [1, 2] }));
}

/// What `/echo` answers.
fn echoed(value: &Value) -> Value {
    let body = value["body"].as_str().unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {value}"))
}

pub(crate) fn http_get(door: &Door) {
    let url = door.server.url("/echo");
    let value = door.value("http", json!({ "url": url, "requestId": "r-9" }));
    assert_eq!(
        (&value["status"], &value["answer"]),
        (&json!(200), &json!("yes"))
    );
    let head = echoed(&value)["head"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(head.starts_with("get /echo http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-request-id: r-9\r\n"), "{head}");
}

pub(crate) fn http_post(door: &Door) {
    let value = door.value(
        "http",
        json!({
            "url": door.server.url("/echo"),
            "method": "POST",
            "headers": { "x-shop": "seven", "content-type": "text/plain; charset=utf-8" },
            "body": "gr\u{fc}\u{df}e \u{1F600}",
        }),
    );
    let seen = echoed(&value);
    let head = seen["head"].as_str().unwrap_or_default();
    assert!(head.starts_with("post /echo http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-shop: seven\r\n"), "{head}");
    assert!(
        head.contains("content-type: text/plain; charset=utf-8\r\n"),
        "{head}"
    );
    assert_eq!(seen["body"], "gr\u{fc}\u{df}e \u{1F600}");
}

pub(crate) fn http_status(door: &Door) {
    for (path, status, body) in [("/missing", 404, "nothing here"), ("/busy", 503, "later")] {
        let value = door.value("http", json!({ "url": door.server.url(path) }));
        assert_eq!(value["status"], status, "{value}");
        assert_eq!(value["body"], body, "{value}");
    }
}

/// The request fails in this way; its message.
#[track_caller]
fn fails(door: &Door, data: Value, kind: &str) -> String {
    let value = door.value("http", data);
    assert_eq!(value["error"], kind, "{value}");
    value["message"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn http_denied(door: &Door) {
    let message = fails(door, json!({ "url": "https://evil.example/x" }), "denied");
    assert!(message.contains("evil.example"), "{message}");
    assert!(message.contains("[plugins.guest] http"), "{message}");
}

pub(crate) fn http_timeout(door: &Door) {
    let url = door.server.url("/slow");
    let message = fails(door, json!({ "url": url, "timeout": 200 }), "timeout");
    // Clients that count from a deadline ask for a little less.
    assert!(
        message.contains("ms, the timeout of the request"),
        "{message}"
    );
}

pub(crate) fn http_too_large(door: &Door) {
    let url = door.server.url("/endless");
    fails(door, json!({ "url": url }), "too-large");
}

pub(crate) fn http_connect(door: &Door) {
    // Nobody listens at port 1.
    fails(door, json!({ "url": "http://127.0.0.1:1/" }), "connect");
}

pub(crate) fn redirects(door: &Door) {
    let url = door.server.url("/moved");
    let value = door.value("http", json!({ "url": url }));
    assert_eq!(value["status"], 302, "{value}");
    let value = door.value("http", json!({ "url": url, "redirects": 3 }));
    assert_eq!(value["status"], 200, "{value}");
}

pub(crate) fn idempotent(door: &Door) {
    let url = door.server.url("/echo");
    let key = |data: Value| {
        let value = door.value("http", data);
        let head = echoed(&value)["head"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let after = head.split("idempotency-key: ").nth(1);
        after
            .and_then(|rest| rest.split('\r').next())
            .map(str::to_owned)
    };
    let first = key(json!({ "url": url, "idempotent": true })).expect("a key");
    assert!(
        first.starts_with("work/") && first.ends_with("/1"),
        "{first}"
    );
    assert_eq!(key(json!({ "url": url })), None);
}

pub(crate) fn config(door: &Door) {
    let value = door.value("config", json!({}));
    assert_eq!(value["sender"], "Example", "{value}");
    assert_eq!(value["limits"], json!({ "daily": 5 }), "{value}");
    assert_eq!(value["missing"], Value::Null, "{value}");
    assert_eq!(value["token"], TOKEN.len(), "{value}");
    assert_eq!(value["absent"], Value::Null, "{value}");
    if !is_program(door) {
        assert_eq!(value["all"]["sender"], "Example", "{value}");
        let limits = value["all"]["limits"].as_str().unwrap_or_default();
        let limits: Value = serde_json::from_str(limits).unwrap_or_default();
        assert_eq!(limits, json!({ "daily": 5 }), "{value}");
    }
}

pub(crate) fn leak(door: &Door) {
    let ended = door.run("leak", json!({}));
    assert_eq!(ended.value(), json!({ "token": "[redacted]" }));
    let lines = ended.lines();
    assert!(lines[0].ends_with(" the token is [redacted]"), "{lines:?}");
    assert!(!format!("{ended:?}").contains(TOKEN), "{ended:?}");
}

pub(crate) fn leak_failure(door: &Door) {
    let ended = door.run("leak-failure", json!({}));
    assert!(!format!("{ended:?}").contains(TOKEN), "{ended:?}");
    let reason = ended.failed();
    assert!(reason.contains("bad token [redacted]"), "{reason}");
}
