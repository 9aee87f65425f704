//! The log line about how an attempt ended, in the words that BullMQ's users give it:
//! `Job completed`, `Job failed`, with the job's id, its queue, the time since it was added
//! and what of its payload is to be traced.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::config::JobSettings;
use crate::outcome::{Failure, Outcome};
use crate::queue::{self, Attempt};
use crate::units;

/// Characters of a field that are shown.
const SHOWN: usize = 256;

/// Each failure has a line. So has each completed job where `trace_fields` is set; other
/// ends show only with `-v`.
pub(super) fn tell(attempt: &Attempt, settings: &JobSettings, outcome: &Outcome) {
    let (queue, job) = (attempt.queue_name(), attempt.job.id.as_str());
    match outcome {
        Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
            failed(attempt, settings, failure);
        }
        Outcome::Completed(_) if settings.trace_fields.is_some() => {
            let traced = Traced::of(attempt, settings);
            tracing::info!(
                queue,
                jobId = job,
                duration = age(attempt),
                requestId = traced.request_id,
                more = traced.fields,
                "Job completed"
            );
        }
        Outcome::Completed(_) => {
            tracing::debug!(
                queue,
                jobId = job,
                duration = age(attempt),
                took = ?attempt.started.elapsed(),
                "Job completed"
            );
        }
        Outcome::Snoozed { delay, reason } => {
            let delay = units::duration(*delay);
            tracing::info!(queue, job, delay, reason, "snoozed");
        }
        Outcome::WaitingChildren => tracing::debug!(queue, job, "waits for its children"),
        Outcome::RateLimited { delay, reason } => {
            let delay = units::duration(*delay);
            tracing::info!(queue, job, delay, reason, "rate limited");
        }
        Outcome::Moved(to) => tracing::info!(queue, job, to, "moved: no plugin handles it"),
        Outcome::Released | Outcome::Lost => {}
    }
}

fn failed(attempt: &Attempt, settings: &JobSettings, failure: &Failure) {
    let traced = Traced::of(attempt, settings);
    tracing::warn!(
        queue = attempt.queue_name(),
        jobId = attempt.job.id,
        duration = age(attempt),
        requestId = traced.request_id,
        more = traced.fields,
        attempt = attempt.job.attempts_made.saturating_add(1),
        of = attempt.job.options.attempts,
        cause = failure.cause.as_str(),
        error = failure.reason,
        "Job failed"
    );
}

/// Milliseconds since the job was added: by Redis' clock to its start, by ours from then.
fn age(attempt: &Attempt) -> u64 {
    let waited = attempt.job.started_at.saturating_sub(attempt.job.added_at);
    waited + attempt.started.elapsed().as_millis() as u64
}

/// What of a payload is in the line.
struct Traced {
    request_id: Option<String>,
    /// A JSON object.
    fields: Option<String>,
}

impl Traced {
    fn of(attempt: &Attempt, settings: &JobSettings) -> Traced {
        let mut data = attempt.job.data.clone();
        if let Some(contract) = &settings.contract {
            contract.cover(&attempt.job.name, &mut data, None);
        }
        let paths = settings.trace_fields.as_deref().unwrap_or_default();
        let found: Map<String, Value> = paths
            .iter()
            .filter_map(|path| Some((path.clone(), field(&data, path)?)))
            .collect();
        Traced {
            request_id: queue::request_id(&data),
            fields: (!found.is_empty()).then(|| Value::Object(found).to_string()),
        }
    }
}

/// The text, number or truth value at a path; longer texts are cut.
fn field(data: &str, path: &str) -> Option<Value> {
    let mut at: &RawValue = serde_json::from_str(data).ok()?;
    for step in path.split('.') {
        let fields: HashMap<String, &RawValue> = serde_json::from_str(at.get()).ok()?;
        at = fields.get(step)?;
    }
    let text = at.get();
    match text.as_bytes().first()? {
        b'{' | b'[' | b'n' => None,
        b'"' => {
            let mut text: String = serde_json::from_str(text).ok()?;
            text.truncate(text.floor_char_boundary(SHOWN));
            Some(text.into())
        }
        b't' | b'f' => serde_json::from_str(text).ok(),
        // A number stays as it was written, however large.
        _ => {
            let number: Option<Value> = serde_json::from_str(text).ok();
            let written = number.as_ref().map(Value::to_string);
            let exact = number.filter(|_| written.as_deref() == Some(text));
            Some(exact.unwrap_or_else(|| text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_by_their_paths_and_numbers_stay_exact() {
        let data =
            r#"{"shopId":"a","shop":{"id":7},"big":9007199254740993123456,"x":[1],"n":null}"#;
        assert_eq!(field(data, "shopId"), Some(json!("a")));
        assert_eq!(field(data, "shop.id"), Some(json!(7)));
        assert_eq!(field(data, "big"), Some(json!("9007199254740993123456")));
        for none in ["x", "n", "shop", "missing", "shopId.id"] {
            assert_eq!(field(data, none), None, "{none}");
        }
    }
}
