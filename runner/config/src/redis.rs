//! `[redis]`: where the queues are.

use std::path::PathBuf;

use super::address::tag;

/// Where the queues are.
#[derive(Debug, Clone, PartialEq)]
pub struct Redis {
    /// `url`: a Redis URL, or `"embedded"`.
    pub url: RedisUrl,
    /// The prefix of all keys; it may contain `:`. Defaults to `bull`.
    pub prefix: String,
    /// Whether this is a Cluster whose queues each have the slot of the tag in their
    /// own name, because the prefix has no tag.
    pub by_queue: bool,
    /// Whether there is one idle named connection per queue, so that BullMQ's `getWorkers` and
    /// Bull Board see this worker. Defaults to true.
    pub presence: bool,
}

/// What nobody set.
impl Default for Redis {
    fn default() -> Self {
        Self {
            url: RedisUrl::Url(Self::URL.to_owned()),
            prefix: "bull".to_owned(),
            by_queue: false,
            presence: true,
        }
    }
}

impl Redis {
    pub(super) const URL: &str = "redis://127.0.0.1:6379";

    /// Whether these two queues are in different slots of a Cluster, so that no
    /// script can reach the keys of both.
    pub fn parts(&self, queue: &str, other: &str) -> bool {
        self.by_queue && tag(queue) != tag(other)
    }
}

/// The address of Redis.
#[derive(Debug, Clone, PartialEq)]
pub enum RedisUrl {
    /// `redis://`, `rediss://` or `unix://`, with user, password and database;
    /// `redis+sentinel://` or `redis+cluster://` with a list of hosts; options behind
    /// a `?`. The form has been checked; files that it names are read later.
    Url(String),
    /// A private `redis-server` child with its data in this directory.
    Embedded(PathBuf),
}
