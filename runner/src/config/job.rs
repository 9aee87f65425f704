//! `[defaults.job]` and `[queues.<name>.defaults]`: the options of jobs that are
//! added through Runner.

use std::time::Duration;

/// The lowest priority of a job, BullMQ's `PRIORITY_LIMIT`; 0 is the highest.
pub const PRIORITY_LIMIT: u32 = 2_097_151;

/// `[defaults.job]` and `[queues.<name>.defaults]`: options of jobs added
/// through Runner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobDefaults {
    /// Attempts in all. BullMQ's own default is 1.
    pub attempts: Option<u32>,
    /// The wait between attempts; none means retried at once.
    pub backoff: Option<Backoff>,
    /// What is kept of completed jobs.
    pub remove_on_complete: Option<Keep>,
    /// What is kept of failed jobs.
    pub remove_on_fail: Option<Keep>,
    /// Bytes of payload that are accepted when the job is added; any if none.
    pub size_limit: Option<u64>,
}

/// The wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Backoff {
    /// Fixed or exponential.
    pub kind: BackoffKind,
    /// The delay, or the first of a doubling series.
    pub delay: Duration,
    /// 0 to 1, the random share.
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
    /// Seconds; older jobs are removed when another one ends.
    pub age: Option<u64>,
    /// The newest so many; `Some(0)` removes each job at once.
    pub count: Option<u64>,
    /// Remove at most so many by age each time; BullMQ's default is 1000.
    pub limit: Option<u64>,
}
