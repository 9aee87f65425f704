//! Where verbs are done: a configuration, and the Redis of its queues.

use std::sync::Arc;

use super::error::{Error, Kind, Result};
use crate::config::{self, Config, Pattern, Scope, nearest};
use crate::queue::{self, Queue, Redis, Settings};

/// Names listed in an error; more would hide it.
const NAMES: usize = 12;

/// What is said of a queue that is not in queues.toml; `names` are those that are, as far
/// as whoever asks may know of them.
pub fn undeclared(name: &str, names: &[&str]) -> Error {
    let unknown = format!("queue {name:?} is not declared in queues.toml");
    let text = match nearest(name, names.iter().copied()) {
        Some(known) => format!("{unknown}; did you mean {known:?}?"),
        None if names.is_empty() => unknown,
        None if names.len() > NAMES => format!(
            "{unknown}; the declared queues are {}, … ({} in all)",
            names[..NAMES].join(", "),
            names.len()
        ),
        None => format!("{unknown}; the declared queues are {}", names.join(", ")),
    };
    Error::refused(Kind::UnknownQueue, text)
}

/// A configuration, and the Redis of its queues.
#[derive(Debug, Clone)]
pub struct Here {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The Redis of its queues.
    pub redis: Redis,
    /// Who asks, as locks and jobs name it.
    pub runner: String,
    /// The queues that whoever asks may know of: no other is listed, or named in an error.
    pub scope: Scope,
}

impl Here {
    /// The queue with its settings; one that is not declared has the defaults. Whether
    /// it exists is not asked.
    pub fn queue(&self, name: &str) -> Queue {
        let runtime = &self.config.runtime;
        let runner = self.runner.clone();
        let settings = match self.config.queues.get(name) {
            Some(queue) => Settings::of(queue, runtime, runner),
            None => Settings::undeclared(name, runtime, runner),
        };
        Queue::new(self.redis.clone(), settings)
    }

    /// A queue of queues.toml.
    ///
    /// # Errors
    /// [`Kind::UnknownQueue`] with the nearest name that is.
    pub fn declared(&self, name: &str) -> Result<&config::Queue> {
        let queues = &self.config.queues;
        if let Some(queue) = queues.get(name) {
            return Ok(queue);
        }
        let names = self.scope.filter(queues.keys().map(String::as_str));
        Err(undeclared(name, &names))
    }

    /// A queue that is declared or in Redis.
    ///
    /// # Errors
    /// [`Kind::UnknownQueue`] with the nearest name that is.
    pub async fn known(&self, name: &str) -> Result<Queue> {
        if self.redis.scatters(name) {
            return Err(Error::refused(
                Kind::InvalidRequest,
                format!(
                    "queue {name:?} has no {{tag}}, and neither has the prefix {:?}: on a Cluster \
                     its keys would be spread over many slots",
                    self.redis.prefix()
                ),
            ));
        }
        let queue = self.queue(name);
        if self.config.queues.contains_key(name) || queue.exists().await? {
            return Ok(queue);
        }
        let names = self.names().await?;
        Err(self.unknown(name, &names))
    }

    /// The names of the queues that are meant: names of queues that are declared or in
    /// Redis, with commas between; with `*` for any characters, all that match.
    ///
    /// # Errors
    /// [`Kind::UnknownQueue`] when there is no such queue, or none matches.
    pub async fn named(&self, asked: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for asked in asked.split(',').map(str::trim) {
            if !asked.contains('*') {
                self.known(asked).await?;
                found.push(asked.to_owned());
                continue;
            }
            let pattern = Pattern(asked.to_owned());
            let before = found.len();
            let names = self.names().await?.into_iter();
            found.extend(names.filter(|name| pattern.matches(name)));
            if found.len() == before {
                return Err(Error::refused(
                    Kind::UnknownQueue,
                    format!("no queue is called like {asked:?}"),
                ));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The names of all queues that whoever asks may know of, declared or found in
    /// Redis, sorted.
    pub async fn names(&self) -> Result<Vec<String>> {
        let mut names = queue::queues(&self.redis).await?;
        names.extend(self.config.queues.keys().cloned());
        names.sort_unstable();
        names.dedup();
        Ok(self.scope.filter(names))
    }

    /// What is said of a queue that is none of these.
    pub fn unknown(&self, name: &str, names: &[String]) -> Error {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let unknown = format!(
            "queue {name:?} is neither declared in queues.toml nor in Redis under the prefix {:?}",
            self.redis.prefix()
        );
        let detail = match nearest(name, names.iter().copied()) {
            Some(known) => format!("{unknown}; did you mean {known:?}?"),
            None if names.is_empty() => unknown,
            None if names.len() > NAMES => format!(
                "{unknown}; known queues are {}, … ({} in all: runner queue list)",
                names[..NAMES].join(", "),
                names.len()
            ),
            None => format!("{unknown}; known queues are {}", names.join(", ")),
        };
        Error::refused(Kind::UnknownQueue, detail)
    }
}
