//! How an attempt ended, as a value. The executor decides it, the worker's settle
//! writes it; others may only read it. Knows nothing of Redis or of plugins.

use crate::units;
use std::time::Duration;

/// How an attempt ended. Decided once, in the executor; only the worker's
/// settle writes it to Redis.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The handler returned a value: JSON text, stored as `returnvalue`.
    Completed(String),
    /// The attempt failed and counts. The job's own backoff decides when it is
    /// retried, unless `delay` was chosen by the handler; it fails for good when
    /// no attempt is left.
    Retry {
        /// What went wrong.
        failure: Failure,
        /// The handler's own delay (`retry-after`).
        delay: Option<Duration>,
    },
    /// The job fails at once, whatever attempts are left (BullMQ's
    /// `UnrecoverableError`).
    Rejected(Failure),
    /// Delayed without spending an attempt.
    Snoozed {
        /// How long from now.
        delay: Duration,
        /// The handler's reason, written to the job's log.
        reason: String,
    },
    /// Continues when its children are done; no attempt is spent.
    WaitingChildren,
    /// No worker starts a job of the queue for this long; the job returns to the
    /// front without spending an attempt.
    RateLimited {
        /// How long from now.
        delay: Duration,
        /// The handler's reason, written to the job's log.
        reason: String,
    },
    /// Interrupted by Runner itself (shutdown, plugin removed): returns to the front
    /// of the queue without spending an attempt or a stall.
    Released,
    /// Goes to the queue of this name, because nothing here handles it (`unrouted`).
    Moved(String),
    /// The lock was lost: another worker owns the job and nothing may be
    /// written.
    Lost,
}

impl Outcome {
    /// Its name in metrics and traces.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Completed(_) => "completed",
            Outcome::Retry { .. } => "retry",
            Outcome::Rejected(_) => "rejected",
            Outcome::Snoozed { .. } => "snoozed",
            Outcome::WaitingChildren => "waiting-children",
            Outcome::RateLimited { .. } => "rate-limited",
            Outcome::Released => "released",
            Outcome::Moved(_) => "moved",
            Outcome::Lost => "lost",
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure, for logs and `queue stats`.
    pub cause: Cause,
    /// One readable line or a few: stored as `failedReason`.
    pub reason: String,
    /// Frames, innermost first, without the reason; may be empty. Stored, with
    /// the reason in front, as one entry of BullMQ's `stacktrace`.
    pub frames: Vec<String>,
}

/// What kind of thing ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The handler returned a failure.
    Returned,
    /// The handler returned something that is not JSON or too large.
    Result,
    /// A trap: unreachable, out of bounds, stack exhausted.
    Trap,
    /// A panic or abort of the guest's language runtime.
    Panic,
    /// The guest called `exit`.
    Exit,
    /// The timeout passed.
    Deadline,
    /// The memory limit was reached.
    Memory,
    /// No plugin serves the job.
    Unrouted,
    /// The payload cannot be handed to a plugin.
    Payload,
    /// The payload does not fit the queue's contract.
    Contract,
    /// Stalled or was started more often than allowed, or a child failed.
    Deferred,
    /// It was not started in time (`expires`).
    Expired,
    /// Somebody cancelled it.
    Cancelled,
    /// A fault of Runner itself.
    Host,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 14] = [
        Cause::Returned,
        Cause::Result,
        Cause::Trap,
        Cause::Panic,
        Cause::Exit,
        Cause::Deadline,
        Cause::Memory,
        Cause::Unrouted,
        Cause::Payload,
        Cause::Contract,
        Cause::Deferred,
        Cause::Expired,
        Cause::Cancelled,
        Cause::Host,
    ];

    /// Its name in logs and statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Returned => "returned",
            Cause::Result => "result",
            Cause::Trap => "trap",
            Cause::Panic => "panic",
            Cause::Exit => "exit",
            Cause::Deadline => "deadline",
            Cause::Memory => "memory",
            Cause::Unrouted => "unrouted",
            Cause::Payload => "payload",
            Cause::Contract => "contract",
            Cause::Deferred => "deferred",
            Cause::Expired => "expired",
            Cause::Cancelled => "cancelled",
            Cause::Host => "host",
        }
    }
}

/// The reason of a job that was not started within this time.
pub(crate) fn expired(limit: Duration) -> String {
    format!("expired: not started within {}", units::duration(limit))
}
