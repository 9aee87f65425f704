//! Whether a value has what is expected of it.

use serde_json::Value;

/// Compare JSON: numbers by value, arrays whole, objects by the keys expected.
pub(super) fn within(place: &str, expected: &Value, is: &Value, found: &mut Vec<String>) {
    match (expected, is) {
        (Value::Object(expected), Value::Object(fields)) => {
            for (key, expected) in expected {
                let place = format!("{place}.{key}");
                match fields.get(key) {
                    Some(is) => within(&place, expected, is, found),
                    None => found.push(format!("{place}: expected {expected}, found nothing")),
                }
            }
        }
        (Value::Array(expected), Value::Array(items)) if expected.len() == items.len() => {
            for (at, (expected, is)) in expected.iter().zip(items).enumerate() {
                within(&format!("{place}[{at}]"), expected, is, found);
            }
        }
        (Value::Number(expected), Value::Number(number))
            if expected.as_f64() == number.as_f64() => {}
        (expected, is) if expected == is => {}
        _ => found.push(format!("{place}: expected {expected}, found {is}")),
    }
}
