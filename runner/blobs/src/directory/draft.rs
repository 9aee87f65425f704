//! A file that is being written, and how it gets its name.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};

use super::{Directory, Inner, etag};
use crate::error::{changed, present};
use crate::key::UPLOADS;
use crate::{Condition, Error};

/// An object that is not there yet.
#[derive(Debug)]
pub(crate) struct Draft(Option<Written>);

/// Its file, which is removed if it never gets its name.
#[derive(Debug)]
struct Written {
    inner: Arc<Inner>,
    dir: Dir,
    key: String,
    condition: Condition,
    /// Locked while it is written, so that others know it from one that was left behind.
    file: Arc<File>,
    /// Below the directory.
    name: String,
    named: bool,
}

impl Draft {
    pub(super) fn new(
        inner: &Arc<Inner>,
        key: String,
        condition: Condition,
    ) -> Result<Draft, Error> {
        let dir = inner.open()?;
        check(inner, &dir, &key, &condition)?;
        let create = || -> io::Result<(File, String)> {
            match dir.create_dir(UPLOADS) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => sweep(&dir),
                Err(error) => return Err(error),
            }
            let name = format!("{UPLOADS}/{:016x}", fastrand::u64(..));
            let mut options = OpenOptions::new();
            let file = dir.open_with(&name, options.write(true).create_new(true))?;
            let file = file.into_std();
            file.lock()?;
            Ok((file, name))
        };
        let (file, name) = create().map_err(|error| inner.told(&key, &error))?;
        Ok(Draft(Some(Written {
            inner: inner.clone(),
            dir,
            key,
            condition,
            file: Arc::new(file),
            name,
            named: false,
        })))
    }

    pub(crate) async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        let Some(written) = &self.0 else {
            return Err(finished());
        };
        let (file, key) = (written.file.clone(), written.key.clone());
        Directory(written.inner.clone())
            .run(move |inner| {
                let written = (&*file).write_all(&bytes);
                written.map_err(|error| inner.told(&key, &error))
            })
            .await
    }

    pub(crate) async fn finish(&mut self) -> Result<Option<String>, Error> {
        let written = self.0.take().ok_or_else(finished)?;
        Directory(written.inner.clone())
            .run(move |_| written.name_it())
            .await
    }
}

impl Written {
    /// Give it its name, if the condition holds.
    fn name_it(mut self) -> Result<Option<String>, Error> {
        let told = |error: io::Error| self.inner.told(&self.key, &error);
        self.file.sync_data().map_err(told)?;
        let _lock = lock(&self.dir).map_err(told)?;
        check(&self.inner, &self.dir, &self.key, &self.condition)?;
        if let Some(parent) = Path::new(&self.key).parent() {
            let made = self.dir.create_dir_all(parent);
            made.map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => Error::Invalid(format!(
                    "a part of key {:?} is an object of store {:?}: a directory cannot have both",
                    self.key, self.inner.store
                )),
                _ => told(error),
            })?;
        }
        let named = self.dir.rename(&self.name, &self.dir, &self.key);
        named.map_err(told)?;
        let found = self.dir.metadata(&self.key).map_err(told)?;
        self.named = true;
        Ok(Some(etag(&found)))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.named {
            // It may be gone with its directory.
            let _ = self.dir.remove_file(&self.name);
        }
    }
}

/// Whether an object may be written.
fn check(inner: &Inner, dir: &Dir, key: &str, condition: &Condition) -> Result<(), Error> {
    let found = match dir.metadata(key) {
        Ok(found) => Some(found),
        Err(error) => match inner.told(key, &error) {
            Error::NotFound(_) => None,
            error => return Err(error),
        },
    };
    match (condition, found) {
        (Condition::Absent, Some(_)) => Err(present(&inner.store, key)),
        (Condition::Unchanged(tag), found) if found.as_ref().map(etag).as_ref() != Some(tag) => {
            Err(changed(&inner.store, key))
        }
        _ => Ok(()),
    }
}

/// Keeps other writers of the directory waiting while it is held.
fn lock(dir: &Dir) -> io::Result<File> {
    // Empty, so that it stays where it is.
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true);
    let lock = dir.open_with(format!("{UPLOADS}/lock"), options)?;
    let lock = lock.into_std();
    lock.lock()?;
    Ok(lock)
}

/// Remove what writers have left that were killed.
fn sweep(dir: &Dir) {
    let Ok(entries) = dir.read_dir(UPLOADS) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(file) = entry.open() else {
            continue;
        };
        match file.into_std().try_lock() {
            // Nobody writes it. Its writer locks it right after it has made it: an empty
            // one may be new.
            Ok(()) if entry.metadata().is_ok_and(|found| found.len() > 0) => {
                let _ = entry.remove_file();
            }
            Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

fn finished() -> Error {
    Error::Invalid("the upload is finished: begin another one".to_owned())
}
