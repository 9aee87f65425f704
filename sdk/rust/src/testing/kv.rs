//! Keys in memory, which end by the clock of the test.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Host;
use crate::kv::Error;

/// The keys, the time and what is refused.
#[derive(Default)]
pub(super) struct State {
    keys: BTreeMap<String, Held>,
    /// Milliseconds since the host was made.
    now: u64,
    refuse: Option<Error>,
}

struct Held {
    value: Vec<u8>,
    /// When it is removed.
    end: Option<u64>,
}

impl Host {
    /// The keys of `kv` and their values. A test gives the plugin values with
    /// [`kv::set`](crate::kv::set).
    pub fn kv(&self) -> BTreeMap<String, Vec<u8>> {
        let state = &self.0.borrow().kv;
        let held = state.keys.iter().filter(|(_, held)| held.lasts(state.now));
        held.map(|(key, held)| (key.clone(), held.value.clone()))
            .collect()
    }

    /// Let time pass for the keys of `kv`.
    pub fn advance(&self, by: Duration) {
        self.0.borrow_mut().kv.now += crate::millis(by);
    }

    /// Refuse every call of `kv` from now on; with `None` none any more.
    pub fn refuse_kv(&self, error: impl Into<Option<Error>>) {
        self.0.borrow_mut().kv.refuse = error.into();
    }
}

impl Held {
    fn lasts(&self, now: u64) -> bool {
        self.end.is_none_or(|end| end > now)
    }
}

impl State {
    /// The state without the keys whose time is over, for a call that is not refused.
    fn asked(&mut self, key: &str) -> Result<&mut Self, Error> {
        if let Some(error) = &self.refuse {
            return Err(error.clone());
        }
        // The bound of wit/runner/kv.wit.
        if !(1..=512).contains(&key.len()) {
            let bytes = key.len();
            return Err(Error::Invalid(format!(
                "a key has 1 to 512 bytes, not {bytes}"
            )));
        }
        let now = self.now;
        self.keys.retain(|_, held| held.lasts(now));
        Ok(self)
    }

    fn put(&mut self, key: &str, value: &[u8], ttl: Option<u64>) {
        let held = Held {
            value: value.into(),
            end: ttl.map(|ttl| self.now.saturating_add(ttl)),
        };
        self.keys.insert(key.into(), held);
    }

    fn value(&self, key: &str) -> Option<&[u8]> {
        self.keys.get(key).map(|held| held.value.as_slice())
    }
}

pub(crate) mod imports {
    use crate::bindings::runner::plugin::kv as wit;
    use crate::kv::Error;
    use crate::testing::imports::with;

    pub(crate) fn get(key: &str) -> Result<Option<wit::Entry>, Error> {
        with(|state| {
            let state = state.kv.asked(key)?;
            Ok(state.keys.get(key).map(|held| wit::Entry {
                value: held.value.clone(),
                ttl: held.end.map(|end| end - state.now),
            }))
        })
    }

    pub(crate) fn set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), Error> {
        with(|state| {
            state.kv.asked(key)?.put(key, value, ttl);
            Ok(())
        })
    }

    pub(crate) fn compare_and_set(
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
        ttl: Option<u64>,
    ) -> Result<bool, Error> {
        with(|state| {
            let state = state.kv.asked(key)?;
            if state.value(key) != expected {
                return Ok(false);
            }
            match value {
                Some(value) => state.put(key, value, ttl),
                None => drop(state.keys.remove(key)),
            }
            Ok(true)
        })
    }

    pub(crate) fn increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Error> {
        with(|state| {
            let state = state.kv.asked(key)?;
            let Some(held) = state.keys.get_mut(key) else {
                state.put(key, by.to_string().as_bytes(), ttl);
                return Ok(by);
            };
            let text = std::str::from_utf8(&held.value).ok();
            let number = text.and_then(|text| text.parse::<i64>().ok());
            let wrong = |why| Error::Invalid(format!("\"{key}\" {why}"));
            let number = number.ok_or_else(|| wrong("holds no integer"))?;
            let sum = number.checked_add(by);
            let sum = sum.ok_or_else(|| wrong("would exceed 64 bits"))?;
            held.value = sum.to_string().into();
            Ok(sum)
        })
    }

    pub(crate) fn expire(key: &str, ttl: Option<u64>) -> Result<bool, Error> {
        with(|state| {
            let state = state.kv.asked(key)?;
            let end = ttl.map(|ttl| state.now.saturating_add(ttl));
            let held = state.keys.get_mut(key);
            Ok(held.map(|held| held.end = end).is_some())
        })
    }

    pub(crate) fn delete(key: &str) -> Result<bool, Error> {
        with(|state| Ok(state.kv.asked(key)?.keys.remove(key).is_some()))
    }

    /// The cursor is the last key of the page.
    pub(crate) fn list_keys(
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<wit::Page, Error> {
        with(|state| {
            // A prefix may be empty, a key may not.
            let state = state.kv.asked("any")?;
            let all = state.keys.keys().filter(|key| key.starts_with(prefix));
            let mut rest = all.filter(|key| cursor.is_none_or(|cursor| key.as_str() > cursor));
            let keys: Vec<_> = rest.by_ref().take(limit as usize).cloned().collect();
            let more = rest.next().is_some();
            let cursor = keys.last().cloned().filter(|_| more);
            Ok(wit::Page { keys, cursor })
        })
    }
}
