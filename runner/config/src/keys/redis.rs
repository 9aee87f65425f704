//! `[redis]`

use std::sync::LazyLock;

use super::{Keys, Kind, kind};
use crate::problem::mask_passwords;
use crate::value::{self, Fault, Raw, fault};
use crate::{Redis, RedisUrl};

pub(crate) static REDIS: LazyLock<Keys<Redis>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("url", "URL", show_url)
            .env(&["RUNNER_REDIS_URL", "REDIS_URL"])
            .default("`\"redis://127.0.0.1:6379\"`")
            .help(
                "\"rediss://worker:secret@redis.example.com:6380/2\"",
                "Where Redis is: `redis://`, `rediss://` (TLS) or `unix://`, with user, password and database; a Sentinel or Cluster (see below); or `embedded`, a private redis-server that keeps its data in `data/redis`.",
            )
            .sensitive();
        keys.value("prefix", Kind { read: Box::new(prefix), ..kind::text() }, |redis| {
            &mut redis.prefix
        })
        .env(&["RUNNER_REDIS_PREFIX", "REDIS_PREFIX", "BULLMQ_PREFIX"])
        .help(
            "\"smsblossom:prod\"",
            "Prefix of all keys, the same as the `prefix` of the producers' BullMQ queues. It may contain colons.",
        );
        keys.value("presence", kind::boolean(), |redis| &mut redis.presence)
            .env(&["RUNNER_REDIS_PRESENCE"])
            .help(
                "false",
                "Keep one named connection per queue, so that BullMQ's `getWorkers` and Bull Board see this worker.",
            );
    })
});

/// Passwords are covered.
fn show_url(redis: &Redis) -> Option<String> {
    Some(match &redis.url {
        RedisUrl::Url(url) => mask_passwords(url),
        RedisUrl::Embedded(dir) => format!("embedded (data in {})", dir.display()),
    })
}

/// BullMQ prefixes may hold `:`, and `{…}` for a cluster's hash tag.
pub(crate) fn prefix(raw: Raw<'_>) -> Result<String, Fault> {
    let prefix = value::text(raw)?;
    if prefix.ends_with(':') {
        return Err(fault(
            format!("must not end in a colon, found {prefix:?}"),
            "BullMQ itself puts a colon between prefix and queue",
        ));
    }
    Ok(prefix)
}
