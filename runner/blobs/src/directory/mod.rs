//! A store that is a directory: its objects are the regular files in it, whoever wrote
//! them. Nothing outside can be reached, neither by `..` nor by a link, because the
//! system opens each path below the directory (`cap-std`).
//!
//! A write is made in a file of its own, in [`UPLOADS`], and takes its name when it is
//! whole. Conditions hold among all who write through Runner, on this machine or over
//! NFS: they take a lock for the moment in which a file gets its name.

mod draft;
mod list;

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use futures::StreamExt;

pub(crate) use self::draft::Draft;
use crate::error::no_object;
use crate::{Error, Metadata, Page, Reading, Write};

/// A directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: String,
    path: PathBuf,
    /// Whether it is made when it is first used.
    make: bool,
}

impl Directory {
    pub(crate) fn new(store: &str, path: &Path, make: bool) -> Directory {
        Directory(Arc::new(Inner {
            store: store.to_owned(),
            path: path.to_owned(),
            make,
        }))
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Metadata, Error> {
        let key = key.to_owned();
        self.run(move |inner| {
            let found = inner.open()?.metadata(&key);
            let found = found.map_err(|error| inner.told(&key, &error))?;
            match found.is_file() {
                true => Ok(metadata(&key, &found)),
                false => Err(no_object(&inner.store, &key)),
            }
        })
        .await
    }

    pub(crate) async fn get(&self, key: &str, offset: u64, most: u64) -> Result<Reading, Error> {
        let key = key.to_owned();
        self.run(move |inner| {
            let told = |error: io::Error| inner.told(&key, &error);
            // Opening a FIFO would wait for its other end.
            let mut options = OpenOptions::new();
            options
                .read(true)
                .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
            let file = inner.open()?.open_with(&key, &options).map_err(told)?;
            let found = file.metadata().map_err(told)?;
            if !found.is_file() {
                return Err(no_object(&inner.store, &key));
            }
            let object = metadata(&key, &found);
            let length = object.size.saturating_sub(offset).min(most);
            let this = Directory(inner.clone());
            let content = async move {
                let read = this.run(move |inner| {
                    let bytes = read(file.into_std(), offset, length);
                    bytes.map_err(|error| inner.told(&key, &error))
                });
                read.await.map(Bytes::from)
            };
            Ok(Reading {
                object,
                length,
                content: futures::stream::once(content).boxed(),
            })
        })
        .await
    }

    pub(crate) async fn put(
        &self,
        key: &str,
        content: Bytes,
        how: &Write,
    ) -> Result<Option<String>, Error> {
        let mut draft = self.begin(key, how).await?;
        draft.append(content).await?;
        draft.finish().await
    }

    pub(crate) async fn begin(&self, key: &str, how: &Write) -> Result<Draft, Error> {
        let (key, condition) = (key.to_owned(), how.condition.clone());
        self.run(move |inner| Draft::new(inner, key, condition))
            .await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        let key = key.to_owned();
        self.run(move |inner| match inner.open()?.remove_file(&key) {
            Ok(()) => Ok(()),
            Err(error) => match inner.told(&key, &error) {
                Error::NotFound(_) => Ok(()),
                error => Err(error),
            },
        })
        .await
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        cursor: Option<String>,
        limit: usize,
    ) -> Result<Page, Error> {
        let prefix = prefix.to_owned();
        self.run(move |inner| {
            let dir = inner.open()?;
            let listed = list::list(&dir, &prefix, cursor.as_deref(), limit);
            listed.map_err(|error| inner.told(&prefix, &error))
        })
        .await
    }

    /// Do this where it may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Inner>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| {
            let store = &self.0.store;
            Err(Error::Unavailable(format!(
                "store {store:?} failed: {error}"
            )))
        })
    }
}

impl Inner {
    /// The directory as it is now.
    fn open(&self) -> Result<Dir, Error> {
        let open = || Dir::open_ambient_dir(&self.path, ambient_authority());
        let opened = match open() {
            Err(error) if self.make && error.kind() == ErrorKind::NotFound => {
                std::fs::create_dir_all(&self.path).and_then(|()| open())
            }
            opened => opened,
        };
        opened.map_err(|error| {
            let store = &self.store;
            match error.kind() {
                ErrorKind::NotFound => {
                    Error::NotFound(format!("the directory of store {store:?} is not there"))
                }
                ErrorKind::PermissionDenied => Error::Denied(format!(
                    "Runner may not open the directory of store {store:?}"
                )),
                _ => Error::Unavailable(format!(
                    "the directory of store {store:?} cannot be opened: {error}"
                )),
            }
        })
    }

    /// What went wrong with a file.
    fn told(&self, key: &str, error: &io::Error) -> Error {
        let store = &self.store;
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => no_object(store, key),
            // A link that leads out, among others.
            ErrorKind::PermissionDenied => Error::Denied(format!(
                "object {key:?} of store {store:?} is out of reach: it may not be opened, or a \
                 link leads out of the directory"
            )),
            ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => Error::Invalid(format!(
                "key {key:?} is a directory of store {store:?}: objects are in it"
            )),
            ErrorKind::InvalidFilename => Error::Invalid(format!(
                "key {key:?} cannot be a file of store {store:?}: {error}"
            )),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Error::Unavailable(format!("the disk of store {store:?} is full"))
            }
            _ => Error::Unavailable(format!("store {store:?} failed: {error}")),
        }
    }
}

/// So many bytes of a file.
fn read(mut file: File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length as usize);
    if length == 0 {
        return Ok(bytes);
    }
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn metadata(key: &str, found: &cap_std::fs::Metadata) -> Metadata {
    let modified = found.mtime() * 1000 + found.mtime_nsec() / 1_000_000;
    Metadata {
        key: key.to_owned(),
        size: found.len(),
        modified: modified.max(0) as u64,
        etag: Some(etag(found)),
    }
}

/// Each write is another file, with a time and a size of its own.
fn etag(found: &cap_std::fs::Metadata) -> String {
    let time = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    format!("\"{:x}-{time:x}-{:x}\"", found.ino(), found.len())
}

#[cfg(test)]
mod tests;
