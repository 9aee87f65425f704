//! From the name of a queue to a connection.

use super::{Cli, Exit, Result};
use crate::config::{self, Loaded, RedisUrl, nearest};
use crate::embedded::Embedded;
use crate::queue::{self, Queue, Redis, Settings};

/// Names listed in an error; more would hide it.
const NAMES: usize = 12;

/// Refuse a queue that is not in queues.toml.
pub(super) fn declared<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a config::Queue> {
    let queues = &loaded.config.queues;
    queues.get(name).map(|queue| &**queue).ok_or_else(|| {
        let names = || queues.keys().map(String::as_str);
        Exit::not_found(match nearest(name, names()) {
            Some(known) => {
                format!("queue {name:?} is not declared in queues.toml; did you mean {known:?}?")
            }
            None => format!(
                "queue {name:?} is not declared in queues.toml; the declared queues are {}",
                names().collect::<Vec<_>>().join(", ")
            ),
        })
    })
}

/// A declared queue over a connection of this command's own.
pub(super) async fn connect(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Queue> {
    let queue = declared(loaded, name)?;
    let redis = redis(cli, loaded).await?;
    Ok(over(redis, loaded, &queue.name))
}

/// Any queue, declared or found in Redis.
pub(super) async fn any(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Queue> {
    let redis = redis(cli, loaded).await?;
    if redis.scatters(name) {
        return Err(Exit::usage(format!(
            "queue {name:?} has no {{tag}}, and neither has the prefix {:?}: on a Cluster its keys \
             would be spread over many slots",
            redis.prefix()
        )));
    }
    let queue = over(redis.clone(), loaded, name);
    if loaded.config.queues.contains_key(name) || queue.exists().await? {
        return Ok(queue);
    }
    let names = all(&redis, loaded).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unknown = format!(
        "queue {name:?} is neither declared in queues.toml nor in Redis under the prefix {:?}",
        redis.prefix()
    );
    Err(Exit::not_found(
        match nearest(name, names.iter().copied()) {
            Some(known) => format!("{unknown}; did you mean {known:?}?"),
            None if names.is_empty() => unknown,
            None if names.len() > NAMES => format!(
                "{unknown}; known queues are {}, … ({} in all: runner queue list)",
                names[..NAMES].join(", "),
                names.len()
            ),
            None => format!("{unknown}; known queues are {}", names.join(", ")),
        },
    ))
}

/// The names of all queues, declared or found in Redis, sorted.
pub(super) async fn all(redis: &Redis, loaded: &Loaded) -> Result<Vec<String>> {
    let mut names = queue::queues(redis).await?;
    names.extend(loaded.config.queues.keys().cloned());
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The configured Redis, once it answers.
///
/// `runner dev` puts its embedded Redis before the file's URL, so commands beside
/// it do the same while that Redis runs; `--redis` goes before both.
pub(super) async fn redis(cli: &Cli, loaded: &Loaded) -> Result<Redis> {
    let config = &loaded.config;
    let url = match &config.redis.url {
        RedisUrl::Embedded(dir) => Embedded::find(dir).await.map_err(Exit::unreachable)?.url(),
        RedisUrl::Url(url) if cli.redis.is_some() => url.clone(),
        RedisUrl::Url(url) => match Embedded::find(&cli.data().join("redis")).await {
            Ok(dev) => dev.url(),
            Err(_) => url.clone(),
        },
    };
    let redis = Redis::new(&url, &config.redis.prefix)?;
    redis.ping().await?;
    Ok(redis)
}

/// The queue with its settings; one that is not declared has the defaults.
pub(super) fn over(redis: Redis, loaded: &Loaded, name: &str) -> Queue {
    let runtime = &loaded.config.runtime;
    let runner = format!("cli-{}", std::process::id());
    let settings = match loaded.config.queues.get(name) {
        Some(queue) => Settings::of(queue, runtime, runner),
        None => Settings::undeclared(name, runtime, runner),
    };
    Queue::new(redis, settings)
}
