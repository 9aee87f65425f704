//! The queue engine: BullMQ's layout in Redis, seen from a worker.
//!
//! Six verbs, each one Lua script of ours with the effects of BullMQ's own on
//! keys, hash fields and events: **settle** (and take in the same call),
//! **renew**, **recover**, **note**, **add**, and reads for people. Nothing
//! outside this directory knows Redis.

mod attempt;
mod job;

pub use attempt::{Attempt, Notes, Stop};
pub use job::{Backoff, Job, Options, Parent};

use std::sync::Arc;
use std::time::Duration;

use crate::config::{JobDefaults, Limiter};
use crate::outcome::Outcome;

/// What the engine needs to know about this process and the queue.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Key prefix, `bull`.
    pub prefix: String,
    /// Queue name.
    pub name: String,
    /// Stable name of this runner, written as `processedBy` and into tokens.
    pub runner: String,
    /// Lock duration.
    pub lock: Duration,
    /// Stalls before a job fails.
    pub max_stalled: u32,
    /// Worker rate limit.
    pub limiter: Option<Limiter>,
    /// Log lines kept when the job has no `keepLogs`.
    pub max_logs: usize,
    /// Options of jobs added through Runner.
    pub defaults: JobDefaults,
}

/// One process' access to one Redis: one multiplexed connection that
/// reconnects by itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Redis(Arc<()>);

/// One queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Settings>);

/// A job that ended, with what is written about it.
#[derive(Debug)]
pub struct Settlement {
    /// The attempt.
    pub attempt: Arc<Attempt>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What became of one settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written; the state the job is in now: `completed`, `failed`, `delayed`,
    /// `waiting`, `prioritized`.
    Now(&'static str),
    /// The lock was not ours any more, or the job is gone: nothing was written.
    Lost,
}

/// Jobs taken in one call, and what to wait for if they are fewer than asked.
#[derive(Debug, Default)]
pub struct Taken {
    /// The lock value of all of them.
    pub token: String,
    /// The jobs, in the order they were queued.
    pub jobs: Vec<Job>,
    /// The queue is paused.
    pub paused: bool,
    /// The rate limit is used up for so long.
    pub limited_for: Option<Duration>,
    /// The next delayed job is due in so long.
    pub delayed_for: Option<Duration>,
}

/// A job to add.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewJob {
    /// Job name.
    pub name: String,
    /// JSON text.
    pub data: String,
    /// Custom id.
    pub id: Option<String>,
    /// Milliseconds before it may start.
    pub delay: u64,
    /// 0 highest … 2097151.
    pub priority: u32,
    /// Add in front.
    pub lifo: bool,
    /// Options that override the queue's defaults.
    pub options: JobDefaults,
}

/// What can go wrong between us and Redis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis said no or could not be asked.
    #[error("{0}")]
    Redis(String),
    /// A job to add is wrong.
    #[error("{0}")]
    Invalid(String),
}

impl Queue {
    /// A queue on this connection.
    pub fn new(_redis: Redis, settings: Settings) -> Queue {
        Queue(Arc::new(settings))
    }

    /// Name without prefix.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Write how attempts ended, then take up to `take` jobs, in one call.
    pub async fn settle(
        &self,
        _ends: &[Settlement],
        _take: usize,
    ) -> Result<(Vec<Settled>, Taken), Error> {
        unimplemented!("queue engine")
    }

    /// Add jobs, all or none; their ids in order.
    pub async fn add(&self, _jobs: &[NewJob]) -> Result<Vec<String>, Error> {
        unimplemented!("queue engine")
    }

    /// Replace the payload of a running job, if its lock is still ours.
    /// `Ok(false)`: the lock is lost.
    pub async fn update_data(&self, _attempt: &Attempt, _data: &str) -> Result<bool, Error> {
        unimplemented!("queue engine")
    }

    /// Record a checkpoint (hash field `cp:<step>`) of a running job, if its
    /// lock is still ours.
    pub async fn checkpoint(
        &self,
        _attempt: &Attempt,
        _step: &str,
        _value: &str,
    ) -> Result<bool, Error> {
        unimplemented!("queue engine")
    }
}
