//! A job that is tried without Redis, by `runner run` and `runner test`: it looks
//! to its plugin as one that was just added and taken.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Exit, Result};
use crate::config::{Config, JobSettings, Queue};
use crate::queue::{Job, Options};

/// Where a job is tried.
pub(super) struct Place {
    /// The queue's name.
    pub(super) queue: String,
    /// What the job may use.
    pub(super) settings: JobSettings,
    /// Attempts of a job that is added to the queue.
    pub(super) attempts: u32,
}

/// The queue of this name, or else the first whose jobs of this name the plugin
/// handles, or else none, with the defaults.
pub(super) fn place(
    config: &Config,
    queue: Option<&str>,
    plugin: &str,
    job: &str,
) -> Result<Place> {
    let serves = |queue: &&Arc<Queue>| queue.settings(job).plugin.as_deref() == Some(plugin);
    let queue = match queue {
        Some(name) => Some(config.queues.get(name).ok_or_else(|| {
            Exit::not_found(format!("queue {name:?} is not declared in queues.toml"))
        })?),
        None => config.queues.values().find(serves),
    };
    let settings = queue.map_or_else(JobSettings::default, |queue| queue.settings(job).clone());
    Ok(Place {
        queue: queue.map_or("trial", |queue| &queue.name).to_owned(),
        settings,
        attempts: queue.and_then(|queue| queue.defaults.attempts).unwrap_or(1),
    })
}

/// A job that was added now and is in this attempt, from 1, of so many.
pub(super) fn job(id: &str, name: &str, data: String, attempt: u32, attempts: u32) -> Job {
    #[expect(clippy::disallowed_methods, reason = "this job is not in Redis")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis() as u64);
    Job {
        id: id.to_owned(),
        name: name.to_owned(),
        data,
        attempts_made: attempt - 1,
        starts: attempt,
        options: Options {
            attempts,
            ..Options::default()
        },
        added_at: now,
        started_at: now,
        ..Job::default()
    }
}
