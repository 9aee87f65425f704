//! `[defaults.job]` and `[queues.<name>.defaults]`: the options of jobs that are
//! added through Runner.

pub(crate) mod backoff;

use std::time::Duration;

/// The lowest priority of a job, BullMQ's `PRIORITY_LIMIT`; 0 is the highest.
pub const PRIORITY_LIMIT: u32 = 2_097_151;

/// `[defaults.job]` and `[queues.<name>.defaults]`: options of jobs added
/// through Runner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobDefaults {
    /// Attempts in all, the first included. BullMQ's own default is 1.
    pub attempts: Option<u32>,
    /// The wait between attempts; `None` means that a failed job is tried again at
    /// once.
    pub backoff: Option<Backoff>,
    /// Which completed jobs are kept; `None` means all.
    pub remove_on_complete: Option<Keep>,
    /// Which failed jobs are kept; `None` means all.
    pub remove_on_fail: Option<Keep>,
    /// A job whose payload has more bytes is not added; `None` means no limit.
    pub size_limit: Option<u64>,
}

/// The wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Backoff {
    /// Whether the wait grows.
    pub kind: BackoffKind,
    /// The delay, or the first of a doubling series.
    pub delay: Duration,
    /// Which share of the wait is random, from 0 to 1.
    pub jitter: f64,
}

/// The shape of a backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackoffKind {
    /// The same delay each time.
    #[default]
    Fixed,
    /// Doubled each time.
    Exponential,
}

impl BackoffKind {
    /// As it is written: `fixed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Exponential => "exponential",
        }
    }
}

/// How many finished jobs stay in Redis (BullMQ's `removeOnComplete`,
/// `removeOnFail`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// In seconds; older jobs are removed when another one ends.
    pub age: Option<u64>,
    /// How many of the newest are kept; `Some(0)` removes each job at once.
    pub count: Option<u64>,
    /// How many at most are removed by age each time; BullMQ's default is 1000.
    pub limit: Option<u64>,
}

/// A queue for copies of jobs that failed for good.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeadLetter {
    /// The queue, declared and not the job's own.
    pub queue: String,
    /// The options of the copies: its own for jobs added through Runner.
    pub defaults: JobDefaults,
}
