//! Objects that are read and written part by part.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::{Error, Metadata, wit};
use crate::host;

/// Bytes of one call: few calls, and a small part of a plugin's memory. A call may carry
/// 8 MiB.
const PART: usize = 1 << 20;

/// An object that is read part by part, from any place. [`super::open`] makes one.
#[derive(Debug)]
pub struct Reader {
    store: String,
    object: Metadata,
    position: u64,
    /// Bytes that were read, and where in the object they begin.
    part: Vec<u8>,
    begin: u64,
}

impl Reader {
    pub(super) fn new(store: &str, key: &str) -> Result<Self, Error> {
        let content = part(store, key, 0)?;
        Ok(Reader {
            store: store.into(),
            object: content.object.into(),
            position: 0,
            part: content.bytes,
            begin: 0,
        })
    }

    /// What is known of the object.
    pub fn metadata(&self) -> &Metadata {
        &self.object
    }

    /// The bytes from the position on that were read already.
    fn ready(&self) -> &[u8] {
        let from = self.position.checked_sub(self.begin);
        let from = from.and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.part.get(from..))
            .unwrap_or_default()
    }
}

fn part(store: &str, key: &str, offset: u64) -> Result<wit::Content, Error> {
    let length = PART as u64;
    let content = host::blobs::get(store, key, Some(wit::Range { offset, length }))?;
    Ok(content)
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.position >= self.object.size {
            return Ok(0);
        }
        if self.ready().is_empty() {
            let content = part(&self.store, &self.object.key, self.position)?;
            let now = Metadata::from(content.object);
            if now != self.object {
                let key = &now.key;
                let why = format!("\"{key}\" was changed while it was read");
                return Err(Error::Precondition(why).into());
            }
            self.begin = self.position;
            self.part = content.bytes;
        }
        let count = self.ready().read(into)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.object.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the object");
        self.position = position.ok_or_else(before)?;
        Ok(self.position)
    }
}

/// An object that is written part by part. [`super::create`] makes one. It appears with
/// [`Writer::finish`]; if the writer is dropped before, there is no trace of it.
#[must_use = "the object is written by `finish`"]
pub struct Writer {
    upload: host::blobs::Upload,
    part: Vec<u8>,
}

impl Writer {
    pub(super) fn new(upload: host::blobs::Upload) -> Self {
        Writer {
            upload,
            part: Vec::new(),
        }
    }

    /// Write the object. Returns its `etag`, where the store has one.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::NotFound`].
    pub fn finish(mut self) -> Result<Option<String>, Error> {
        self.send()?;
        let etag = self.upload.finish()?;
        Ok(etag)
    }

    fn send(&mut self) -> Result<(), Error> {
        if !self.part.is_empty() {
            self.upload.append(&self.part)?;
            self.part.clear();
        }
        Ok(())
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..count]);
        if self.part.len() == PART {
            self.send()?;
        }
        Ok(count)
    }

    /// Sends what is there to the host. The object does not appear before
    /// [`Writer::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(self.send()?)
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Denied(_) => io::ErrorKind::PermissionDenied,
            Error::NotFound(_) => io::ErrorKind::NotFound,
            Error::Invalid(_) => io::ErrorKind::InvalidInput,
            Error::Timeout(_) => io::ErrorKind::TimedOut,
            Error::Precondition(_) | Error::TooLarge(_) | Error::Unavailable(_) => {
                io::ErrorKind::Other
            }
        };
        io::Error::new(kind, error)
    }
}
