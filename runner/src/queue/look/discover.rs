//! Which queues there are, and who works on them.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::handle::Queue;
use crate::queue::look::hosts::connected;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, texts, whole};

/// Keys one `SCAN` looks at, so that no call holds Redis for long.
const LOOK: usize = 5000;

impl Queue {
    /// Whether Redis has anything of the queue: its `meta`, which every producer
    /// writes, or jobs.
    pub async fn exists(&self) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.key("meta"));
        for state in State::ALL {
            for key in state.keys() {
                command.arg(self.key(key));
            }
        }
        Ok(whole(&self.redis().call(&command).await?) > 0)
    }
}

/// The names of all queues under the prefix of this connection, sorted: whatever
/// has a `meta`.
pub async fn queues(redis: &Redis) -> Result<Vec<String>, Error> {
    let prefix = format!("{}:", redis.prefix());
    let mut names = BTreeSet::new();
    for node in redis.nodes().await? {
        for key in keys(&node, &prefix, "*:meta").await? {
            let name = key.strip_prefix(&prefix);
            let name = name.and_then(|rest| rest.strip_suffix(":meta"));
            // Else it is the queue of a longer prefix, or of no use on a Cluster.
            let name = name.filter(|name| !name.contains(':') && !redis.scatters(name));
            names.extend(name.map(str::to_owned));
        }
    }
    Ok(names.into_iter().collect())
}

/// All keys that begin with a text and go on as the pattern says. Walks the whole
/// of this Redis or node, [`LOOK`] keys in one call.
pub(in crate::queue) async fn keys(
    redis: &Redis,
    start: &str,
    rest: &str,
) -> Result<Vec<String>, Error> {
    let mut pattern = String::new();
    for c in start.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push_str(rest);
    let mut found = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let mut command = redis::cmd("SCAN");
        command.arg(&cursor).arg("MATCH").arg(&pattern);
        command.arg("COUNT").arg(LOOK);
        let mut reply = list(redis.call(&command).await?).into_iter();
        cursor = reply.next().and_then(text).unwrap_or_default();
        found.extend(reply.next().map(texts).unwrap_or_default());
        if cursor == "0" || cursor.is_empty() {
            return Ok(found);
        }
    }
}

/// How many workers each queue under the prefix has, as BullMQ's `getWorkers` counts
/// them; `None` when Redis does not tell.
pub async fn workers(redis: &Redis) -> Result<Option<BTreeMap<String, u64>>, Error> {
    let Some(workers) = connected(redis).await? else {
        return Ok(None);
    };
    let mut counts = BTreeMap::new();
    for worker in workers {
        *counts.entry(worker.queue).or_insert(0) += 1;
    }
    Ok(Some(counts))
}
