//! A store, as a plugin may use it: what holds for all kinds of them.

use bytes::Bytes;
use runner_config::{BlobStore, Place};

use crate::directory::Directory;
use crate::http::HttpConnector;
use crate::key::{check, check_prefix};
use crate::limit::Limit;
use crate::remote::Remote;
use crate::upload::{Sink, Upload};
use crate::{Access, CALL, Error, Metadata, PAGE, Page, Reading, SIGNED, Write};

/// A store that is granted. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    name: String,
    /// Whether it may be written to.
    write: bool,
    limit: Limit,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Directory(Directory),
    Remote(Remote),
}

impl Store {
    /// The store of this name, which is granted so; requests go by this connector. Sends
    /// nothing.
    ///
    /// # Errors
    /// When the keys are not what the library can use.
    pub fn new(
        name: &str,
        granted: &BlobStore,
        connector: impl HttpConnector,
    ) -> Result<Store, Error> {
        let kind = match &granted.place {
            Place::Directory { path, stands_in } => {
                Kind::Directory(Directory::new(name, path, *stands_in))
            }
            Place::Bucket { .. } => Kind::Remote(Remote::new(name, granted, connector)?),
        };
        Ok(Store {
            name: name.to_owned(),
            write: granted.write,
            limit: Limit::new(name, granted.max_object as u64),
            kind,
        })
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// As `wit/runner/blobs.wit` says; so do the others.
    pub async fn head(&self, key: &str) -> Result<Metadata, Error> {
        check(key)?;
        match &self.kind {
            Kind::Directory(directory) => directory.head(key).await,
            Kind::Remote(remote) => remote.head(key).await,
        }
    }

    /// Begin to read an object, or `(offset, length)` of it.
    ///
    /// # Errors
    /// Also when more would come than a call may carry.
    pub async fn get(&self, key: &str, range: Option<(u64, u64)>) -> Result<Reading, Error> {
        check(key)?;
        let (offset, length) = range.unwrap_or((0, u64::MAX));
        // One byte more than a call may carry is enough to know.
        let most = length.min(CALL + 1);
        let reading = match &self.kind {
            Kind::Directory(directory) => directory.get(key, offset, most).await?,
            Kind::Remote(remote) => {
                let range = range.map(|_| (offset, most));
                remote.get(key, range).await?
            }
        };
        if reading.length <= CALL {
            return Ok(reading);
        }
        let there = reading.object.size.saturating_sub(offset).min(length);
        Err(Error::TooLarge(format!(
            "object {key:?} of store {:?} has {there} bytes there: a call carries at most {CALL}, \
             so read it by ranges",
            self.name
        )))
    }

    /// Write an object.
    ///
    /// # Errors
    /// Also when it is larger than a call or the grant allows.
    pub async fn put(
        &self,
        key: &str,
        content: Bytes,
        how: &Write,
    ) -> Result<Option<String>, Error> {
        self.check_write(key)?;
        self.limit.check_call(content.len())?;
        self.limit.check_object(key, content.len() as u64)?;
        match &self.kind {
            Kind::Directory(directory) => directory.put(key, content, how).await,
            Kind::Remote(remote) => remote.put(key, content, how).await,
        }
    }

    /// Begin to write an object of any size.
    ///
    /// # Errors
    /// Also when the condition is broken already.
    pub async fn begin(&self, key: &str, how: &Write) -> Result<Upload, Error> {
        self.check_write(key)?;
        let sink = match &self.kind {
            Kind::Directory(directory) => Sink::File(directory.begin(key, how).await?),
            Kind::Remote(remote) => Sink::Parts(remote.begin(key, how).await?),
        };
        Ok(Upload::new(self.limit.clone(), key, sink))
    }

    /// Remove an object, if it is there.
    ///
    /// # Errors
    /// When the store is only for reading.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.check_write(key)?;
        match &self.kind {
            Kind::Directory(directory) => directory.delete(key).await,
            Kind::Remote(remote) => remote.delete(key).await,
        }
    }

    /// The objects whose keys begin so.
    ///
    /// # Errors
    /// When the limit is none, or the cursor not one of this list.
    pub async fn list(
        &self,
        prefix: &str,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page, Error> {
        check_prefix(prefix)?;
        if !(1..=PAGE).contains(&limit) {
            return Err(Error::Invalid(format!(
                "limit is {limit}: a page has 1 to {PAGE} objects"
            )));
        }
        match &self.kind {
            Kind::Directory(directory) => directory.list(prefix, cursor, limit as usize).await,
            Kind::Remote(remote) => remote.list(prefix, cursor, limit as usize).await,
        }
    }

    /// A URL with which anybody may do this for so many seconds.
    ///
    /// # Errors
    /// When the store has none, or it would write and the store is only for reading.
    pub async fn presign(&self, key: &str, access: Access, seconds: u32) -> Result<String, Error> {
        match access {
            Access::Read => check(key)?,
            Access::Write => self.check_write(key)?,
        }
        if !(1..=SIGNED).contains(&seconds) {
            return Err(Error::Invalid(format!(
                "seconds is {seconds}: a signed URL is good for 1 to {SIGNED} (7 days)"
            )));
        }
        match &self.kind {
            Kind::Directory(_) => Err(Error::Invalid(format!(
                "store {:?} is a directory: it has no URLs to sign",
                self.name
            ))),
            Kind::Remote(remote) => remote.presign(key, access, seconds).await,
        }
    }

    fn check_write(&self, key: &str) -> Result<(), Error> {
        check(key)?;
        match self.write {
            true => Ok(()),
            false => Err(Error::Denied(format!(
                "store {:?} is granted for reading only: `write = true` in its table of \
                 queues.toml grants writing",
                self.name
            ))),
        }
    }
}
