//! What a worker is given: by the process, and by its owner.

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::{self, JobSettings};
use crate::outcome::Outcome;
use crate::queue::{Attempt, Queue, Redis, Renewal, Settings};

/// Called exactly once with how the attempt ended.
pub type Done = Box<dyn FnOnce(Arc<Attempt>, Outcome) + Send>;
/// Told how many jobs of a queue went to its dead letters without an attempt that ended
/// here.
pub type Died = Arc<dyn Fn(&str, u64) + Send + Sync>;
/// Starts an attempt. Must not block.
pub type Start = Arc<dyn Fn(Arc<Attempt>, &JobSettings, Done) + Send + Sync>;

/// What this process gives all of its workers.
#[derive(Clone)]
pub struct Shared {
    /// The connection to Redis that all workers share.
    pub redis: Redis,
    /// The thread that keeps the locks of running jobs.
    pub renewal: Renewal,
    /// Name of this runner, written into the jobs it runs.
    pub runner: String,
    /// Whether BullMQ's `getWorkers` sees the workers.
    pub presence: bool,
    /// `[runtime]` as it was at the start: it does not change while the process
    /// runs.
    pub runtime: Arc<config::Runtime>,
    /// Hands an attempt to the executor.
    pub start: Start,
    /// Counts dead letters.
    pub died: Died,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The queue of a configuration, as the worker and the host API use it.
    pub fn queue(&self, config: &config::Queue) -> Queue {
        let settings = Settings::of(config, &self.runtime, self.runner.clone());
        Queue::new(self.redis.clone(), settings)
    }
}

/// What the owner of a worker wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Stage {
    /// Take jobs and run them.
    Run,
    /// Take nothing more; running jobs may end by themselves until the instant.
    Drain(Instant),
}
