//! All queues.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::queue::{self, State};
use crate::verbs::{Here, Result};

/// Queues that are counted at once.
const AT_ONCE: usize = 16;

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = StateCounts)]
pub struct Counts {
    /// Taken by a worker.
    pub active: u64,
    /// Waiting for a worker.
    pub waiting: u64,
    /// Waiting with a priority.
    pub prioritized: u64,
    /// Due later.
    pub delayed: u64,
    /// Waiting for children.
    pub waiting_children: u64,
    /// Given up.
    pub failed: u64,
    /// Done.
    pub completed: u64,
}

impl Counts {
    /// The jobs of one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Active => self.active,
            State::Waiting => self.waiting,
            State::Prioritized => self.prioritized,
            State::Delayed => self.delayed,
            State::WaitingChildren => self.waiting_children,
            State::Failed => self.failed,
            State::Completed => self.completed,
            State::Unknown => 0,
        }
    }
}

impl From<queue::Counts> for Counts {
    fn from(counts: queue::Counts) -> Counts {
        Counts {
            active: counts.active,
            waiting: counts.waiting,
            prioritized: counts.prioritized,
            delayed: counts.delayed,
            waiting_children: counts.waiting_children,
            failed: counts.failed,
            completed: counts.completed,
        }
    }
}

/// A queue among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = QueueSummary)]
pub struct Listed {
    /// Its name.
    pub queue: String,
    /// Whether it stands in queues.toml.
    pub declared: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// How many workers it has; null when Redis does not tell.
    pub workers: Option<u64>,
    /// How many jobs are in each state.
    pub counts: Counts,
}

/// All queues, declared or in Redis, by name.
///
/// # Errors
/// Those of Redis.
pub async fn list(here: &Here) -> Result<Vec<Listed>> {
    let workers = queue::workers(&here.redis).await?;
    let names = here.names().await?;
    let listed = names.into_iter().map(|name| listed(here, name, &workers));
    stream::iter(listed).buffered(AT_ONCE).try_collect().await
}

async fn listed(
    here: &Here,
    name: String,
    workers: &Option<BTreeMap<String, u64>>,
) -> Result<Listed> {
    let counts = here.queue(&name).counts().await?;
    let workers = workers.as_ref();
    Ok(Listed {
        declared: here.config.queues.contains_key(&name),
        paused: counts.paused,
        workers: workers.map(|all| all.get(&name).copied().unwrap_or_default()),
        counts: counts.into(),
        queue: name,
    })
}
