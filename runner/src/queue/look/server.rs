//! What Redis says of itself.

use std::collections::BTreeMap;

use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, whole};

/// What Redis says of itself: the fields of `INFO`.
#[derive(Debug, Clone, Default)]
pub struct Server(BTreeMap<String, String>);

impl Server {
    /// A field; nothing where this server has none.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A field that is a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.field(name).parse().ok()
    }

    /// Whether it said anything.
    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// Why it takes no writes, in a few words.
    pub fn refuses(&self) -> Option<String> {
        let (used, max) = (self.number("used_memory"), self.number("maxmemory"));
        if let (Some(used), Some(max)) = (used, max)
            && max > 0.0
            && used >= max
            && self.field("maxmemory_policy") == "noeviction"
        {
            return Some("OOM: it uses all of its maxmemory".to_owned());
        }
        if matches!(self.field("role"), "slave" | "replica") {
            return Some("READONLY: it is a replica".to_owned());
        }
        if self.field("rdb_last_bgsave_status") == "err" {
            return Some("MISCONF: its last snapshot could not be written to disk".to_owned());
        }
        if self.field("aof_last_write_status") == "err" {
            return Some("MISCONF: its append-only file cannot be written".to_owned());
        }
        None
    }
}

/// What this Redis, or the node of a Cluster that has the keys of no queue, says of itself.
/// Nothing where its user may not ask.
pub async fn server(redis: &Redis) -> Result<Server, Error> {
    let said = match redis.call(&redis::cmd("INFO")).await {
        Ok(said) => text(said).unwrap_or_default(),
        Err(Error::Refused(_)) => return Ok(Server::default()),
        Err(error) => return Err(error),
    };
    let fields = said.lines().filter_map(|line| line.split_once(':'));
    Ok(Server(
        fields
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
    ))
}

/// Redis' clock, milliseconds since 1970.
pub async fn clock(redis: &Redis) -> Result<u64, Error> {
    let time = list(redis.call(&redis::cmd("TIME")).await?);
    let part = |at: usize| time.get(at).map_or(0, whole) as u64;
    Ok(part(0) * 1000 + part(1) / 1000)
}
