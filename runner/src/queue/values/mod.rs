//! The values of plugins (`runner:plugin/kv`), beside the keys of their queue and so in
//! the same slot of a Cluster: `<prefix>:<queue>:runner:kv:<plugin>`. They go when the
//! queue is obliterated.
//!
//! Each verb is one script, and one that writes looks at the job's lock first. When a key
//! ends is decided by Redis' clock.

use redis::Value;

use crate::queue::attempt::Attempt;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{bytes, list, text, whole};
use crate::queue::wire::script::script;

/// A script that writes: what those begin with, then the verb.
macro_rules! writes {
    ($constant:ident, $name:literal, $file:literal) => {
        script!($constant, $name, "values/held", "values/write", $file);
    };
}

script!(GET, "kv get", "values/held", "values/get");
script!(LIST, "kv list", "values/held", "values/list");
writes!(SET, "kv set", "values/set");
writes!(SWAP, "kv swap", "values/swap");
writes!(ADD, "kv add", "values/add");
writes!(EXPIRE, "kv expire", "values/expire");
writes!(DELETE, "kv delete", "values/delete");

/// Whose values they are, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The plugin.
    pub plugin: &'a str,
    /// Keys it may have in this queue.
    pub max_keys: usize,
    /// Bytes of all its keys and values in this queue.
    pub max_bytes: usize,
}

/// What is done with a key. Times are milliseconds from now; `None` is for good.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Set its value.
    Set(&'a [u8], Option<u64>),
    /// Set or remove its value if it has the expected one.
    Swap {
        /// What it must hold.
        expected: Option<&'a [u8]>,
        /// What it holds then.
        value: Option<&'a [u8]>,
        /// For how long.
        ttl: Option<u64>,
    },
    /// Add to an integer, which begins with 0 and ends as a new key does.
    Add(i64, Option<u64>),
    /// Say when it ends.
    Expire(Option<u64>),
    /// Remove it.
    Delete,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// The sum; or else 1 if it was done, and 0 if the key held something else.
    Done(i64),
    /// The job's lock is lost.
    Lost,
    /// There would be too many keys.
    Keys,
    /// There would be too many bytes.
    Bytes,
    /// The value is no integer.
    NoInteger,
    /// The sum does not fit into 64 bits.
    Overflow,
}

/// A value and the ms for which it stays; `None` if it does for good.
pub type Entry = (Vec<u8>, Option<u64>);

/// Some keys, and the one after which to go on.
pub type Keys = (Vec<String>, Option<String>);

impl Queue {
    /// The value of a key, if there is one.
    pub async fn value(&self, plugin: &str, key: &str) -> Result<Option<Entry>, Error> {
        let reply = GET
            .run(self.redis(), self.base(), |command| {
                command.arg(plugin).arg(key);
            })
            .await?;
        let mut parts = list(reply).into_iter();
        Ok(match (parts.next(), parts.next()) {
            (Some(value), Some(stays)) => Some((bytes(value), u64::try_from(whole(&stays)).ok())),
            _ => None,
        })
    }

    /// Change a key, if the lock of the attempt's job is still ours.
    pub async fn change_value(
        &self,
        attempt: &Attempt,
        owner: Owner<'_>,
        key: &str,
        change: Change<'_>,
    ) -> Result<Wrote, Error> {
        let script = match change {
            Change::Set(..) => &SET,
            Change::Swap { .. } => &SWAP,
            Change::Add(..) => &ADD,
            Change::Expire(_) => &EXPIRE,
            Change::Delete => &DELETE,
        };
        let time = |ttl: Option<u64>| ttl.map(|ttl| ttl.to_string()).unwrap_or_default();
        let reply = script
            .run(self.redis(), self.base(), |command| {
                command
                    .arg(owner.plugin)
                    .arg(key)
                    .arg(&attempt.job.id)
                    .arg(&attempt.token)
                    .arg(owner.max_keys)
                    .arg(owner.max_bytes);
                match change {
                    Change::Set(value, ttl) => command.arg(time(ttl)).arg(value),
                    Change::Swap {
                        expected,
                        value,
                        ttl,
                    } => [expected, value]
                        .iter()
                        .fold(command.arg(time(ttl)), |command, value| {
                            let is_there = u8::from(value.is_some());
                            command.arg(is_there).arg(value.unwrap_or_default())
                        }),
                    Change::Add(by, ttl) => command.arg(time(ttl)).arg(by),
                    Change::Expire(ttl) => command.arg(time(ttl)),
                    Change::Delete => command,
                };
            })
            .await?;
        let wrote = wrote(&list(reply)).ok_or(Error::Answer(script.name()))?;
        if wrote == Wrote::Lost {
            self.lose(attempt).await;
        }
        Ok(wrote)
    }

    /// At most so many keys that begin with `prefix`, in the order of their bytes, after
    /// the key `after`; and where to go on, if there are more.
    pub async fn value_keys(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<Keys, Error> {
        let reply = LIST
            .run(self.redis(), self.base(), |command| {
                let after = after.unwrap_or_default();
                command.arg(plugin).arg(prefix).arg(after).arg(most);
            })
            .await?;
        let mut parts = list(reply).into_iter();
        let more = parts.next().is_some_and(|more| whole(&more) == 1);
        let last = parts.next().and_then(text).filter(|_| more);
        Ok((parts.filter_map(text).collect(), last))
    }
}

/// What a script that writes answers: a code, and after `1` the sum of an addition.
fn wrote(reply: &[Value]) -> Option<Wrote> {
    let Some(Value::Int(code)) = reply.first() else {
        return None;
    };
    Some(match (code, reply.get(1)) {
        (1, Some(sum)) => Wrote::Done(text(sum.clone())?.parse().ok()?),
        (0 | 1, None) => Wrote::Done(*code),
        (-1, _) => Wrote::Lost,
        (-2, _) => Wrote::Keys,
        (-3, _) => Wrote::Bytes,
        (-4, _) => Wrote::NoInteger,
        (-5, _) => Wrote::Overflow,
        _ => return None,
    })
}
