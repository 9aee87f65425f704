//! All queues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Pattern, nearest};
use crate::queue::{self, Queue, State};
use crate::verbs::{Error, Here, Kind, Result};

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

/// Which queues are asked for, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Only those whose name matches; `*` matches any characters.
    pub name: Option<String>,
    /// Only paused ones, or only others.
    pub paused: Option<bool>,
    /// Only those of queues.toml, or only others.
    pub declared: Option<bool>,
    /// By `name`, `workers` or a state; with `-` in front the other way round.
    pub sort: Option<String>,
}

impl Ask {
    /// Those of these queues that are asked for, by name unless another order is.
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`] for an order that there is not.
    pub fn of<T>(&self, mut queues: Vec<T>, listed: impl Fn(&T) -> &Listed) -> Result<Vec<T>> {
        let order = self.sort.as_deref().unwrap_or("name");
        let (turned, key) = match order.strip_prefix('-') {
            Some(key) => (true, key),
            None => (false, order),
        };
        let by: fn(&Listed, &str) -> u64 = match key {
            "name" => |_, _| 0,
            "workers" => |queue, _| queue.workers.unwrap_or_default(),
            state if state.parse::<State>().is_ok() => {
                |queue, state| state.parse().map_or(0, |state| queue.counts.of(state))
            }
            _ => return Err(unsortable(key)),
        };
        let pattern = self.name.clone().map(Pattern);
        queues.retain(|queue| {
            let queue = listed(queue);
            let named = pattern.as_ref();
            let named = named.is_none_or(|pattern| pattern.matches(&queue.queue));
            let paused = self.paused.is_none_or(|paused| paused == queue.paused);
            let declared = self.declared;
            named && paused && declared.is_none_or(|declared| declared == queue.declared)
        });
        queues.sort_by(|a, b| {
            let (a, b) = (listed(a), listed(b));
            by(a, key).cmp(&by(b, key)).then(a.queue.cmp(&b.queue))
        });
        if turned {
            queues.reverse();
        }
        Ok(queues)
    }
}

fn unsortable(key: &str) -> Error {
    let names = State::ALL.map(State::name);
    let names = ["name", "workers"].into_iter().chain(names);
    let detail = match nearest(key, names.clone()) {
        Some(near) => format!("queues are not sorted by {key:?}; did you mean {near:?}?"),
        None => format!(
            "queues are not sorted by {key:?}; they are by {}",
            names.collect::<Vec<_>>().join(", ")
        ),
    };
    Error::refused(Kind::InvalidRequest, detail)
}

/// All queues, declared or in Redis, by name.
///
/// # Errors
/// Those of Redis.
pub async fn list(here: &Here) -> Result<Vec<Listed>> {
    let names = here.names().await?;
    let queues: Vec<Queue> = names.iter().map(|name| here.queue(name)).collect();
    let (workers, surveys) =
        futures::try_join!(queue::workers(&here.redis), queue::survey(&queues, false))?;
    let listed = names.into_iter().zip(surveys).map(|(name, survey)| {
        let declared = here.config.queues.contains_key(&name);
        Listed::of(name, declared, survey.counts, workers.as_ref())
    });
    Ok(listed.collect())
}

impl Listed {
    /// A queue with these jobs; `workers` are those of all queues.
    pub fn of(
        queue: String,
        declared: bool,
        counts: queue::Counts,
        workers: Option<&BTreeMap<String, u64>>,
    ) -> Listed {
        Listed {
            declared,
            paused: counts.paused,
            workers: workers.map(|all| all.get(&queue).copied().unwrap_or_default()),
            counts: counts.into(),
            queue,
        }
    }
}
