//! Reading job options as leniently as Node reads them: each field by itself;
//! one odd value never costs the others. Refuses only what is no JSON at all.

use serde_json::{Map, Value};

use crate::config::BackoffKind;
use crate::queue::stored::job::{Backoff, Options, Parent, Retain};
use crate::trace;

/// What npm stores when `add` has no options.
const NONE: &str = r#"{"attempts":0}"#;

/// A number as JavaScript coerces it where BullMQ compares or adds (ECMAScript,
/// `ToNumber`); none for what is no number to it either.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => number_in(text.trim()),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        // Its text is that of its elements, with commas between.
        Value::Array(list) => match list.as_slice() {
            [] => Some(0.0),
            [Value::Bool(_)] => None,
            [one] => number(one),
            _ => None,
        },
        Value::Null | Value::Object(_) => None,
    }
}

fn number_in(text: &str) -> Option<f64> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let start = text.get(..2);
        if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let digits = &text[2..];
            return u64::from_str_radix(digits, radix).ok().map(|n| n as f64);
        }
    }
    match text {
        "" => Some(0.0),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust also reads words.
        _ if text.contains(|c: char| c.is_alphabetic() && c != 'e' && c != 'E') => None,
        _ => text.parse().ok(),
    }
}

/// `stackTraceLimit` as `slice(-limit)` takes it: none keeps all, and a part of
/// one is cut off.
fn slice(value: &Value) -> Option<i64> {
    if value.as_f64() == Some(0.0) {
        return Some(0);
    }
    let limit = number(value).filter(|_| truthy(value))?.trunc() as i64;
    (limit != 0).then_some(limit)
}

fn whole(value: f64) -> u64 {
    // `as` saturates, and negative numbers become 0.
    value.ceil() as u64
}

/// Decode `opts`.
///
/// # Errors
/// When the text is not JSON: Node cannot run such a job either.
pub(crate) fn decode(text: &str) -> Result<Options, String> {
    let mut options = Options {
        attempts: 1,
        ..Options::default()
    };
    if text == NONE || text.is_empty() {
        return Ok(options);
    }
    let value: Value =
        serde_json::from_str(text).map_err(|e| format!("the options are not JSON: {e}"))?;
    // Anything but an object has no options, in JavaScript too.
    let Value::Object(fields) = value else {
        return Ok(options);
    };
    for (name, value) in &fields {
        let used = match name.as_str() {
            "attempts" => number(value).map(|n| {
                options.attempts = u32::try_from(whole(n)).unwrap_or(u32::MAX).max(1);
            }),
            "backoff" => backoff(value).map(|found| options.backoff = Some(found)),
            "lifo" => {
                options.lifo = truthy(value);
                Some(())
            }
            "delay" => number(value).map(|n| options.delay = whole(n)),
            "removeOnComplete" => {
                options.remove_on_complete = retain(value);
                Some(())
            }
            "removeOnFail" => {
                options.remove_on_fail = retain(value);
                Some(())
            }
            "tm" => {
                options.trace = value.as_str().and_then(trace::Context::stored);
                Some(())
            }
            // 0 is no limit.
            "kl" | "keepLogs" => number(value)
                .filter(|n| *n >= 0.0)
                .map(|n| options.keep_logs = (n > 0.0).then(|| whole(n))),
            "stackTraceLimit" => {
                options.stack_trace_limit = slice(value);
                Some(())
            }
            _ => Some(()),
        };
        if used.is_none() && !value.is_null() {
            options.ignored.push(name.clone());
        }
    }
    Ok(options)
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A bare number is `fixed`; so is an object without a type.
fn backoff(value: &Value) -> Option<Backoff> {
    let fixed = |delay: Option<f64>| Backoff {
        kind: BackoffKind::Fixed,
        custom: None,
        delay,
        jitter: 0.0,
    };
    match value {
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(number);
            let mut backoff = fixed(field("delay"));
            match fields.get("type").and_then(Value::as_str) {
                Some("exponential") => backoff.kind = BackoffKind::Exponential,
                Some("fixed") | None => {}
                Some(custom) => backoff.custom = Some(custom.to_owned()),
            }
            backoff.jitter = field("jitter").unwrap_or(0.0).clamp(0.0, 1.0);
            Some(backoff)
        }
        Value::Number(_) | Value::String(_) => number(value).map(|delay| fixed(Some(delay))),
        _ => None,
    }
}

/// `getKeepJobs` of BullMQ's worker: an object as it is, a number is a count,
/// anything else removes at once if it is true and keeps all if not. `None` leaves it to
/// the worker.
fn retain(value: &Value) -> Option<Retain> {
    match value {
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(number);
            Some(Retain {
                count: field("count").map(|n| n.floor() as i64),
                age: field("age"),
                limit: field("limit").map(whole),
            })
        }
        Value::Null | Value::Array(_) => None,
        Value::Number(_) => Some(Retain {
            count: number(value).map(|n| n.floor() as i64),
            ..Retain::default()
        }),
        other => Some(Retain {
            count: truthy(other).then_some(0),
            ..Retain::default()
        }),
    }
}

/// The value of `parent`: `{"id": …, "queueKey": …}`.
pub(crate) fn parent(text: &str) -> Option<Parent> {
    let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let field = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Parent {
        id: field("id")?,
        queue: field("queueKey")?,
    })
}

/// The value of `stacktrace`: a list of texts; anything else is an empty list,
/// as Node reads it.
pub(crate) fn traces(text: &str) -> Vec<String> {
    serde_json::from_str::<Vec<Value>>(text)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| match entry {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Options {
        decode(text).unwrap()
    }

    #[test]
    fn one_odd_value_does_not_cost_the_others() {
        let options =
            read(r#"{"attempts":3,"backoff":1000,"delay":10.7,"removeOnFail":-1,"kl":"x"}"#);
        assert_eq!(options.attempts, 3);
        assert_eq!(options.backoff.unwrap().delay, Some(1000.0));
        assert_eq!(options.delay, 11);
        assert_eq!(options.remove_on_fail.unwrap().count, Some(-1));
        assert_eq!(options.ignored, ["kl"]);
    }

    #[test]
    fn numbers_in_quotes_count_as_they_do_in_javascript() {
        let options = read(r#"{"attempts":"3","backoff":{"type":"exponential","delay":"100"}}"#);
        assert_eq!(options.attempts, 3);
        assert_eq!(options.backoff.unwrap().delay, Some(100.0));
    }

    #[test]
    fn big_numbers_in_exponent_form_are_read() {
        assert_eq!(read(r#"{"delay":1e+14}"#).delay, 100_000_000_000_000);
    }

    #[test]
    fn every_form_of_remove_on_complete_is_read() {
        let count = |text: &str| {
            read(&format!(r#"{{"removeOnComplete":{text}}}"#))
                .remove_on_complete
                .map(|keep| (keep.count, keep.age))
        };
        assert_eq!(count("true"), Some((Some(0), None)));
        // Says that all are kept, whatever the queue keeps.
        assert_eq!(count("false"), Some((None, None)));
        assert_eq!(count("null"), None);
        assert_eq!(count("0"), Some((Some(0), None)));
        assert_eq!(count("100"), Some((Some(100), None)));
        assert_eq!(count(r#"{"age":1800.1}"#), Some((None, Some(1800.1))));
        assert_eq!(count(r#"{"age":5,"count":7}"#), Some((Some(7), Some(5.0))));
    }

    #[test]
    fn texts_are_numbers_where_javascript_says_so() {
        let attempts = |text: &str| read(&format!(r#"{{"attempts":{text}}}"#)).attempts;
        assert_eq!(attempts(r#"" 5 ""#), 5);
        assert_eq!(attempts(r#""0x10""#), 16);
        assert_eq!(attempts(r#""1e2""#), 100);
        assert_eq!(attempts(r#""Infinity""#), u32::MAX);
        assert_eq!(attempts("[4]"), 4);
        for none in [r#""inf""#, r#""nan""#, r#""many""#, r#""""#, "[4,4]", "{}"] {
            assert_eq!(attempts(none), 1, "{none}");
        }
    }

    #[test]
    fn the_stack_trace_limit_is_that_of_a_slice() {
        let limit =
            |text: &str| read(&format!(r#"{{"stackTraceLimit":{text}}}"#)).stack_trace_limit;
        assert_eq!(limit("0"), Some(0));
        assert_eq!(limit("2.5"), Some(2));
        assert_eq!(limit("-1"), Some(-1));
        for all in ["0.5", "null", "false", r#""0""#, r#""x""#, "[]"] {
            assert_eq!(limit(all), None, "{all}");
        }
    }

    #[test]
    fn no_number_of_log_lines_is_no_limit() {
        assert_eq!(read(r#"{"kl":0}"#).keep_logs, None);
        assert_eq!(read(r#"{"kl":3}"#).keep_logs, Some(3));
        assert_eq!(read(r#"{"kl":-3}"#).ignored, ["kl"]);
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_the_place() {
        assert_eq!(
            decode("{oops").unwrap_err(),
            "the options are not JSON: key must be a string at line 1 column 2"
        );
    }

    #[test]
    fn options_that_are_no_object_are_no_options() {
        assert_eq!(read("5"), read("{}"));
    }
}
