//! Objects in the stores that were granted to the plugin: S3, Google Cloud Storage,
//! Azure, a directory.
//!
//! ```toml
//! [plugins.documents.blobs]
//! inbox = "s3://uploads/incoming"
//! results = { url = "s3://results", write = true }
//! ```
//!
//! [`get`] and [`put`] take up to 8 MiB at once. [`open`] and [`create`] read and write
//! objects of any size, larger than the plugin's memory, too:
//!
//! ```no_run
//! use std::io::{BufRead, BufReader, Write};
//! use runner_sdk::blobs;
//!
//! # fn handle(key: &str) -> runner_sdk::Result {
//! let mut shouted = blobs::create("results", key)?;
//! for line in BufReader::new(blobs::open("inbox", key)?).lines() {
//!     writeln!(shouted, "{}", line?.to_uppercase())?;
//! }
//! shouted.finish()?;
//! # Ok(()) }
//! ```
//!
//! With `?` an [`Error`], also as an [`std::io::Error`], ends the attempt as it deserves:
//! it is retried if the store took too long or was not there, and rejected otherwise.

use std::time::{Duration, SystemTime};

use crate::bindings::runner::plugin::blobs as wit;
use crate::{Failure, host, reject, retry};

mod stream;

pub use stream::{Reader, Writer};

/// Objects of one page of [`list`]: the most that the host gives.
const PAGE: u32 = 1000;

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store is not granted, or only for reading, or it refuses Runner's own
    /// credentials.
    #[error("access to the store was denied: {0}")]
    Denied(String),
    /// There is no such object, or no such bucket.
    #[error("there is no such object: {0}")]
    NotFound(String),
    /// The object is there already, or was changed.
    #[error("the object is not as expected: {0}")]
    Precondition(String),
    /// The key, a range or an argument is wrong.
    #[error("the call to the store is wrong: {0}")]
    Invalid(String),
    /// More bytes than a call may carry or the grant allows.
    #[error("the object is too large: {0}")]
    TooLarge(String),
    /// It took longer than it may.
    #[error("the store took too long: {0}")]
    Timeout(String),
    /// The store is not there, or failed.
    #[error("the store is not there: {0}")]
    Unavailable(String),
}

impl Error {
    /// What `?` makes of it.
    pub(crate) fn verdict(&self) -> Failure {
        match self {
            Error::Timeout(_) | Error::Unavailable(_) => retry(self),
            Error::Denied(_)
            | Error::NotFound(_)
            | Error::Precondition(_)
            | Error::Invalid(_)
            | Error::TooLarge(_) => reject(self),
        }
    }
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// Changes with its content, where the store has such a tag.
    pub etag: Option<String>,
}

/// What a signed URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To get the object.
    Read,
    /// To put it.
    Write,
}

/// Read an object of at most 8 MiB; see [`open`] for larger ones.
///
/// # Errors
/// Any [`Error`] but [`Error::Precondition`].
pub fn get(store: &str, key: &str) -> Result<Vec<u8>, Error> {
    Ok(host::blobs::get(store, key, None)?.bytes)
}

/// Read at most `length` bytes, up to 8 MiB, from `offset` on: none if the object ends
/// there or before.
///
/// # Errors
/// Any [`Error`] but [`Error::Precondition`].
pub fn get_range(store: &str, key: &str, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
    let range = wit::Range { offset, length };
    Ok(host::blobs::get(store, key, Some(range))?.bytes)
}

/// What is known of an object, without its content.
///
/// # Errors
/// Any [`Error`] but [`Error::Precondition`].
pub fn head(store: &str, key: &str) -> Result<Metadata, Error> {
    Ok(host::blobs::head(store, key)?.into())
}

/// Read an object of any size, part by part.
///
/// # Errors
/// Any [`Error`] but [`Error::Precondition`].
pub fn open(store: &str, key: &str) -> Result<Reader, Error> {
    Reader::new(store, key)
}

/// Write an object of at most 8 MiB, whole or not at all; one that is there is replaced.
/// Returns its `etag`, where the store has one.
///
/// # Errors
/// Any [`Error`] but [`Error::NotFound`].
pub fn put(store: &str, key: &str, bytes: impl AsRef<[u8]>) -> Result<Option<String>, Error> {
    write(store, key).put(bytes)
}

/// Write an object of any size, part by part; one that is there is replaced by
/// [`Writer::finish`].
///
/// # Errors
/// Any [`Error`] but [`Error::NotFound`].
pub fn create(store: &str, key: &str) -> Result<Writer, Error> {
    write(store, key).create()
}

/// Write an object on a condition, or with a content type.
pub fn write(store: &str, key: &str) -> Write {
    Write {
        store: store.into(),
        key: key.into(),
        options: wit::WriteOptions {
            condition: wit::Condition::Always,
            content_type: None,
        },
    }
}

/// Remove an object. It is no error if there is none.
///
/// # Errors
/// Any [`Error`] but [`Error::NotFound`] and [`Error::Precondition`].
pub fn delete(store: &str, key: &str) -> Result<(), Error> {
    host::blobs::delete(store, key)?;
    Ok(())
}

/// The objects whose key begins with `prefix`, in the order of their keys. They are asked
/// for page by page, as the iterator gets to them.
///
/// # Errors
/// The iterator ends with the first [`Error`].
pub fn list(store: &str, prefix: &str) -> impl Iterator<Item = Result<Metadata, Error>> {
    let store = store.to_owned();
    crate::pages(prefix.to_owned(), move |prefix, cursor| {
        let page = host::blobs::list_objects(&store, prefix, cursor, PAGE)?;
        let objects = page.objects.into_iter().map(Into::into).collect();
        Ok((objects, page.cursor))
    })
}

/// A URL with which anybody can read or write this one object for so long, at most 7
/// days.
///
/// # Errors
/// Any [`Error`]; [`Error::Invalid`] for a directory, which has none.
pub fn presign(store: &str, key: &str, access: Access, valid: Duration) -> Result<String, Error> {
    let access = match access {
        Access::Read => wit::Access::Read,
        Access::Write => wit::Access::Write,
    };
    let seconds = u32::try_from(valid.as_secs()).unwrap_or(u32::MAX);
    let url = host::blobs::presign(store, key, access, seconds)?;
    Ok(url)
}

/// An object to be written; [`Write::put`] or [`Write::create`] writes it.
#[derive(Debug, Clone)]
#[must_use = "the object is written by `put` or `create`"]
pub struct Write {
    store: String,
    key: String,
    options: wit::WriteOptions,
}

impl Write {
    /// Only if there is no object of this key; [`Error::Precondition`] otherwise.
    pub fn if_absent(mut self) -> Self {
        self.options.condition = wit::Condition::Absent;
        self
    }

    /// Only if the object has this `etag`; [`Error::Precondition`] otherwise.
    pub fn if_unchanged(mut self, etag: impl Into<String>) -> Self {
        self.options.condition = wit::Condition::Unchanged(etag.into());
        self
    }

    /// Its `Content-Type`, where the store keeps one.
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.options.content_type = Some(value.into());
        self
    }

    /// Write it at once; see [`put`].
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::NotFound`].
    pub fn put(self, bytes: impl AsRef<[u8]>) -> Result<Option<String>, Error> {
        let bytes = bytes.as_ref();
        let etag = host::blobs::put(&self.store, &self.key, bytes, &self.options)?;
        Ok(etag)
    }

    /// Write it part by part; see [`create`].
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::NotFound`].
    pub fn create(self) -> Result<Writer, Error> {
        let upload = host::blobs::begin(&self.store, &self.key, &self.options)?;
        Ok(Writer::new(upload))
    }
}

impl From<wit::Metadata> for Metadata {
    fn from(object: wit::Metadata) -> Self {
        Metadata {
            key: object.key,
            size: object.size,
            modified: SystemTime::UNIX_EPOCH + Duration::from_millis(object.modified),
            etag: object.etag,
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(reason) => Error::Denied(reason),
            wit::Error::NotFound(reason) => Error::NotFound(reason),
            wit::Error::Precondition(reason) => Error::Precondition(reason),
            wit::Error::Invalid(reason) => Error::Invalid(reason),
            wit::Error::TooLarge(reason) => Error::TooLarge(reason),
            wit::Error::Timeout(reason) => Error::Timeout(reason),
            wit::Error::Unavailable(reason) => Error::Unavailable(reason),
        }
    }
}

#[cfg(test)]
#[path = "blobs_tests.rs"]
mod tests;
