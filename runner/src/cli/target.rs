//! From the name of a queue to a connection.

use std::sync::Arc;

use super::{Cli, Exit, Result};
use crate::config::{self, Loaded, RedisUrl, Scope};
use crate::embedded::Embedded;
use crate::queue::{Queue, Redis, Settings};
use crate::verbs::{self, Here};

/// Refuse a queue that is not in queues.toml.
pub(super) fn declared<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a config::Queue> {
    let queues = &loaded.config.queues;
    queues.get(name).map(|queue| &**queue).ok_or_else(|| {
        let names: Vec<&str> = queues.keys().map(String::as_str).collect();
        verbs::undeclared(name, &names).into()
    })
}

/// The configuration, and its Redis once it answers.
pub(super) async fn here(cli: &Cli, loaded: &Loaded) -> Result<Here> {
    Ok(Here {
        config: Arc::new(loaded.config.clone()),
        redis: redis(cli, loaded).await?,
        runner: runner(),
        scope: Scope::Everything,
    })
}

/// The configured Redis, once it answers.
pub(super) async fn redis(cli: &Cli, loaded: &Loaded) -> Result<Redis> {
    let redis = unasked(cli, loaded).await?;
    redis.ping().await?;
    Ok(redis)
}

/// The configured Redis, whether or not it answers.
///
/// `runner dev` puts its embedded Redis before the file's URL, so commands beside
/// it do the same while that Redis runs; `--redis` goes before both.
pub(super) async fn unasked(cli: &Cli, loaded: &Loaded) -> Result<Redis> {
    let config = &loaded.config;
    let url = match &config.redis.url {
        RedisUrl::Embedded(dir) => Embedded::find(dir).await.map_err(Exit::unreachable)?.url(),
        RedisUrl::Url(url) if cli.redis.is_some() => url.clone(),
        RedisUrl::Url(url) => match Embedded::find(&cli.data().join("redis")).await {
            Ok(dev) => dev.url(),
            Err(_) => url.clone(),
        },
    };
    Ok(Redis::new(&url, &config.redis.prefix)?)
}

/// The queue with its settings; one that is not declared has the defaults.
pub(super) fn over(redis: Redis, loaded: &Loaded, name: &str) -> Queue {
    let runtime = &loaded.config.runtime;
    let settings = match loaded.config.queues.get(name) {
        Some(queue) => Settings::of(queue, runtime, runner()),
        None => Settings::undeclared(name, runtime, runner()),
    };
    Queue::new(redis, settings)
}

/// This command, as locks and jobs name it.
fn runner() -> String {
    format!("cli-{}", std::process::id())
}
