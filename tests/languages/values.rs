//! Payloads and results.

use serde_json::{Value, json};

use super::door::Door;
use super::language::Language;

pub(crate) fn echo(door: &Door) {
    let data = json!({ "a": [1, true, null, "x"], "b": {}, "c": { "d": 1.5 } });
    assert_eq!(door.value("echo", data.clone()), data);
}

pub(crate) fn raw(door: &Door) {
    let text = "{ \"big\": 9007199254740993,\t\"huge\":1e400, \"zero\":-0, \"price\":1.10, \
                \"twice\":1, \"twice\":2, \"lone\":\"\\ud800\", \"ends\":18446744073709551615 }";
    let ended = door.run_in("work", "raw", text, "{}");
    assert!(ended.completed, "{}", ended.reason);
    // A program's result is what it wrote: a line more or less means nothing.
    assert_eq!(ended.text.trim(), text);
}

pub(crate) fn nothing(door: &Door) {
    assert_eq!(door.value("nothing", json!({})), Value::Null);
}

pub(crate) fn integers(door: &Door) {
    let text = r#"{"values":[9007199254740993,18446744073709551615,-9223372036854775808]}"#;
    let ended = door.run_in("work", "numbers", text, "{}");
    assert!(ended.completed, "{}", ended.reason);
    let stored = ended.text.replace(' ', "");
    for digits in [
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
    ] {
        assert_eq!(stored.matches(digits).count(), 2, "{digits}: {stored}");
        assert!(
            stored.contains(&format!("\"{digits}\"")),
            "{digits}: {stored}"
        );
    }
}

pub(crate) fn unicode(door: &Door) {
    let text = "a\u{0}b \u{1F600} \u{1D11E} e\u{301} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{fffd} \u{2028} \
                \u{10ffff} \u{feff} \"\\/";
    let value = door.value("text", json!({ "text": text }));
    assert_eq!(value, json!({ "text": text, "bytes": text.len() }));
}

pub(crate) fn lone_surrogate(door: &Door) {
    let ended = door.run_in("work", "echo", r#"{"text":"\ud800"}"#, "{}");
    if ended.completed {
        let kept = ended.text.to_lowercase().contains("\\ud800");
        let replaced = ended.text.contains('\u{fffd}') || ended.text.contains("\\ufffd");
        assert!(kept || replaced, "{}", ended.text);
    } else {
        let reason = ended.reason.to_lowercase();
        let said = ["surrogate", "escape", "not json", "utf-8"];
        assert!(said.iter().any(|word| reason.contains(word)), "{reason}");
    }
}

const LARGE: usize = 5_000_000;

pub(crate) fn large_in(door: &Door) {
    let data = json!({ "blob": "y".repeat(LARGE) });
    assert_eq!(door.value("length", data), json!({ "length": LARGE }));
}

pub(crate) fn large_out(door: &Door) {
    let value = door.value("make", json!({ "bytes": LARGE }));
    assert_eq!(value["blob"].as_str().map(str::len), Some(LARGE));
}

pub(crate) fn large_through(door: &Door) {
    let data = json!({ "blob": "z".repeat(LARGE) });
    assert!(
        door.value("raw", data.clone()) == data,
        "the payload changed"
    );
}

/// Arrays in each other.
pub(crate) fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

pub(crate) fn deep(door: &Door) {
    // One less than `max_depth`: what serde_json reads.
    let text = nested(127);
    let ended = door.run_in("work", "echo", &text, "{}");
    assert!(ended.completed, "{}", ended.reason);
    let stored: String = ended.text.split_whitespace().collect();
    assert_eq!(stored, text);
}

pub(crate) fn broken_payload(door: &Door) {
    let ended = door.run_in("work", "echo", "{oops", r#"{"attempts":2}"#);
    assert_eq!(ended.attempts, 1, "it is rejected: {ended:?}");
    let reason = ended.failed();
    let unreadable = ["unreachable", "trapped", "aborted"];
    let bare = unreadable.iter().any(|word| reason.contains(word));
    assert!(!bare && !reason.is_empty(), "{reason}");
}

pub(crate) fn broken_result(door: &Door) {
    let reason = door.reason("invalid", json!({}));
    assert!(reason.contains("the result is not JSON"), "{reason}");
}

pub(crate) fn contract(door: &Door) {
    let text = r#"{"id":18446744073709551615,"items":[{"sku":"a","quantity":2},
                   {"sku":"b","quantity":40}],"channel":"SMS"}"#;
    let ended = door.run_in("typed", "place", text, "{}");
    assert!(ended.completed, "{}", ended.reason);
    let stored: String = ended.text.split_whitespace().collect();
    assert!(stored.contains("\"id\":18446744073709551615"), "{stored}");
    let value = ended.value();
    assert_eq!(value["pieces"], 42);
    assert_eq!(value["channel"], "SMS");
    assert_eq!(value["note"], Value::Null);

    let wrong = r#"{"id":1,"items":[{"sku":"a","quantity":-2}],"channel":"SMS"}"#;
    let ended = door.run_in("typed", "place", wrong, r#"{"attempts":2}"#);
    assert_eq!(ended.attempts, 1, "{ended:?}");
    let reason = ended.failed();
    assert!(reason.contains("data.items[0].quantity"), "{reason}");
}

/// Whether the guest is a program, whose result is what it prints.
pub(crate) fn is_program(door: &Door) -> bool {
    door.language == Language::Command
}
