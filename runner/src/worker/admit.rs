//! Whether a job that was taken is run. It is not when it is known to fail, is too
//! late or too large, or when nothing here handles it. Decides only.

use std::time::Duration;

use crate::config::{self, JobSettings, Unrouted};
use crate::outcome::{Cause, Failure, Outcome, expired};
use crate::queue::{Attempt, Stop};

/// The first wait of `unrouted = "delay"`; it doubles with each start.
const DELAY: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The outcome of a job that is not run; `None` lets it run.
pub(crate) fn refused(
    attempt: &Attempt,
    config: &config::Queue,
    settings: &JobSettings,
) -> Option<Outcome> {
    let job = &attempt.job;
    if let Some(outcome) = job.refused() {
        return Some(outcome);
    }
    if attempt.stopped() == Some(Stop::Cancelled) {
        let reason = attempt.cancel_reason().to_owned();
        return Some(rejected(Cause::Cancelled, reason));
    }
    if config
        .max_started_attempts
        .is_some_and(|max| job.starts > max)
    {
        let reason = "job started more than allowable limit".to_owned();
        return Some(rejected(Cause::Deferred, reason));
    }
    if let Some(limit) = settings.expires
        && job.expired(limit, job.started_at)
    {
        return Some(rejected(Cause::Expired, expired(limit)));
    }
    if settings.plugin.is_none() && config.delivers.is_none() {
        return Some(unrouted(attempt, config));
    }
    (job.data.len() > settings.max_payload).then(|| {
        let reason = format!(
            "the payload has {} bytes, more than the {} of max_payload",
            job.data.len(),
            settings.max_payload
        );
        rejected(Cause::Payload, reason)
    })
}

fn rejected(cause: Cause, reason: String) -> Outcome {
    Outcome::Rejected(Failure {
        cause,
        reason,
        frames: Vec::new(),
    })
}

/// BullMQ's workers cannot take jobs by name, so a job that nothing handles was
/// taken all the same.
fn unrouted(attempt: &Attempt, config: &config::Queue) -> Outcome {
    let handled: Vec<String> = config
        .jobs
        .iter()
        .filter(|(_, settings)| settings.plugin.is_some())
        .map(|(pattern, _)| format!("{:?}", pattern.0))
        .collect();
    let reason = format!(
        "no plugin handles jobs named {:?}: queue {:?} has plugins for {}",
        attempt.job.name,
        config.name,
        handled.join(", ")
    );
    match &config.unrouted {
        Unrouted::Reject => rejected(Cause::Unrouted, reason),
        Unrouted::Delay => {
            let doubled = attempt.job.starts.saturating_sub(1).min(6);
            Outcome::Snoozed {
                delay: (DELAY * 2_u32.pow(doubled)).min(LONGEST_DELAY),
                reason,
            }
        }
        Unrouted::Move(queue) => Outcome::Moved(queue.clone()),
    }
}
