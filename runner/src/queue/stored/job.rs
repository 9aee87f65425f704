//! A job as BullMQ stores it.

use std::time::Duration;

use crate::config::{BackoffKind, Keep};
use crate::outcome::{Cause, Failure, Outcome};
use crate::trace;

/// A job taken from Redis. `data` is the producer's text, unparsed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Job {
    /// Id, unique in the queue.
    pub id: String,
    /// It has nothing but what any job has when it is added: no parent, no
    /// deduplication, no start before this.
    pub fresh: bool,
    /// Name.
    pub name: String,
    /// Payload: the bytes of the hash field `data`. Valid UTF-8 or the take
    /// quarantines the job.
    pub data: String,
    /// Options, decoded field by field.
    pub options: Options,
    /// `timestamp`: added, ms since 1970.
    pub added_at: u64,
    /// `processedOn` of this attempt, ms since 1970, Redis' clock.
    pub started_at: u64,
    /// `atm`: attempts that ended before this one.
    pub attempts_made: u32,
    /// `ats`: starts including this one.
    pub starts: u32,
    /// `stc`: times it stalled.
    pub stalls: u32,
    /// `priority`.
    pub priority: u32,
    /// `delay` the producer asked for, ms.
    pub delay: u64,
    /// `parent`: id and qualified queue of the flow parent.
    pub parent: Option<Parent>,
    /// `defa`: a reason to fail this job without running it (stalled too
    /// often, failed child).
    pub deferred_failure: Option<String>,
    /// `stacktrace`: JSON list of earlier failures, as stored.
    pub stacktrace: Vec<String>,
    /// The scheduler that made this job.
    pub scheduler: Option<Scheduler>,
    /// Checkpoints: the hash fields `cp:<step>` without the prefix.
    pub checkpoints: Vec<(String, String)>,
}

/// `removeOnComplete`, `removeOnFail` as BullMQ's script takes them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Retain {
    /// Keep this many of the newest; 0 removes the job itself at once, negative or
    /// none keeps all.
    pub count: Option<i64>,
    /// Remove those that ended this many seconds ago, or earlier.
    pub age: Option<f64>,
    /// Remove at most this many by age per end; 1000 if none.
    pub limit: Option<u64>,
}

impl From<Keep> for Retain {
    fn from(keep: Keep) -> Retain {
        Retain {
            count: keep
                .count
                .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
            age: keep.age.map(|seconds| seconds as f64),
            limit: keep.limit,
        }
    }
}

/// What is needed to make a scheduler's next job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduler {
    /// `rjk`: its id.
    pub id: String,
    /// `opts` of the job, as stored: they carry the schedule on.
    pub options: String,
}

/// The parent of a child in a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Job id.
    pub id: String,
    /// Qualified queue, `bull:orders`.
    pub queue: String,
}

/// Job options, read as leniently as Node reads them: each field by itself; one
/// odd value never costs the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Milliseconds the producer asked to wait.
    pub delay: u64,
    /// The wait between attempts.
    pub backoff: Option<Backoff>,
    /// Put back in front on retry.
    pub lifo: bool,
    /// `removeOnComplete`; none: what the queue keeps.
    pub remove_on_complete: Option<Retain>,
    /// `removeOnFail`; none: what the queue keeps.
    pub remove_on_fail: Option<Retain>,
    /// `kl`: log lines to keep.
    pub keep_logs: Option<u64>,
    /// `stackTraceLimit`: this many of the newest entries of `stacktrace` are kept;
    /// if negative, this many of the oldest are dropped; none keeps all.
    pub stack_trace_limit: Option<i64>,
    /// `tm`: the span of the producer.
    pub trace: Option<trace::Context>,
    /// Fields that were present and ignored, for one warning per queue.
    pub ignored: Vec<String>,
}

/// BullMQ's backoff as stored: a bare number is `fixed`; other types than its two are
/// custom strategies, which a Node worker has as code and Runner as `[backoff]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// Its shape; `Fixed` for a custom strategy.
    pub kind: BackoffKind,
    /// The name of a custom strategy.
    pub custom: Option<String>,
    /// Milliseconds; negative is none. `None` if the producer left it out.
    pub delay: Option<f64>,
    /// 0 to 1.
    pub jitter: f64,
}

impl Job {
    /// Which attempt it is in, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts_made.saturating_add(1)
    }

    /// How many attempts it has in all.
    pub fn max_attempts(&self) -> u32 {
        self.options.attempts.max(1)
    }

    /// Whether it has waited longer than `limit` if this start were at `now`, ms
    /// since 1970. One that was added with a delay has not: when it was due is not
    /// kept, as `changeDelay` and `promote` move it.
    pub(crate) fn expired(&self, limit: Duration, now: u64) -> bool {
        let waited = Duration::from_millis(now.saturating_sub(self.added_at));
        self.starts <= 1 && self.delay == 0 && waited > limit
    }

    /// The outcome of a job that must not be run: it stalled too often, a child
    /// failed, or it cannot be read.
    pub fn refused(&self) -> Option<Outcome> {
        self.deferred_failure.as_ref().map(|reason| {
            Outcome::Rejected(Failure {
                cause: Cause::Deferred,
                reason: reason.clone(),
                frames: Vec::new(),
            })
        })
    }
}
