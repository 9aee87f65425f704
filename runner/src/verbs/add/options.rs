//! The options of a job as BullMQ's producers write them.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::Value;
use utoipa::ToSchema;

use crate::config::{Backoff, BackoffKind, JobDefaults, Keep};
use crate::queue::{ChildFailure, Deduplication, NewJob};

/// Milliseconds beyond which JavaScript does not count in whole numbers.
const LONGEST: u64 = (1 << 53) - 1;

/// `opts` of a job: those of BullMQ that a job can be added with here.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Options {
    /// The job's id; without one it is the next number. If a job already has it,
    /// nothing is added.
    #[serde(default)]
    pub job_id: Option<String>,
    /// Milliseconds, or a time such as `"5m"`, before the job may start.
    #[serde(default)]
    pub delay: Span,
    /// From 1 (first) to 2097151 (last); 0 comes before all of them.
    #[serde(default)]
    pub priority: u32,
    /// Put the job ahead of the waiting ones.
    #[serde(default)]
    pub lifo: bool,
    /// How many times the job may be attempted.
    #[schema(minimum = 1)]
    #[serde(default)]
    pub attempts: Option<u32>,
    /// The wait between attempts: milliseconds, `"exponential:1s"`, or
    /// `{"type": "exponential", "delay": 1000}`.
    #[schema(value_type = Value)]
    #[serde(default)]
    pub backoff: Option<Waits>,
    /// Which completed jobs are kept: `true` for none, a number of the newest, or `{"age":
    /// 3600, "count": 100}`.
    #[schema(value_type = Value)]
    #[serde(default)]
    pub remove_on_complete: Option<Kept>,
    /// Which failed jobs are kept, likewise.
    #[schema(value_type = Value)]
    #[serde(default)]
    pub remove_on_fail: Option<Kept>,
    /// Refuse a payload with more bytes.
    #[serde(default)]
    pub size_limit: Option<u64>,
    /// Add no second job that means the same.
    #[serde(default)]
    pub deduplication: Option<Same>,
    /// In a flow: the parent fails when this job fails.
    #[serde(default)]
    pub fail_parent_on_failure: bool,
    /// In a flow: the parent goes on when this job fails.
    #[serde(default)]
    pub continue_parent_on_failure: bool,
    /// In a flow: the parent does not wait for this job once that has failed.
    #[serde(default)]
    pub ignore_dependency_on_failure: bool,
    /// In a flow: the parent forgets this job once that has failed.
    #[serde(default)]
    pub remove_dependency_on_failure: bool,
}

/// BullMQ's `deduplication`.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Same {
    /// What the jobs have in common.
    pub id: String,
    /// Milliseconds, or a time, for which no further job is added; without it, until the
    /// first has ended.
    #[serde(default)]
    pub ttl: Span,
    /// Each further job begins that time anew.
    #[serde(default)]
    pub extend: bool,
    /// A further job takes the place of the first while that is delayed.
    #[serde(default)]
    pub replace: bool,
    /// The last job that comes while the first is running is added when that has ended.
    #[serde(default)]
    pub keep_last_if_active: bool,
    /// While the first job is delayed, it gets the delay of a further one.
    #[serde(default)]
    pub reschedule: bool,
}

impl Options {
    /// What the failure of a child does to its parent.
    ///
    /// # Errors
    /// Two of them contradict each other.
    pub(super) fn on_failure(&self) -> Result<Option<ChildFailure>, String> {
        let set = [
            (self.fail_parent_on_failure, ChildFailure::FailParent),
            (
                self.continue_parent_on_failure,
                ChildFailure::ContinueParent,
            ),
            (self.ignore_dependency_on_failure, ChildFailure::Ignore),
            (self.remove_dependency_on_failure, ChildFailure::Remove),
        ];
        let mut set = set
            .into_iter()
            .filter_map(|(set, what)| set.then_some(what));
        match (set.next(), set.next()) {
            (what, None) => Ok(what),
            (_, Some(_)) => Err(
                "the failure of a child has one effect on its parent: set one of \
                 failParentOnFailure, continueParentOnFailure, ignoreDependencyOnFailure and \
                 removeDependencyOnFailure"
                    .to_owned(),
            ),
        }
    }

    /// The job with these options.
    pub fn job(self, name: String, data: String) -> NewJob {
        NewJob {
            name,
            data,
            id: self.job_id,
            delay: self.delay.0,
            priority: self.priority,
            lifo: self.lifo,
            options: JobDefaults {
                attempts: self.attempts,
                backoff: self.backoff.map(|waits| waits.0),
                remove_on_complete: self.remove_on_complete.map(|kept| kept.0),
                remove_on_fail: self.remove_on_fail.map(|kept| kept.0),
                size_limit: self.size_limit,
            },
            deduplication: self.deduplication.map(|same| Deduplication {
                id: same.id,
                ttl: same.ttl.0,
                extend: same.extend,
                replace: same.replace,
                keep_last_if_active: same.keep_last_if_active,
                reschedule: same.reschedule,
            }),
            trace: None,
            fingerprint: None,
        }
    }
}

/// Milliseconds: a number of them, or a time such as `5m`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^([0-9]{1,9}|[0-9]{1,6}(ms|s|m|h|d))$", example = "5m")]
pub struct Span(pub u64);

impl Span {
    fn read(text: &str) -> Option<Span> {
        let millis = match text.parse::<u64>() {
            Ok(millis) => Some(millis),
            Err(_) => {
                let time = humantime::parse_duration(text).ok()?;
                u64::try_from(time.as_millis()).ok()
            }
        };
        millis.filter(|millis| *millis <= LONGEST).map(Span)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("milliseconds, or a time such as 5m")
            }

            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Span, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(millis), &self);
                Some(Span(millis))
                    .filter(|of| of.0 <= LONGEST)
                    .ok_or_else(wrong)
            }

            fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Span, E> {
                let wrong = || E::invalid_value(de::Unexpected::Float(millis), &self);
                let fits = millis >= 0.0 && millis <= LONGEST as f64;
                fits.then_some(Span(millis as u64)).ok_or_else(wrong)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                Span::read(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        from.deserialize_any(Read)
    }
}

/// BullMQ's `backoff`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits(pub Backoff);

impl<'de> Deserialize<'de> for Waits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Waits, D::Error> {
        let value = Value::deserialize(from)?;
        Waits::read(&value).map(Waits).ok_or_else(|| {
            de::Error::custom(format!(
                "{value} is not a backoff: write 1000, \"exponential:1s\" or \
                 {{\"type\": \"exponential\", \"delay\": 1000}}"
            ))
        })
    }
}

impl Waits {
    fn read(value: &Value) -> Option<Backoff> {
        let kind = |name: &str| match name {
            "fixed" => Some(BackoffKind::Fixed),
            "exponential" => Some(BackoffKind::Exponential),
            _ => None,
        };
        let fields = match value {
            Value::String(text) => {
                let (name, delay) = text.split_once(':').unwrap_or(("fixed", text));
                let delay = Duration::from_millis(Span::read(delay)?.0);
                let kind = kind(name)?;
                return Some(Backoff {
                    kind,
                    delay,
                    jitter: 0.0,
                });
            }
            Value::Object(fields) => fields,
            other => {
                let delay = Span::deserialize(other).ok()?;
                let delay = Duration::from_millis(delay.0);
                return Some(Backoff {
                    delay,
                    ..Backoff::default()
                });
            }
        };
        let known = ["type", "delay", "jitter"];
        if fields.keys().any(|key| !known.contains(&key.as_str())) {
            return None;
        }
        let delay = fields.get("delay").map_or(Ok(Span(0)), Span::deserialize);
        let jitter = fields.get("jitter").map_or(Some(0.0), Value::as_f64);
        Some(Backoff {
            kind: fields
                .get("type")
                .map_or(Some(BackoffKind::Fixed), |of| kind(of.as_str()?))?,
            delay: Duration::from_millis(delay.ok()?.0),
            jitter: jitter.filter(|share| (0.0..=1.0).contains(share))?,
        })
    }
}

/// BullMQ's `removeOnComplete` and `removeOnFail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept(pub Keep);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Kept, D::Error> {
        let value = Value::deserialize(from)?;
        Kept::read(&value).map(Kept).ok_or_else(|| {
            de::Error::custom(format!(
                "{value} does not say what is kept: write true, false, a number of jobs or \
                 {{\"age\": 3600, \"count\": 100}}"
            ))
        })
    }
}

impl Kept {
    fn read(value: &Value) -> Option<Keep> {
        let count = |count: u64| Keep {
            count: Some(count),
            ..Keep::default()
        };
        match value {
            Value::Bool(true) => Some(count(0)),
            Value::Bool(false) => Some(Keep::default()),
            // As a query writes them.
            Value::String(text) => Kept::read(&serde_json::from_str(text).ok()?),
            Value::Number(number) => number.as_u64().map(count),
            Value::Object(fields) => {
                let mut keep = Keep::default();
                for (name, value) in fields {
                    let field = match name.as_str() {
                        "age" => &mut keep.age,
                        "count" => &mut keep.count,
                        "limit" => &mut keep.limit,
                        _ => return None,
                    };
                    *field = Some(value.as_u64()?);
                }
                Some(keep)
            }
            Value::Null | Value::Array(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(options: Value) -> Result<NewJob, String> {
        let options = serde_json::from_value::<Options>(options);
        let options = options.map_err(|error| error.to_string())?;
        Ok(options.job("n".into(), "{}".into()))
    }

    #[test]
    fn options_are_read_as_producers_write_them() {
        let job = read(json!({
            "jobId": "a", "delay": "5m", "priority": 7, "lifo": true, "attempts": 3,
            "backoff": { "type": "exponential", "delay": 1000 },
            "removeOnComplete": 100, "removeOnFail": { "age": 60 },
            "deduplication": { "id": "d", "ttl": 500, "keepLastIfActive": true },
        }))
        .unwrap();
        let expected = NewJob {
            name: "n".into(),
            data: "{}".into(),
            id: Some("a".into()),
            delay: 300_000,
            priority: 7,
            lifo: true,
            options: JobDefaults {
                attempts: Some(3),
                backoff: Some(Backoff {
                    kind: BackoffKind::Exponential,
                    delay: Duration::from_secs(1),
                    jitter: 0.0,
                }),
                remove_on_complete: Some(Keep {
                    count: Some(100),
                    ..Keep::default()
                }),
                remove_on_fail: Some(Keep {
                    age: Some(60),
                    ..Keep::default()
                }),
                size_limit: None,
            },
            deduplication: Some(Deduplication {
                id: "d".into(),
                ttl: 500,
                keep_last_if_active: true,
                ..Deduplication::default()
            }),
            fingerprint: None,
            trace: None,
        };
        assert_eq!(job, expected);
        let short = read(json!({ "backoff": "exponential:1s", "removeOnFail": true })).unwrap();
        assert_eq!(short.options.backoff, expected.options.backoff);
        let none = Keep {
            count: Some(0),
            ..Keep::default()
        };
        assert_eq!(short.options.remove_on_fail, Some(none));
    }

    #[test]
    fn what_they_are_not_is_refused_in_words() {
        let refused = |options: Value| read(options).unwrap_err();
        assert_eq!(
            refused(json!({ "delay": "soon" })),
            "invalid value: string \"soon\", expected milliseconds, or a time such as 5m"
        );
        assert_eq!(
            refused(json!({ "delay": -1 })),
            "invalid type: integer `-1`, expected milliseconds, or a time such as 5m"
        );
        assert_eq!(
            refused(json!({ "backoff": { "type": "linear" } })),
            "{\"type\":\"linear\"} is not a backoff: write 1000, \"exponential:1s\" or \
             {\"type\": \"exponential\", \"delay\": 1000}"
        );
        assert_eq!(
            refused(json!({ "removeOnFail": "old" })),
            "\"old\" does not say what is kept: write true, false, a number of jobs or \
             {\"age\": 3600, \"count\": 100}"
        );
        assert!(refused(json!({ "repeat": {} })).starts_with("unknown field `repeat`"));
    }
}
