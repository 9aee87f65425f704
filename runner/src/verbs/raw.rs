//! JSON as it is stored: every digit of a number, every key, in their order.

use serde_json::value::{RawValue, to_raw_value};

/// Stored JSON as it is, on one line; a text that is not JSON as a string.
pub fn raw(text: String) -> Box<RawValue> {
    match serde_json::from_str::<&RawValue>(&text) {
        // Within strings, JSON has no line breaks: these are between its words.
        Ok(raw) if raw.get().contains(['\n', '\r']) => {
            let line = raw.get().replace(['\n', '\r'], " ");
            RawValue::from_string(line).unwrap_or_else(|_| string(&text))
        }
        Ok(raw) => raw.to_owned(),
        Err(_) => string(&text),
    }
}

/// A text as JSON.
pub fn string(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a string is JSON")
}
