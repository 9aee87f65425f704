//! How an attempt ends: as the handler says, or as nobody chose.

use serde_json::json;

use super::door::Door;
use super::values::is_program;

const DOWN: &str = "the other side is down";

pub(crate) fn retry_once(door: &Door) {
    let ended = door.tries("retry-once", json!({}), 2);
    assert_eq!(ended.value(), json!({ "attempt": 2 }));
    assert!(ended.stack.contains(DOWN), "{}", ended.stack);
}

pub(crate) fn retry(door: &Door) {
    let ended = door.tries("retry", json!({}), 3);
    assert_eq!(ended.attempts, 3, "{ended:?}");
    is(door, &ended.failed(), DOWN);
}

pub(crate) fn reject(door: &Door) {
    let ended = door.tries("reject", json!({}), 3);
    assert_eq!(ended.attempts, 1, "{ended:?}");
    is(door, &ended.failed(), "no such user");
}

/// The reason is the handler's own; a program's is in what it wrote last.
#[track_caller]
fn is(door: &Door, reason: &str, expected: &str) {
    if is_program(door) {
        assert!(reason.contains(expected), "{reason}");
    } else {
        assert_eq!(reason, expected);
    }
}

pub(crate) fn retry_after(door: &Door) {
    let ended = door.tries("retry-after", json!({ "ms": 100 }), 2);
    assert_eq!(ended.value(), json!({ "attempt": 2 }));
    assert!(ended.stack.contains("slow down"), "{}", ended.stack);
}

pub(crate) fn snooze(door: &Door) {
    let ended = door.tries("snooze", json!({ "ms": 2000 }), 2);
    assert_eq!(ended.value(), json!({ "attempt": 1 }));
    let lines = ended.lines();
    assert!(
        lines.iter().any(|line| line.contains("quiet hours")),
        "{lines:?}"
    );
}

/// In a queue of its own: the limit is the queue's.
pub(crate) fn rate_limit(door: &Door) {
    let ended = door.run_in(
        "limited",
        "rate-limit",
        r#"{"ms":2000}"#,
        r#"{"attempts":2}"#,
    );
    assert_eq!(ended.value(), json!({ "attempt": 1 }));
    let lines = ended.lines();
    assert!(lines.iter().any(|line| line.contains("429")), "{lines:?}");
}

pub(crate) fn childless(door: &Door) {
    let reason = door.reason("childless", json!({}));
    assert!(reason.contains("child"), "{reason}");
}

pub(crate) fn throw(door: &Door) {
    let ended = door.run("throw", json!({}));
    let whole = format!("{}\n{}", ended.reason, ended.stack);
    assert!(ended.reason.contains("the sky is falling"), "{whole}");
    // A program loses the lines of its source when it is made a component.
    let source = door.language.source();
    assert!(
        is_program(door) || whole.contains(source),
        "no frame names {source}: {whole}"
    );
    assert!(
        whole.contains("fall"),
        "no frame names the function: {whole}"
    );
}

pub(crate) fn assertion(door: &Door) {
    let reason = door.reason("assert", json!({}));
    assert!(reason.contains("two is not one"), "{reason}");
}

pub(crate) fn exit(door: &Door) {
    let reason = door.reason("exit", json!({ "code": 3 }));
    assert!(reason.contains("exit"), "{reason}");
}

pub(crate) fn recurse(door: &Door) {
    let reason = door.reason("recurse", json!({}));
    let said = reason.to_lowercase();
    assert!(
        said.contains("stack") || said.contains("recursion"),
        "{reason}"
    );
}

pub(crate) fn unknown(door: &Door) {
    let ended = door.tries("unheard-of", json!({}), 2);
    assert_eq!(ended.attempts, 1, "{ended:?}");
    is(door, &ended.failed(), "no job is named unheard-of");
}
