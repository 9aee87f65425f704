//! Values that outlive the job, in the Redis of its queue.
//!
//! ```toml
//! [plugins.sender]
//! kv = true
//! ```
//!
//! Every plugin has its own keys in each of its queues. Each function is one step, which
//! no other job can come between.
//!
//! ```no_run
//! use std::time::Duration;
//! use runner_sdk::{kv, snooze};
//!
//! # fn handle(phone: &str) -> runner_sdk::Result {
//! // At most five messages an hour to one number.
//! let hour = Duration::from_secs(3600);
//! if kv::increment(&format!("sent/{phone}"), 1, hour)? > 5 {
//!     return Err(snooze(hour, "too many messages to one number"));
//! }
//! # Ok(()) }
//! ```
//!
//! With `?` an [`Error`] ends the attempt as it deserves: it is retried if Redis could
//! not be reached or the lock was lost, and rejected otherwise.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::runner::plugin::kv as wit;
use crate::{Failure, host, millis, reject, retry};

/// Keys of one page of [`keys`]: the most that the host gives.
const PAGE: u32 = 1000;

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plugin was not granted `kv`.
    #[error("access to kv was denied: {0}")]
    Denied(String),
    /// The key, the value or an argument is wrong.
    #[error("the kv call is wrong: {0}")]
    Invalid(String),
    /// More keys or bytes than the plugin may have.
    #[error("a limit of kv: {0}")]
    Limit(String),
    /// The job's lock was lost, so it may not write.
    #[error("kv was not written: {0}")]
    Lost(String),
    /// Redis could not be reached, or its answer was lost: a write may have been done.
    #[error("kv is not there: {0}")]
    Unavailable(String),
    /// The value is not the JSON that was expected.
    #[error("the value of \"{key}\" does not fit: {reason}")]
    Content {
        /// Whose value.
        key: String,
        /// What does not fit.
        reason: String,
    },
}

impl Error {
    /// What `?` makes of it.
    pub(crate) fn verdict(&self) -> Failure {
        match self {
            Error::Lost(_) | Error::Unavailable(_) => retry(self),
            Error::Denied(_) | Error::Invalid(_) | Error::Limit(_) | Error::Content { .. } => {
                reject(self)
            }
        }
    }
}

/// A value and how long it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// The time until it is removed; `None` if it stays.
    pub ttl: Option<Duration>,
}

/// The value of a key; `None` if there is none, or its time is over.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(entry(key)?.map(|entry| entry.value))
}

/// The value of a key and how long it stays.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn entry(key: &str) -> Result<Option<Entry>, Error> {
    let entry = host::kv::get(key)?;
    Ok(entry.map(|entry| Entry {
        value: entry.value,
        ttl: entry.ttl.map(Duration::from_millis),
    }))
}

/// The value of a key, read as JSON.
///
/// # Errors
/// Any [`Error`]; [`Error::Content`] with the place of the fault.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    let read = |value: Vec<u8>| {
        let mut json = serde_json::Deserializer::from_slice(&value);
        serde_path_to_error::deserialize(&mut json).map_err(|error| Error::Content {
            key: key.into(),
            reason: error.to_string(),
        })
    };
    get(key)?.map(read).transpose()
}

/// Set a value, for `ttl` or with `None` for good. What the key held, and for how long,
/// is replaced.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn set(
    key: &str,
    value: impl AsRef<[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> Result<(), Error> {
    host::kv::set(key, value.as_ref(), ttl.into().map(millis))?;
    Ok(())
}

/// Set a value, written as JSON.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`]; [`Error::Invalid`] if the value cannot be
/// written as JSON.
pub fn set_json(
    key: &str,
    value: &impl Serialize,
    ttl: impl Into<Option<Duration>>,
) -> Result<(), Error> {
    let json = serde_json::to_vec(value)
        .map_err(|error| Error::Invalid(format!("the value of \"{key}\" is no JSON: {error}")))?;
    set(key, json, ttl)
}

/// Set a value if the key holds exactly `expected`; `None`: if it holds nothing. With
/// `value` `None`, remove it. Returns whether it was done.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn compare_and_set(
    key: &str,
    expected: Option<&[u8]>,
    value: Option<&[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> Result<bool, Error> {
    let ttl = ttl.into().map(millis);
    let done = host::kv::compare_and_set(key, expected, value, ttl)?;
    Ok(done)
}

/// Add `by`, which may be negative, to an integer in decimal digits; a key that holds
/// nothing counts as 0. Returns the sum. `ttl` counts from when the key is made, so that
/// a key is a window of time.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`]; [`Error::Invalid`] if the value is no integer.
pub fn increment(key: &str, by: i64, ttl: impl Into<Option<Duration>>) -> Result<i64, Error> {
    let sum = host::kv::increment(key, by, ttl.into().map(millis))?;
    Ok(sum)
}

/// Let a key end after `ttl`, or with `None` not at all. Returns whether it held
/// something.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn expire(key: &str, ttl: impl Into<Option<Duration>>) -> Result<bool, Error> {
    let held = host::kv::expire(key, ttl.into().map(millis))?;
    Ok(held)
}

/// Remove a key. Returns whether it held something.
///
/// # Errors
/// Any [`Error`] but [`Error::Content`].
pub fn delete(key: &str) -> Result<bool, Error> {
    let held = host::kv::delete(key)?;
    Ok(held)
}

/// The keys that begin with `prefix`, in the order of their bytes. They are asked for
/// page by page, as the iterator gets to them.
///
/// # Errors
/// The iterator ends with the first [`Error`].
pub fn keys(prefix: &str) -> impl Iterator<Item = Result<String, Error>> {
    crate::pages(prefix.to_owned(), |prefix, cursor| {
        let page = host::kv::list_keys(prefix, cursor, PAGE)?;
        Ok((page.keys, page.cursor))
    })
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(reason) => Error::Denied(reason),
            wit::Error::Invalid(reason) => Error::Invalid(reason),
            wit::Error::Limit(reason) => Error::Limit(reason),
            wit::Error::Lost(reason) => Error::Lost(reason),
            wit::Error::Unavailable(reason) => Error::Unavailable(reason),
        }
    }
}

#[cfg(test)]
#[path = "kv_tests.rs"]
mod tests;
