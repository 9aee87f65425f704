//! Who works: the processes of Runner by their heartbeats, and workers of any kind by
//! their connections.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::queue::hold::heartbeat::{About, Process};
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{text, texts};

/// One process of Runner.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its name.
    pub runner: String,
    /// Its process id, on its own machine.
    pub pid: i32,
    /// Its last beat, ms since 1970 by Redis' clock.
    pub seen: u64,
    /// What it says of itself; none before it has, and of versions that say nothing.
    pub about: Option<About>,
}

/// A connection that BullMQ's `getWorkers` takes for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The queue.
    pub queue: String,
    /// The name of the worker, if it has one.
    pub worker: Option<String>,
    /// Where it comes from, `host:port`.
    pub address: String,
    /// Seconds since it was made.
    pub age: u64,
}

/// The processes of Runner under the prefix of this connection that beat within the last
/// hour and did not say goodbye, and Redis' time in ms since 1970.
///
/// # Errors
/// When Redis does not answer.
pub async fn hosts(redis: &Redis) -> Result<(u64, Vec<Host>), Error> {
    let (mut alive, mut described) = (redis::cmd("ZRANGE"), redis::cmd("HGETALL"));
    alive.arg(redis.alive()).arg(0).arg(-1).arg("WITHSCORES");
    described.arg(redis.described());
    let time = redis::cmd("TIME");
    let time = texts(redis.call(&time).await?);
    let part = |at: usize| time.get(at).and_then(|part| part.parse::<u64>().ok());
    let now = part(0).unwrap_or_default() * 1000 + part(1).unwrap_or_default() / 1000;
    let alive = texts(redis.call(&alive).await?);
    let described = texts(redis.call(&described).await?);
    let described: HashMap<&str, &str> = described
        .chunks_exact(2)
        .map(|pair| (pair[0].as_str(), pair[1].as_str()))
        .collect();
    let hosts = alive.chunks_exact(2).filter_map(|pair| {
        let process = Process::parse(&pair[0])?;
        let about = described.get(pair[0].as_str());
        Some(Host {
            runner: process.runner,
            pid: process.pid,
            seen: pair[1].parse::<f64>().ok()? as u64,
            about: about.and_then(|about| serde_json::from_str(about).ok()),
        })
    });
    let mut hosts: Vec<Host> = hosts.collect();
    hosts.sort_by(|a, b| (&a.runner, a.pid).cmp(&(&b.runner, b.pid)));
    Ok((now, hosts))
}

/// The workers of all queues under the prefix, by the names of their connections, as
/// BullMQ's `getWorkers` finds them; `None` when Redis does not tell (some managed
/// services refuse `CLIENT LIST`).
///
/// # Errors
/// When Redis does not answer.
pub async fn connected(redis: &Redis) -> Result<Option<Vec<Connected>>, Error> {
    let mut command = redis::cmd("CLIENT");
    command.arg("LIST");
    let prefix = format!("{}:", redis.prefix());
    let mut all = Vec::new();
    for node in redis.nodes().await? {
        let listed = match node.call(&command).await {
            Ok(listed) => text(listed).unwrap_or_default(),
            Err(Error::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        all.extend(listed.lines().filter_map(|line| worker_of(line, &prefix)));
    }
    Ok(Some(all))
}

/// The worker of this line of `CLIENT LIST`.
fn worker_of(line: &str, prefix: &str) -> Option<Connected> {
    let field = |name: &str| {
        let mut fields = line.split(' ');
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let rest = field("name")?.strip_prefix(prefix)?;
    // `<base64 of the queue>`, and `:w:<worker>` when the worker has a name.
    let (queue, worker) = match rest.split_once(':') {
        Some((queue, suffix)) => (queue, Some(suffix.strip_prefix("w:")?)),
        None => (rest, None),
    };
    let queue = STANDARD.decode(queue).ok()?;
    Some(Connected {
        queue: String::from_utf8(queue).ok()?,
        worker: worker.map(str::to_owned),
        address: field("addr").unwrap_or_default().to_owned(),
        age: field("age").and_then(|age| age.parse().ok()).unwrap_or(0),
    })
}
