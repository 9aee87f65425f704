//! JSON as it is stored: every digit of a number, every key, in their order.

use serde_json::value::{RawValue, to_raw_value};

/// Stored JSON as it is; a text that is not JSON as a string.
pub fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text.clone()).unwrap_or_else(|_| string(&text))
}

fn string(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a string is JSON")
}
