//! `runner:plugin/kv`: values that outlive the job, in the Redis of its queue; in a trial
//! only as long as that lasts. Knows the limits of a call; those of all values are counted
//! where they are kept.

use std::sync::Arc;

use super::State;
use super::kept::Kept;
use super::limits::Budget;
use super::lost::refuse_lost;
use super::writes::Writes;
use crate::config::{Kv, Plugin};
use crate::cost::{self, Kind, Pending};
use crate::queue::{self, Attempt, Owner, Queue, ValueChange as Change, Wrote};
use runner_bindings::runner::plugin::kv::{Entry, Error, Host, Page};

/// Bytes of a key.
const KEY: usize = 512;
/// Bytes of a value.
const VALUE: usize = 1 << 20;
/// Keys of a page.
const PAGE: u32 = 1000;
/// The longest time of a key, ms; its end is an exact score in Redis.
const LONGEST: u64 = 1_000_000_000_000_000;

/// What a call takes along: the state of an attempt is not shared.
struct Asking {
    limits: Kv,
    attempt: Arc<Attempt>,
    plugin: Arc<Plugin>,
    writes: Arc<Writes>,
    budget: Arc<Budget>,
}

/// Where the values of a plugin are.
enum Place<'a> {
    Queue(&'a Queue),
    Trial(&'a Kept),
}

impl Host for State {
    async fn get(&mut self, key: String) -> Result<Option<Entry>, Error> {
        let asking = self.kv()?;
        check_key(&key)?;
        let call = asking.begin("get", &key);
        let found = match asking.place() {
            Some(Place::Queue(queue)) => queue.value(&asking.plugin.name, &key).await,
            Some(Place::Trial(kept)) => Ok(kept.get(asking.owner(), &key)),
            None => Ok(None),
        };
        let found = told(call, found, |found| match found {
            Some((value, _)) => value.len(),
            None => 0,
        })?;
        Ok(found.map(|(value, ttl)| Entry { value, ttl }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl: Option<u64>) -> Result<(), Error> {
        let asking = self.kv()?;
        let change = Change::Set(&value, lasts(&key, ttl)?);
        asking.change("set", &key, change).await.map(drop)
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        ttl: Option<u64>,
    ) -> Result<bool, Error> {
        let asking = self.kv()?;
        let change = Change::Swap {
            expected: expected.as_deref(),
            value: value.as_deref(),
            ttl: lasts(&key, ttl)?,
        };
        let done = asking.change("compare-and-set", &key, change).await?;
        Ok(done == 1)
    }

    async fn increment(&mut self, key: String, by: i64, ttl: Option<u64>) -> Result<i64, Error> {
        let asking = self.kv()?;
        let change = Change::Add(by, lasts(&key, ttl)?);
        asking.change("increment", &key, change).await
    }

    async fn expire(&mut self, key: String, ttl: Option<u64>) -> Result<bool, Error> {
        let asking = self.kv()?;
        let change = Change::Expire(lasts(&key, ttl)?);
        Ok(asking.change("expire", &key, change).await? == 1)
    }

    async fn delete(&mut self, key: String) -> Result<bool, Error> {
        let asking = self.kv()?;
        Ok(asking.change("delete", &key, Change::Delete).await? == 1)
    }

    async fn list_keys(
        &mut self,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page, Error> {
        let asking = self.kv()?;
        if prefix.len() > KEY {
            return Err(Error::Invalid(format!(
                "the prefix has {} bytes; a key has at most {KEY}",
                prefix.len()
            )));
        }
        if !(1..=PAGE).contains(&limit) {
            return Err(Error::Invalid(format!(
                "the limit is {limit}; a page has 1 to {PAGE} keys"
            )));
        }
        let foreign = |cursor: &String| cursor.len() > KEY || !cursor.starts_with(&prefix);
        if cursor.as_ref().is_some_and(foreign) {
            return Err(Error::Invalid(format!(
                "the cursor is none of the keys that begin with {prefix:?}"
            )));
        }
        let after = cursor.as_deref();
        let call = asking.begin("list-keys", &prefix);
        let page = match asking.place() {
            Some(Place::Queue(queue)) => {
                let plugin = &asking.plugin.name;
                queue.value_keys(plugin, &prefix, after, limit).await
            }
            Some(Place::Trial(kept)) => Ok(kept.keys(asking.owner(), &prefix, after, limit)),
            None => Ok((Vec::new(), None)),
        };
        let (keys, cursor) = told(call, page, |(keys, _)| keys.iter().map(String::len).sum())?;
        Ok(Page { keys, cursor })
    }
}

impl State {
    /// Ask for values, if they are granted.
    fn kv(&self) -> Result<Asking, Error> {
        let name = &self.plugin.name;
        let Some(limits) = &self.plugin.kv else {
            return Err(Error::Denied(format!(
                "the plugin {name:?} is not granted kv; `kv = true` under [plugins.{name}] of \
                 queues.toml grants it"
            )));
        };
        if self.attempt.queue().is_none() && self.writes.kept().is_none() {
            return Err(Error::Denied(
                "a handler that is invoked over HTTP is no job, and has no kv".to_owned(),
            ));
        }
        Ok(Asking {
            limits: limits.clone(),
            attempt: self.attempt.clone(),
            plugin: self.plugin.clone(),
            writes: self.writes.clone(),
            budget: self.budget.clone(),
        })
    }
}

impl Asking {
    fn place(&self) -> Option<Place<'_>> {
        let trial = || self.writes.kept().map(Place::Trial);
        self.attempt.queue().map(Place::Queue).or_else(trial)
    }

    /// Whose values they are in a trial.
    fn owner(&self) -> (&str, &str) {
        (self.attempt.queue_name(), &self.plugin.name)
    }

    /// A call begins. Its record has of the key only what stands before its first `:` or
    /// `/`: the rest may be somebody's number or name.
    fn begin(&self, what: &str, key: &str) -> Pending {
        let family = key.find([':', '/']).map_or("*", |end| &key[..=end]);
        let mut call = self.attempt.cost.begin(Kind::Kv, family);
        call.know(|call| call.method = what.to_owned());
        call
    }

    async fn change(&self, what: &str, key: &str, change: Change<'_>) -> Result<i64, Error> {
        refuse_lost(&self.attempt).map_err(Error::Lost)?;
        check_key(key)?;
        let size = key.len() + size_of(key, change)?;
        self.budget.spend(size).map_err(Error::Limit)?;
        let owner = Owner {
            plugin: &self.plugin.name,
            max_keys: self.limits.max_keys,
            max_bytes: self.limits.max_bytes,
        };
        let _turn = self.writes.turn(size).await;
        let call = self.begin(what, key);
        let wrote = match self.place() {
            Some(Place::Queue(queue)) => {
                queue.change_value(&self.attempt, owner, key, change).await
            }
            Some(Place::Trial(kept)) => {
                Ok(kept.change(self.attempt.queue_name(), owner, key, change))
            }
            None => Ok(Wrote::Lost),
        };
        let (outcome, answer) = self.became(key, wrote);
        call.end(outcome, |call| call.sent = size as u64);
        answer
    }

    /// What became of a change: in a word for the record, and for the guest.
    fn became(
        &self,
        key: &str,
        wrote: Result<Wrote, queue::Error>,
    ) -> (&'static str, Result<i64, Error>) {
        let Kv {
            max_keys,
            max_bytes,
        } = self.limits;
        let (outcome, error) = match wrote {
            Ok(Wrote::Done(answer)) => return (cost::DONE, Ok(answer)),
            Ok(Wrote::Lost) => {
                let why = refuse_lost(&self.attempt).err().unwrap_or_default();
                ("lost", Error::Lost(why))
            }
            Ok(Wrote::Keys) => {
                let why = format!(
                    "the key {key:?} is one too many: the plugin may have {max_keys} keys in this \
                     queue (kv.max_keys)"
                );
                ("limit", Error::Limit(why))
            }
            Ok(Wrote::Bytes) => {
                let why = format!(
                    "the value of key {key:?} does not fit: the plugin may have {max_bytes} bytes \
                     of keys and values in this queue (kv.max_bytes)"
                );
                ("limit", Error::Limit(why))
            }
            Ok(Wrote::NoInteger) => {
                let why = format!("the key {key:?} holds no integer");
                ("invalid", Error::Invalid(why))
            }
            Ok(Wrote::Overflow) => {
                let why = format!("the sum at key {key:?} does not fit into 64 bits");
                ("invalid", Error::Invalid(why))
            }
            Err(error) => ("unavailable", Error::Unavailable(error.to_string())),
        };
        (outcome, Err(error))
    }
}

/// What came of a call that reads.
fn told<T>(
    call: Pending,
    answer: Result<T, queue::Error>,
    received: impl FnOnce(&T) -> usize,
) -> Result<T, Error> {
    match answer {
        Ok(answer) => {
            let received = received(&answer);
            call.end(cost::DONE, |call| call.received = received as u64);
            Ok(answer)
        }
        Err(error) => {
            call.end("unavailable", |_| {});
            Err(Error::Unavailable(error.to_string()))
        }
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    match key.len() {
        1..=KEY => Ok(()),
        size => Err(Error::Invalid(format!(
            "the key has {size} bytes; it must have 1 to {KEY}"
        ))),
    }
}

/// Bytes of the values that a change sends.
fn size_of(key: &str, change: Change<'_>) -> Result<usize, Error> {
    let sent = match change {
        Change::Set(value, _) => [Some(value), None],
        Change::Swap {
            expected, value, ..
        } => [expected, value],
        Change::Add(..) | Change::Expire(_) | Change::Delete => [None, None],
    };
    let mut size = 0;
    for value in sent.into_iter().flatten() {
        if value.len() > VALUE {
            return Err(Error::Invalid(format!(
                "the value of key {key:?} has {} bytes; a value has at most {VALUE}",
                value.len()
            )));
        }
        size += value.len();
    }
    Ok(size)
}

/// For how long a key lasts.
fn lasts(key: &str, ttl: Option<u64>) -> Result<Option<u64>, Error> {
    match ttl {
        Some(0) => Err(Error::Invalid(format!(
            "the ttl of key {key:?} is 0; it must be 1 ms or more"
        ))),
        ttl => Ok(ttl.map(|ttl| ttl.min(LONGEST))),
    }
}
