//! Odd payloads and options, as they arrive in Redis from producers of every
//! kind. None may end a runner, none may hold up the job behind it.

use serde_json::json;

use crate::support::{Node, Redis, Runner, Setup, guest};

fn serve(redis: &Redis) -> (Setup, Runner) {
    let toml = "[queues.work]\nplugin = \"scripted\"\nconcurrency = 1\nmax_payload = \"1MiB\"\n";
    let setup = Setup::new(redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    (setup, runner)
}

/// Add the job, and a healthy one behind it; how the first ended and why.
#[track_caller]
fn ends(data: impl AsRef<[u8]>, options: &str) -> (&'static str, String) {
    let redis = Redis::shared();
    let (_setup, mut runner) = serve(&redis);
    let id = redis.add("work", "odd", data, options);
    let next = redis.add("work", "healthy", r#"{"result":1}"#, "{}");
    let ended = redis.until_ended("work", &id);
    assert_eq!(redis.until_ended("work", &next), "completed");
    assert!(runner.ended().is_none());
    let written = match ended {
        "failed" => "failedReason",
        _ => "returnvalue",
    };
    (ended, redis.field("work", &id, written).unwrap_or_default())
}

#[test]
fn a_payload_that_is_not_json_is_the_guests_business() {
    let (ended, reason) = ends("{not json", r#"{"attempts":3}"#);
    assert_eq!(ended, "failed");
    assert!(
        reason.contains("key must be a string at line 1 column 2"),
        "{reason}"
    );
}

#[test]
fn a_payload_that_is_not_utf_8_fails_at_once() {
    let (ended, reason) = ends(b"{\"result\":\"\xff\xfe\"}", r#"{"attempts":3}"#);
    assert_eq!(ended, "failed");
    assert!(reason.contains("UTF-8"), "{reason}");
}

#[test]
fn a_payload_above_the_limit_fails_at_once_and_says_both_sizes() {
    let data = json!({ "result": "x".repeat(2 << 20) }).to_string();
    let (ended, reason) = ends(&data, r#"{"attempts":3}"#);
    assert_eq!(ended, "failed");
    assert!(reason.contains("max_payload"), "{reason}");
    assert!(
        reason.contains(&data.len().to_string()) || reason.contains("MiB"),
        "{reason}"
    );
}

#[test]
fn a_payload_just_below_the_limit_reaches_the_guest_whole() {
    let text = "x".repeat(900 << 10);
    let (ended, value) = ends(json!({ "result": text }).to_string(), "{}");
    assert_eq!(ended, "completed");
    assert_eq!(value, json!(text).to_string());
}

#[test]
fn a_payload_200_levels_deep_fails_at_once_and_says_where() {
    let deep = format!("{{\"result\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let (ended, reason) = ends(&deep, r#"{"attempts":3}"#);
    assert_eq!(ended, "failed");
    assert_eq!(
        reason,
        "the payload is nested too deep: data.result[0][0][0][0][0][0][0]: more than 128 levels \
         from here on (max_depth)"
    );
}

#[test]
fn a_lone_surrogate_is_the_guests_business() {
    let (ended, reason) = ends(r#"{"result":"\ud800"}"#, r#"{"attempts":3}"#);
    assert_eq!(ended, "failed");
    assert!(
        reason.contains("lone leading surrogate") || reason.contains("hex escape"),
        "{reason}"
    );
}

#[test]
fn an_empty_payload_and_scalars_are_payloads() {
    let (ended, _) = ends("{}", "{}");
    assert_eq!(ended, "completed");
    // The guest wants an object and says so.
    for scalar in ["7", "\"text\"", "true"] {
        let (ended, reason) = ends(scalar, "{}");
        assert_eq!(ended, "failed");
        assert!(reason.contains("invalid type"), "{reason}");
    }
}

#[test]
fn odd_options_do_not_cost_the_attempts() {
    let busy = r#"{"retry":"busy","attempts":1,"result":"done"}"#;
    for options in [
        r#"{"attempts":3,"backoff":5}"#,
        r#"{"attempts":3,"backoff":{"type":"fixed","delay":5.5}}"#,
        r#"{"attempts":3,"removeOnFail":-1}"#,
        r#"{"attempts":3,"removeOnComplete":{"count":-1}}"#,
        r#"{"attempts":3,"backoff":{"type":"our own","delay":5}}"#,
        r#"{"attempts":3,"backoff":{"type":"exponential","delay":5,"jitter":0.5}}"#,
        r#"{"attempts":3,"backoff":null,"priority":"high","kl":"many"}"#,
    ] {
        let (ended, value) = ends(busy, options);
        assert_eq!(
            (ended, value.as_str()),
            ("completed", "\"done\""),
            "{options}"
        );
    }
}

#[test]
fn options_that_are_not_json_fail_the_job_and_none_are_none() {
    let (ended, reason) = ends(r#"{"result":1}"#, "nonsense");
    assert_eq!(ended, "failed");
    assert!(reason.starts_with("the options are not JSON"), "{reason}");
    let (ended, reason) = ends(r#"{"retry":"busy"}"#, "{}");
    assert_eq!((ended, reason.as_str()), ("failed", "busy"));
}

#[test]
fn ids_and_names_of_any_text_are_taken_as_they_are() {
    for version in [5, 6] {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis);
        for name in ["ünïcode 🚚", "a b\"c", "../../etc/passwd", "*"] {
            let options = json!({ "jobId": format!("id {name}") });
            let id = node.add("work", name, json!({ "result": name }), options);
            assert_eq!(node.finished("work", &id), name);
        }
    }
}
