//! One queue in figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bound::Limit;
use super::list::Counts;
use crate::queue::{self, Queue};
use crate::verbs::Result;

/// A queue in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueStats)]
pub struct Stats {
    /// The queue.
    pub queue: String,
    /// Whether it is paused.
    pub paused: bool,
    /// How many workers it has; null when Redis does not tell.
    pub workers: Option<u64>,
    /// How many jobs are in each state.
    pub counts: Counts,
    /// Jobs that may be active at once, over all workers.
    pub concurrency: Option<u64>,
    /// Jobs that may start in a time, over all workers.
    pub limit: Option<Limit>,
    /// How long the job that runs next has been waiting, milliseconds.
    pub oldest_waiting: Option<u64>,
    /// Active jobs that no worker holds, among the first thousand.
    pub active_without_lock: u64,
    /// Delayed jobs that wait for a gate.
    pub parked: u64,
    /// Whether a worker keeps metrics of the queue.
    pub metrics: bool,
    /// Completed per minute, the last full minute first.
    pub completed_per_minute: Vec<u64>,
    /// Failed per minute, likewise.
    pub failed_per_minute: Vec<u64>,
    /// Jobs that failed for good by cause, since metrics are kept.
    pub failed_by_cause: BTreeMap<String, u64>,
    /// From added to started, milliseconds, of the last thousand completed jobs that had
    /// one attempt and no delay.
    pub waited: Option<Spread>,
    /// From started to ended, milliseconds, of the last thousand completed jobs.
    pub ran: Option<Spread>,
}

/// Half, nineteen of twenty and all values are at most this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// Largest.
    pub max: u64,
}

impl From<queue::Spread> for Spread {
    fn from(queue::Spread { p50, p95, max }: queue::Spread) -> Spread {
        Spread { p50, p95, max }
    }
}

/// A queue in figures. Bounded work: no more than some thousand reads.
///
/// # Errors
/// Those of Redis.
pub async fn stats(queue: &Queue) -> Result<Stats> {
    let stats = queue.stats().await?;
    let bounds = queue.bounds().await?;
    let workers = queue::workers(queue.redis()).await?;
    Ok(Stats {
        queue: queue.name().to_owned(),
        paused: stats.counts.paused,
        workers: workers.map(|all| all.get(queue.name()).copied().unwrap_or_default()),
        counts: stats.counts.into(),
        concurrency: bounds.concurrency,
        limit: bounds.limit.map(Limit::from),
        oldest_waiting: stats.oldest_waiting,
        active_without_lock: stats.unlocked,
        parked: stats.parked,
        metrics: stats.metrics,
        completed_per_minute: stats.completed,
        failed_per_minute: stats.failed,
        failed_by_cause: stats.causes.into_iter().collect(),
        waited: stats.waited.map(Spread::from),
        ran: stats.ran.map(Spread::from),
    })
}
