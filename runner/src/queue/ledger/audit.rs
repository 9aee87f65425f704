//! The audit list: a stream, capped, that only grows at its end.

use redis::Value;

use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, texts};

/// That somebody has changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the list; empty before it has one.
    pub id: String,
    /// Who: `token:ci`, `user:ann`, `jwt:4711`, `local`.
    pub who: String,
    /// The address that the request came from, if it came over a network.
    pub from: Option<String>,
    /// What was done.
    pub verb: String,
    /// What it was done to.
    pub target: String,
    /// To how many.
    pub count: u64,
    /// The runner that was asked.
    pub runner: String,
}

impl Entry {
    /// When, in ms since 1970 by Redis' clock.
    pub fn at(&self) -> u64 {
        let (at, _) = self.id.split_once('-').unwrap_or_default();
        at.parse().unwrap_or_default()
    }

    fn parse(entry: Value) -> Option<Entry> {
        let mut parts = list(entry).into_iter();
        let id = text(parts.next()?)?;
        let fields = texts(parts.next()?);
        let field = |name: &str| {
            let mut fields = fields.chunks_exact(2);
            fields.find_map(|pair| (pair[0] == name).then(|| pair[1].clone()))
        };
        Some(Entry {
            id,
            who: field("who").unwrap_or_default(),
            from: field("from"),
            verb: field("verb").unwrap_or_default(),
            target: field("target").unwrap_or_default(),
            count: field("count").and_then(|count| count.parse().ok())?,
            runner: field("runner").unwrap_or_default(),
        })
    }
}

/// Write it to the end of the list, which keeps about the last `most`.
///
/// # Errors
/// When Redis does not take it.
pub async fn note(redis: &Redis, entry: &Entry, most: u32) -> Result<(), Error> {
    let mut command = redis::cmd("XADD");
    command
        .arg(redis.audited())
        .arg("MAXLEN")
        .arg("~")
        .arg(most);
    command.arg("*").arg("who").arg(&entry.who);
    if let Some(from) = &entry.from {
        command.arg("from").arg(from);
    }
    command.arg("verb").arg(&entry.verb);
    command.arg("target").arg(&entry.target);
    command.arg("count").arg(entry.count);
    command.arg("runner").arg(&entry.runner);
    redis.call(&command).await.map(drop)
}

/// Up to `most` entries, the newest first, of those before the one at `before`, and
/// those since `since`, in ms since 1970.
///
/// # Errors
/// When Redis does not answer.
pub async fn audited(
    redis: &Redis,
    before: Option<&str>,
    since: u64,
    most: u32,
) -> Result<Vec<Entry>, Error> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(redis.audited());
    match before {
        Some(id) => command.arg(format!("({id}")),
        None => command.arg("+"),
    };
    command.arg(since).arg("COUNT").arg(most);
    let entries = list(redis.call(&command).await?);
    Ok(entries.into_iter().filter_map(Entry::parse).collect())
}
