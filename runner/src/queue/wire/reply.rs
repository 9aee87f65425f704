//! What Redis answered, as the texts, numbers and lists it means. A value of
//! another kind is empty or 0: whoever asks says what is missing.

use redis::Value;

/// The bytes of a text or number.
pub(in crate::queue) fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.into_bytes(),
        Value::Int(number) => number.to_string().into_bytes(),
        _ => Vec::new(),
    }
}

/// Text, if there is any; bytes that are not UTF-8 are replaced.
pub(in crate::queue) fn text(value: Value) -> Option<String> {
    match value {
        Value::Nil => None,
        other => Some(
            String::from_utf8(bytes(other))
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    }
}

/// The texts of a list.
pub(in crate::queue) fn texts(value: Value) -> Vec<String> {
    list(value).into_iter().filter_map(text).collect()
}

/// The texts of a list, two by two.
pub(in crate::queue) fn pairs(value: Value) -> Vec<(String, String)> {
    let texts = texts(value);
    let pairs = texts.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// The values of a list.
pub(in crate::queue) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// A number without its fraction.
pub(in crate::queue) fn whole(value: &Value) -> i64 {
    number(value) as i64
}

/// A number as stored by whatever client: `3`, `3.0`, `1e+14`. Casts of the
/// result saturate.
pub(in crate::queue) fn number(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::BulkString(bytes) => std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_default(),
        _ => 0.0,
    }
}

/// What stands in the list at this position, counted from 0.
pub(in crate::queue) fn at<'a, T>(list: &'a [T], position: &Value) -> Option<&'a T> {
    list.get(usize::try_from(whole(position)).ok()?)
}
