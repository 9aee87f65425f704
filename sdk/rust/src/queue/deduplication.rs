//! One job instead of several that mean the same.

use std::time::Duration;

use super::millis;
use crate::bindings::runner::plugin::queue as wit;

/// One job instead of several that mean the same. `send` returns the id of the job
/// that stands for them all.
///
/// ```no_run
/// use std::time::Duration;
/// use runner_sdk::queue::{self, Deduplication};
///
/// # fn handle() -> runner_sdk::Result {
/// // However often a document is saved, it is indexed once, 5 s after the last.
/// let pause = Duration::from_secs(5);
/// queue::add("index", "document", &7)
///     .delay(pause)
///     .deduplicate(Deduplication::debounce("document-7", pause))
///     .send()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Deduplication(pub(super) wit::Deduplication);

impl Deduplication {
    /// Add no other job until the first has ended.
    pub fn until_ended(id: impl Into<String>) -> Self {
        Deduplication(wit::Deduplication {
            id: id.into(),
            ttl: None,
            extend: false,
            replace: false,
            keep_last_if_active: false,
            reschedule: false,
        })
    }

    /// Add no other job for this time, whether or not the first has ended.
    pub fn throttle(id: impl Into<String>, ttl: Duration) -> Self {
        let mut one = Deduplication::until_ended(id);
        one.0.ttl = Some(millis(ttl));
        one
    }

    /// While the first job is delayed, each new one takes its place and restarts the
    /// time. Give the jobs a delay of this time.
    pub fn debounce(id: impl Into<String>, ttl: Duration) -> Self {
        let mut one = Deduplication::throttle(id, ttl);
        one.0.extend = true;
        one.0.replace = true;
        one
    }

    /// When the first job has ended, add the last of those that came while it was
    /// running.
    pub fn keep_last_if_active(mut self) -> Self {
        self.0.keep_last_if_active = true;
        self
    }

    /// If the first job is delayed, a new one gives it its own delay.
    pub fn reschedule(mut self) -> Self {
        self.0.reschedule = true;
        self
    }
}
