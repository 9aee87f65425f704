//! The values of plugins in a trial, which end with it: what [`queue`](crate::queue) keeps
//! in Redis, by the same rules.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::queue::{Owner, ValueChange as Change, ValueEntry, ValueKeys, Wrote};

/// By queue, plugin and key.
type Values = BTreeMap<(String, String, String), Held>;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Values>);

#[derive(Debug)]
struct Held {
    value: Vec<u8>,
    ends: Option<Instant>,
}

impl Kept {
    /// The value of a key.
    pub(super) fn get(&self, (queue, plugin): (&str, &str), key: &str) -> Option<ValueEntry> {
        let now = Instant::now();
        let all = self.lock(now);
        let held = all.get(&(queue.to_owned(), plugin.to_owned(), key.to_owned()))?;
        let left = |ends: Instant| ends.duration_since(now).as_millis() as u64;
        Some((held.value.clone(), held.ends.map(left)))
    }

    /// Change a key.
    pub(super) fn change(
        &self,
        queue: &str,
        owner: Owner<'_>,
        key: &str,
        change: Change<'_>,
    ) -> Wrote {
        let now = Instant::now();
        let mut all = self.lock(now);
        let id = (queue.to_owned(), owner.plugin.to_owned(), key.to_owned());
        let old = all.get(&id);
        let until = |ttl: Option<u64>| ttl.map(|ttl| now + Duration::from_millis(ttl));
        let (value, ends, answer) = match change {
            Change::Set(value, ttl) => (value.to_vec(), until(ttl), 1),
            Change::Swap { expected, .. } if old.map(|old| &*old.value) != expected => {
                return Wrote::Done(0);
            }
            Change::Swap { value: None, .. } => {
                all.remove(&id);
                return Wrote::Done(1);
            }
            Change::Swap {
                value: Some(value),
                ttl,
                ..
            } => (value.to_vec(), until(ttl), 1),
            Change::Add(by, ttl) => {
                let Some(held) = old.map_or(Some(0), |old| integer(&old.value)) else {
                    return Wrote::NoInteger;
                };
                let Some(sum) = held.checked_add(by) else {
                    return Wrote::Overflow;
                };
                let ends = old.map_or_else(|| until(ttl), |old| old.ends);
                (sum.to_string().into_bytes(), ends, sum)
            }
            Change::Expire(ttl) => match old {
                None => return Wrote::Done(0),
                Some(old) => (old.value.clone(), until(ttl), 1),
            },
            Change::Delete => return Wrote::Done(all.remove(&id).is_some().into()),
        };
        let own = |of: &(String, String, String)| of.0 == id.0 && of.1 == id.1;
        let own = || all.iter().filter(|(of, _)| own(of));
        let size = |(of, held): (&(String, String, String), &Held)| of.2.len() + held.value.len();
        let had = old.map_or(0, |old| key.len() + old.value.len());
        let has = key.len() + value.len();
        if old.is_none() && own().count() >= owner.max_keys {
            return Wrote::Keys;
        }
        if has > had && own().map(size).sum::<usize>() + has - had > owner.max_bytes {
            return Wrote::Bytes;
        }
        all.insert(id, Held { value, ends });
        Wrote::Done(answer)
    }

    /// Keys that begin with `prefix`, after the key `after`.
    pub(super) fn keys(
        &self,
        (queue, plugin): (&str, &str),
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> ValueKeys {
        let all = self.lock(Instant::now());
        let own = all.keys().filter(|of| of.0 == queue && of.1 == plugin);
        let keys = own.map(|of| &*of.2);
        let keys = keys.filter(|key| key.starts_with(prefix) && after.is_none_or(|at| *key > at));
        let mut keys: Vec<String> = keys.take(most as usize + 1).map(str::to_owned).collect();
        let more = keys.len() > most as usize;
        keys.truncate(most as usize);
        let last = keys.last().filter(|_| more).cloned();
        (keys, last)
    }

    /// All that have not ended by now.
    fn lock(&self, now: Instant) -> MutexGuard<'_, Values> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, held| held.ends.is_none_or(|ends| ends > now));
        all
    }
}

/// An integer as Redis writes it.
fn integer(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse::<i64>().ok().filter(|n| n.to_string() == text)
}
