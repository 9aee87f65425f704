//! What bounds the starts of a queue over all its workers: BullMQ's global
//! concurrency and global rate limit.

use std::time::Duration;

use redis::{Cmd, Value};

use crate::config::Limiter;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use crate::queue::wire::script::script;

script!(BOUNDS, "bounds", "lib/queue", "operate/bounds");

/// What bounds the starts of a queue over all its workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Jobs that may be active at once.
    pub concurrency: Option<u64>,
    /// Jobs that may start in a time.
    pub limit: Option<Limiter>,
}

impl Queue {
    /// What bounds its starts.
    pub async fn bounds(&self) -> Result<Bounds, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key("meta"));
        command.arg(&["concurrency", "max", "duration"]);
        let fields = list(self.redis().call(&command).await?);
        let field = |at: usize| -> Option<u64> {
            let value = fields.get(at).filter(|value| **value != Value::Nil)?;
            Some(whole(value) as u64)
        };
        Ok(Bounds {
            concurrency: field(0),
            limit: field(1).zip(field(2)).map(|(max, duration)| Limiter {
                max: u32::try_from(max).unwrap_or(u32::MAX),
                duration: Duration::from_millis(duration),
            }),
        })
    }

    /// Set or lift the number of jobs that may be active at once.
    pub async fn set_concurrency(&self, jobs: Option<u64>) -> Result<(), Error> {
        self.bound(|command| match jobs {
            Some(jobs) => drop(command.arg("HSET").arg("concurrency").arg(jobs)),
            None => drop(command.arg("HDEL").arg("concurrency")),
        })
        .await
    }

    /// Set or lift the number of jobs that may start in a time.
    pub async fn set_limit(&self, limit: Option<Limiter>) -> Result<(), Error> {
        self.bound(|command| match limit {
            Some(limit) => {
                let duration = u64::try_from(limit.duration.as_millis()).unwrap_or(u64::MAX);
                command.arg("HSET").arg("max").arg(limit.max);
                command.arg("duration").arg(duration);
            }
            None => drop(command.arg("HDEL").arg(&["max", "duration"])),
        })
        .await
    }

    async fn bound(&self, change: impl Fn(&mut Cmd)) -> Result<(), Error> {
        BOUNDS
            .run(self.redis(), self.base(), change)
            .await
            .map(drop)
    }
}
