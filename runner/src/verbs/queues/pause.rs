//! Pausing a queue, and resuming it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::queue::Queue;
use crate::verbs::Result;

/// What a queue is now, and was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuePaused)]
pub struct Paused {
    /// The queue.
    pub queue: String,
    /// Whether it is paused now.
    pub paused: bool,
    /// Whether it was paused before.
    pub was_paused: bool,
}

/// Let no worker start further jobs; those that run go on to their end.
///
/// # Errors
/// Those of Redis.
pub async fn pause(queue: &Queue) -> Result<Paused> {
    Ok(Paused {
        queue: queue.name().to_owned(),
        paused: true,
        was_paused: queue.pause().await?,
    })
}

/// Let workers start jobs again.
///
/// # Errors
/// Those of Redis.
pub async fn resume(queue: &Queue) -> Result<Paused> {
    Ok(Paused {
        queue: queue.name().to_owned(),
        paused: false,
        was_paused: queue.resume().await?,
    })
}
