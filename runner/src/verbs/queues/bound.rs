//! What bounds the starts of a queue over all its workers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Limiter;
use crate::queue::Queue;
use crate::verbs::{Error, Kind, Result};

/// How many jobs of a queue may be active at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = QueueConcurrency)]
pub struct Concurrency {
    /// The queue.
    pub queue: String,
    /// Jobs that may be active at once, over all workers; null: as many as are taken.
    pub concurrency: Option<u64>,
}

/// How many jobs of a queue may start in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = QueueLimit)]
pub struct Limited {
    /// The queue.
    pub queue: String,
    /// The limit over all workers; null: none.
    pub limit: Option<Limit>,
}

/// Jobs that may start in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RateLimit)]
pub struct Limit {
    /// How many.
    #[schema(minimum = 1)]
    pub max: u32,
    /// In how many milliseconds.
    #[schema(minimum = 1)]
    pub duration: u64,
}

impl From<Limiter> for Limit {
    fn from(limiter: Limiter) -> Limit {
        Limit {
            max: limiter.max,
            duration: u64::try_from(limiter.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The concurrency of a queue.
///
/// # Errors
/// Those of Redis.
pub async fn concurrency(queue: &Queue) -> Result<Concurrency> {
    Ok(Concurrency {
        queue: queue.name().to_owned(),
        concurrency: queue.bounds().await?.concurrency,
    })
}

/// Set or lift the concurrency of a queue.
///
/// # Errors
/// [`Kind::InvalidRequest`] for 0.
pub async fn set_concurrency(queue: &Queue, jobs: Option<u64>) -> Result<Concurrency> {
    if jobs == Some(0) {
        return Err(nothing("a concurrency of 0"));
    }
    queue.set_concurrency(jobs).await?;
    concurrency(queue).await
}

/// The rate limit of a queue.
///
/// # Errors
/// Those of Redis.
pub async fn limit(queue: &Queue) -> Result<Limited> {
    Ok(Limited {
        queue: queue.name().to_owned(),
        limit: queue.bounds().await?.limit.map(Limit::from),
    })
}

/// Set or lift the rate limit of a queue.
///
/// # Errors
/// [`Kind::InvalidRequest`] for no jobs, or no time.
pub async fn set_limit(queue: &Queue, to: Option<Limit>) -> Result<Limited> {
    if to.is_some_and(|to| to.max == 0 || to.duration == 0) {
        return Err(nothing("a limit of 0 jobs, or of jobs in 0 ms,"));
    }
    let limiter = to.map(|to| Limiter {
        max: to.max,
        duration: Duration::from_millis(to.duration),
    });
    queue.set_limit(limiter).await?;
    limit(queue).await
}

fn nothing(what: &str) -> Error {
    Error::refused(
        Kind::InvalidRequest,
        format!("{what} lets nothing start; to stop a queue, pause it"),
    )
}
