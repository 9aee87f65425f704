//! What an outcome means for the job: completed, failed, retried now or later,
//! handed back. Decides only; the settle script writes it.

use std::time::Duration;

use crate::config::{self, LONGEST_WAIT, Strategy};
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::settings::Ends;
use crate::queue::stored::job::{Backoff, Job, Retain};

/// Why a job fails that waits for children and never had one.
const CHILDLESS: &str = "wait-children: the job has no children; add them before";

/// What is written about the end of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// `completed`, with the return value.
    Completed(String, Option<Retain>),
    /// `failed`, with reason and stack traces.
    Failed(Reason, Option<Retain>),
    /// Back to `wait` or `prioritized`, the attempt counts; at the front if the
    /// job is LIFO.
    Now(Reason, bool),
    /// `delayed` by milliseconds, the attempt counts.
    Later(Reason, u64),
    /// `delayed` by milliseconds, the attempt does not count; with a log line.
    Snoozed(u64, String),
    /// `waiting-children`, or back to the front when all are done; the attempt
    /// does not count. The reason is for a job that never had a child, which
    /// fails.
    Waiting(Reason, Option<Retain>),
    /// Back to the front, and no job of the queue starts for this many
    /// milliseconds; the attempt does not count.
    Limited(u64, String),
    /// Back to the front, the attempt does not count.
    Released,
    /// To the queue of this name.
    Moved(String),
}

/// Fields written about a failure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reason {
    /// `failedReason`.
    pub(crate) text: String,
    /// `stacktrace`: JSON list of texts.
    pub(crate) traces: String,
    /// What it is counted as.
    pub(crate) cause: Cause,
}

impl Verdict {
    /// The verdict on an outcome, by what the job brings and `ends` of its queue; none for
    /// a lost attempt, about which nothing may be written.
    pub(crate) fn on(job: &Job, outcome: Outcome, ends: Option<&Ends>) -> Option<Verdict> {
        let kept = |of: usize| ends.and_then(|ends| ends.keep.find(&job.name)[of]);
        let keep_failed = || job.options.remove_on_fail.or_else(|| kept(1));
        Some(match outcome {
            Outcome::Completed(value) => {
                let keep = job.options.remove_on_complete.or_else(|| kept(0));
                Verdict::Completed(value, keep)
            }
            Outcome::Rejected(failure) => Verdict::Failed(reason(job, failure), keep_failed()),
            Outcome::Retry { failure, delay } => {
                let reason = reason(job, failure);
                let ended = job.attempts_made.saturating_add(1);
                let last_start = ends.and_then(|ends| ends.max_starts);
                let last_start = last_start.is_some_and(|max| job.starts >= max);
                if ended >= job.options.attempts || last_start {
                    return Some(Verdict::Failed(reason, keep_failed()));
                }
                let wait = match (delay, &job.options.backoff) {
                    (Some(delay), _) => Some(milliseconds(delay)),
                    (None, Some(backoff)) => backed_off(backoff, ends, ended),
                    (None, None) => Some(0),
                };
                match wait {
                    None => Verdict::Failed(reason, keep_failed()),
                    Some(0) => Verdict::Now(reason, job.options.lifo),
                    Some(wait) => Verdict::Later(reason, wait),
                }
            }
            Outcome::Snoozed { delay, reason } => Verdict::Snoozed(milliseconds(delay), reason),
            Outcome::WaitingChildren => {
                let childless = Failure {
                    cause: Cause::Returned,
                    reason: CHILDLESS.to_owned(),
                    frames: Vec::new(),
                };
                Verdict::Waiting(reason(job, childless), keep_failed())
            }
            Outcome::RateLimited { delay, reason } => {
                // Redis knows no expiry of 0.
                Verdict::Limited(milliseconds(delay).max(1), reason)
            }
            Outcome::Released => Verdict::Released,
            Outcome::Moved(queue) => Verdict::Moved(queue),
            Outcome::Lost => return None,
        })
    }

    /// Why it fails, is tried again, or fails if it has no children.
    pub(super) fn reason(&self) -> Option<&Reason> {
        match self {
            Verdict::Failed(reason, _)
            | Verdict::Now(reason, _)
            | Verdict::Later(reason, _)
            | Verdict::Waiting(reason, _) => Some(reason),
            _ => None,
        }
    }
}

/// The wait after `ended` attempts, in milliseconds; `None` for no further attempt. A
/// delay that the producer left out is no reason to burn the attempts at once.
fn backed_off(backoff: &Backoff, ends: Option<&Ends>, ended: u32) -> Option<u64> {
    let random = fastrand::f64();
    let declared = || ends?.backoffs.find(backoff.custom.as_deref()?);
    if let Some(strategy) = declared() {
        return Some(milliseconds(strategy.wait(ended, random)));
    }
    match (backoff.delay, &backoff.custom) {
        (Some(delay), _) => config::wait(backoff.kind, delay, backoff.jitter, ended, random),
        (None, Some(_)) => Some(milliseconds(Strategy::default().wait(ended, random))),
        (None, None) => {
            let delay = milliseconds(Strategy::default().delay) as f64;
            config::wait(backoff.kind, delay, backoff.jitter, ended, random)
        }
    }
}

fn milliseconds(delay: Duration) -> u64 {
    delay.min(LONGEST_WAIT).as_millis() as u64
}

/// BullMQ's `updateStacktrace`: one entry more, the oldest beyond the limit go.
fn reason(job: &Job, failure: Failure) -> Reason {
    let mut entry = failure.reason.clone();
    for frame in &failure.frames {
        entry.push_str("\n    at ");
        entry.push_str(frame);
    }
    let mut traces: Vec<&str> = job.stacktrace.iter().map(String::as_str).collect();
    traces.push(&entry);
    if let Some(limit) = job.options.stack_trace_limit {
        let n = usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX);
        let oldest = if limit < 0 {
            n.min(traces.len())
        } else {
            traces.len().saturating_sub(n)
        };
        traces.drain(..oldest);
    }
    let traces = serde_json::to_string(&traces).expect("a list of texts is JSON");
    Reason {
        cause: failure.cause,
        text: failure.reason,
        traces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::stored::options;

    fn job(opts: &str, attempts_made: u32) -> Job {
        Job {
            attempts_made,
            options: options::decode(opts).unwrap(),
            ..Job::default()
        }
    }

    fn failure() -> Failure {
        Failure {
            cause: Cause::Returned,
            reason: "no route".into(),
            frames: vec!["send".into(), "handle".into()],
        }
    }

    fn retry(delay: Option<Duration>) -> Outcome {
        Outcome::Retry {
            failure: failure(),
            delay,
        }
    }

    fn wait(opts: &str, attempts_made: u32) -> Option<u64> {
        match Verdict::on(&job(opts, attempts_made), retry(None), None) {
            Some(Verdict::Now(..)) => Some(0),
            Some(Verdict::Later(_, wait)) => Some(wait),
            Some(Verdict::Failed(..)) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_without_attempts_fails_at_the_first_failure() {
        assert_eq!(wait("{}", 0), None);
        assert_eq!(wait(r#"{"attempts":0}"#, 0), None);
    }

    #[test]
    fn attempts_count_all_attempts() {
        assert_eq!(wait(r#"{"attempts":3}"#, 1), Some(0));
        assert_eq!(wait(r#"{"attempts":3}"#, 2), None);
    }

    #[test]
    fn a_bare_number_is_a_fixed_backoff() {
        assert_eq!(wait(r#"{"attempts":9,"backoff":700}"#, 4), Some(700));
    }

    #[test]
    fn exponential_backoff_doubles_and_stops_at_thirty_days() {
        let opts = r#"{"attempts":999999,"backoff":{"type":"exponential","delay":1000}}"#;
        assert_eq!(wait(opts, 0), Some(1000));
        assert_eq!(wait(opts, 3), Some(8000));
        assert_eq!(wait(opts, 90_000), Some(2_592_000_000));
    }

    #[test]
    fn a_backoff_of_minus_one_means_no_further_attempt() {
        let fixed = r#"{"attempts":5,"backoff":{"type":"fixed","delay":-1}}"#;
        assert_eq!(wait(fixed, 0), None);
        let doubling = r#"{"attempts":5,"backoff":{"type":"exponential","delay":-1}}"#;
        assert_eq!((wait(doubling, 0), wait(doubling, 1)), (None, Some(0)));
    }

    #[test]
    fn a_job_started_as_often_as_it_may_be_is_not_retried() {
        let job = Job {
            starts: 2,
            ..job(r#"{"attempts":9}"#, 0)
        };
        let verdict = |max_starts| {
            let ends = Ends {
                max_starts,
                ..Ends::default()
            };
            Verdict::on(&job, retry(None), Some(&ends))
        };
        assert!(matches!(verdict(Some(3)), Some(Verdict::Now(..))));
        assert!(matches!(verdict(Some(2)), Some(Verdict::Failed(..))));
        assert!(matches!(verdict(None), Some(Verdict::Now(..))));
    }

    #[test]
    fn a_delay_chosen_by_the_handler_goes_before_the_backoff() {
        let outcome = retry(Some(Duration::from_millis(1500)));
        let verdict = Verdict::on(&job(r#"{"attempts":2,"backoff":9}"#, 0), outcome, None);
        assert!(matches!(verdict, Some(Verdict::Later(_, 1500))));
    }

    #[test]
    fn a_rejected_job_fails_whatever_attempts_are_left() {
        let verdict = Verdict::on(
            &job(r#"{"attempts":9}"#, 0),
            Outcome::Rejected(failure()),
            None,
        );
        assert!(matches!(verdict, Some(Verdict::Failed(..))));
    }

    #[test]
    fn the_trace_is_the_reason_and_its_frames_and_the_oldest_go() {
        let mut job = job(r#"{"stackTraceLimit":2}"#, 0);
        job.stacktrace = vec!["first".into(), "second".into()];
        assert_eq!(
            reason(&job, failure()).traces,
            r#"["second","no route\n    at send\n    at handle"]"#
        );
    }

    #[test]
    fn nothing_is_written_about_a_lost_attempt() {
        assert_eq!(Verdict::on(&job("{}", 0), Outcome::Lost, None), None);
    }
}
