//! The names under which other BullMQ set-ups keep the options of jobs. They
//! override `[defaults.job]`; what a queue says itself is narrower and stays.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::decode::Decoder;
use crate::keys::job::backoff_kind;
use crate::origins::{Source, join};
use crate::value::{self, Fault, Raw, fault};
use crate::{Backoff, BackoffKind, JobDefaults, Keep};

const OPTIONS: &str = "BULLMQ_DEFAULT_JOB_OPTIONS";
const DELAY: &str = "QUEUE_RETRY_DELAY";
const SHAPE: &str = "QUEUE_RETRY_BACKOFF";
const PATH: &str = "defaults.job";

/// `BULLMQ_DEFAULT_JOB_OPTIONS` over `QUEUE_*` over the file.
pub(super) fn job_defaults(decoder: &mut Decoder<'_>, defaults: &mut JobDefaults) {
    let path = join(PATH, "attempts");
    // A retry is what follows the first attempt.
    let retries = decoder.env_value(&path, &["QUEUE_MAX_RETRIES"], value::count);
    if let Some(retries) = retries {
        defaults.attempts = Some(retries.saturating_add(1));
    }
    let path = join(PATH, "backoff");
    let kind = decoder.env_value(&path, &[SHAPE], backoff_kind);
    let delay = decoder.env_value(&path, &[DELAY], milliseconds);
    if kind.is_some() || delay.is_some() {
        let before = defaults.backoff.unwrap_or(Backoff {
            kind: BackoffKind::Exponential,
            delay: Duration::from_secs(1),
            jitter: 0.0,
        });
        defaults.backoff = Some(Backoff {
            kind: kind.unwrap_or(before.kind),
            delay: delay.unwrap_or(before.delay),
            jitter: before.jitter,
        });
    }
    if let Some(text) = decoder.env.get(OPTIONS) {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(options) => read_options(decoder, &options, defaults),
            Err(error) => decoder.refuse_outside(
                &format!("environment variable {OPTIONS}"),
                fault(
                    format!("must be a JSON object: {error}"),
                    "write BullMQ's job options: {\"attempts\":3,\"removeOnComplete\":100}",
                ),
            ),
        }
    }
}

fn read_options(decoder: &mut Decoder<'_>, options: &Map<String, Value>, into: &mut JobDefaults) {
    for (name, value) in options {
        let (key, read) = match name.as_str() {
            "attempts" => ("attempts", attempts(value).map(|n| into.attempts = Some(n))),
            "backoff" => ("backoff", backoff(value).map(|b| into.backoff = Some(b))),
            "removeOnComplete" => (
                "remove_on_complete",
                keep(value).map(|k| into.remove_on_complete = Some(k)),
            ),
            "removeOnFail" => (
                "remove_on_fail",
                keep(value).map(|k| into.remove_on_fail = Some(k)),
            ),
            _ => {
                decoder.warnings.push(format!(
                    "environment variable {OPTIONS}: `{name}` is not used; Runner uses attempts, backoff, removeOnComplete and removeOnFail"
                ));
                continue;
            }
        };
        match read {
            Ok(()) => decoder.origins.set(join(PATH, key), Source::Env(OPTIONS)),
            Err(fault) => {
                decoder.refuse_outside(&format!("environment variable {OPTIONS}: `{name}`"), fault);
            }
        }
    }
}

fn attempts(value: &Value) -> Result<u32, Fault> {
    number(value)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n > 0)
        .ok_or_else(|| is_not(value, "a number from 1", "3 attempts are 2 retries"))
}

/// A number is a fixed delay in milliseconds, as in BullMQ.
fn backoff(value: &Value) -> Result<Backoff, Fault> {
    let refused = || {
        is_not(
            value,
            "a backoff of BullMQ",
            "write {\"type\":\"exponential\",\"delay\":1000}, with delay in milliseconds",
        )
    };
    let delay_of = |value: &Value| number(value).map(Duration::from_millis).ok_or_else(refused);
    let Value::Object(fields) = value else {
        return Ok(Backoff {
            kind: BackoffKind::Fixed,
            delay: delay_of(value)?,
            jitter: 0.0,
        });
    };
    let kind = fields.get("type").and_then(Value::as_str);
    let jitter = fields.get("jitter").map_or(Some(0.0), Value::as_f64);
    Ok(Backoff {
        kind: backoff_kind(Raw::Text(kind.ok_or_else(refused)?)).map_err(|_| refused())?,
        delay: delay_of(fields.get("delay").unwrap_or(&Value::Null))?,
        jitter: jitter
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(refused)?,
    })
}

fn keep(value: &Value) -> Result<Keep, Fault> {
    let refused = || {
        is_not(
            value,
            "true, false, a number or an object",
            "write 100, or {\"age\":86400,\"count\":1000}, with age in seconds",
        )
    };
    match value {
        Value::Bool(remove) => Ok(Keep {
            count: remove.then_some(0),
            ..Keep::default()
        }),
        Value::Object(fields) => {
            let field = |name| match fields.get(name) {
                None => Ok(None),
                Some(value) => number(value).map(Some).ok_or_else(refused),
            };
            Ok(Keep {
                age: field("age")?,
                count: field("count")?,
                limit: field("limit")?,
            })
        }
        _ => Ok(Keep {
            count: Some(number(value).ok_or_else(refused)?),
            ..Keep::default()
        }),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().filter(|n| *n <= u64::from(u32::MAX))
}

fn is_not(value: &Value, what: &str, hint: &str) -> Fault {
    fault(format!("must be {what}, found {value}"), hint)
}

/// A number is milliseconds, as in BullMQ; a duration is taken as well.
fn milliseconds(raw: Raw<'_>) -> Result<Duration, Fault> {
    value::count(raw)
        .map(|n| Duration::from_millis(n.into()))
        .or_else(|_| value::duration(raw))
        .map_err(|_| raw.is_not("a number of milliseconds", "write 2000 or 2s"))
}
