//! Where Runner stops a guest.

use std::time::{Duration, Instant};

use serde_json::json;

use super::door::Door;
use super::values::nested;
use crate::support::until;

pub(crate) fn payload(door: &Door) {
    let data = json!({ "blob": "x".repeat(2000) }).to_string();
    let ended = door.run_in("brief", "length", &data, r#"{"attempts":2}"#);
    assert_eq!(ended.attempts, 1, "{ended:?}");
    let reason = ended.failed();
    assert!(reason.contains("max_payload"), "{reason}");
}

pub(crate) fn result(door: &Door) {
    let reason = door.reason("make", json!({ "bytes": 6_000_000 }));
    assert!(reason.contains("max_result"), "{reason}");
}

pub(crate) fn depth_in(door: &Door) {
    let ended = door.run_in("work", "echo", &nested(200), r#"{"attempts":2}"#);
    assert_eq!(ended.attempts, 1, "{ended:?}");
    let reason = ended.failed();
    assert!(reason.contains("max_depth"), "{reason}");
}

pub(crate) fn depth_out(door: &Door) {
    let reason = door.reason("deep", json!({ "levels": 200 }));
    assert!(reason.contains("max_depth"), "{reason}");
}

pub(crate) fn lines(door: &Door) {
    let ended = door.run("flood", json!({ "lines": 1500 }));
    assert!(ended.completed, "{}", ended.reason);
    let lines = ended.lines();
    assert_eq!(lines.len(), 1000);
    assert!(lines[0].ends_with("line 0"), "{}", lines[0]);
    assert!(lines[999].contains("max_logs"), "{}", lines[999]);
}

pub(crate) fn adds(door: &Door) {
    let data = json!({ "queue": "other", "count": 4 }).to_string();
    let value = door.run_in("few", "add-bulk", &data, "{}").value();
    assert_eq!(value["error"], "limit", "{value}");
    let message = value["message"].as_str().unwrap_or_default();
    assert!(message.contains("max_adds"), "{message}");
}

pub(crate) fn memory(door: &Door) {
    let reason = door.reason("allocate", json!({ "mib": 256 }));
    let said = reason.to_lowercase();
    assert!(said.contains("memory"), "{reason}");
    let value = door.value("allocate", json!({ "mib": 16 }));
    assert_eq!(value, json!({ "mib": 16 }));
}

pub(crate) fn least(door: &Door) {
    let ended = door.run_in("least", "echo", r#"{"a":1}"#, "{}");
    assert_eq!(ended.value(), json!({ "a": 1 }));
}

pub(crate) fn size(door: &Door) {
    let bytes = std::fs::metadata(door.language.guest())
        .expect("a guest")
        .len();
    let allowed = door.language.kilobytes() * 1000;
    assert!(bytes <= allowed, "{bytes} bytes, {allowed} at most");
}

/// Well above the second that is allowed: on a busy machine.
const SOON: Duration = Duration::from_secs(20);

pub(crate) fn spin(door: &Door) {
    let began = Instant::now();
    let reason = door.run_in("brief", "spin", "{}", "{}").failed();
    assert_eq!(reason, "timed out after 1s");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

pub(crate) fn wait(door: &Door) {
    let began = Instant::now();
    let data = json!({ "url": door.server.url("/slow") }).to_string();
    let ended = door.run_in("brief", "http", &data, "{}");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // The request may not take longer than what is left to the job, and Go's context has
    // the job's deadline: which of them ends first is a matter of milliseconds.
    if ended.completed {
        assert_eq!(ended.value()["error"], "timeout", "{ended:?}");
    } else {
        let ends = ["timed out after 1s", "context deadline exceeded"];
        let reason = &ended.reason;
        assert!(ends.iter().any(|end| reason.ends_with(end)), "{reason}");
    }
}

pub(crate) fn cancel(door: &Door) {
    let id = door.redis.add("gated", "spin", "{}", r#"{"attempts":3}"#);
    door.redis.until_count("gated", "active", 1);
    let arguments = ["job", "cancel", "gated", &id, "--reason", "customer called"];
    let command = door.setup.cli(&arguments);
    assert_eq!(command.code, Some(0), "{command:?}");
    let reason = door.ended("gated", &id).failed();
    assert_eq!(reason, "cancelled: customer called");
    until("the slot to be free", || {
        (door.redis.count("gated", "active") == 0).then_some(())
    });
}
