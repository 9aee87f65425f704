//! Archives of the ZIP form, in which most office documents are.
//!
//! What is in an archive says how long it is and need not tell the truth: bytes
//! are counted as they unfold, and no more are kept than are looked at.

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::{Error, MAX_UNFOLDED};

/// Archives of office documents have some hundred parts; each costs memory
/// before it is looked at.
const PARTS: usize = 20_000;

/// A part that is kept whole (a page of a book, a list of parts) is no longer,
/// in bytes.
const WHOLE: u64 = 16 << 20;

/// How the entry of a part begins in the list of parts (APPNOTE.TXT, 4.3.12).
const ENTRY: &[u8] = b"PK\x01\x02";

pub(crate) struct Archive<'c> {
    zip: ZipArchive<Cursor<&'c [u8]>>,
    /// What the document is called in messages.
    format: &'static str,
    /// So many bytes may unfold yet.
    left: Rc<Cell<u64>>,
}

/// A part as it unfolds.
pub(crate) type Part<'a, 'c> = BufReader<Metered<ZipFile<'a, Cursor<&'c [u8]>>>>;

impl<'c> Archive<'c> {
    pub(crate) fn open(content: &'c [u8], format: &'static str) -> Result<Self, Error> {
        let entries = content.windows(ENTRY.len()).filter(|bytes| *bytes == ENTRY);
        if entries.count() > PARTS {
            return Err(Error::Broken {
                format,
                reason: format!("it has more than {PARTS} parts"),
            });
        }
        Ok(Archive {
            zip: ZipArchive::new(Cursor::new(content)).map_err(|error| fault(format, &error))?,
            format,
            left: Rc::new(Cell::new(MAX_UNFOLDED)),
        })
    }

    pub(crate) fn format(&self) -> &'static str {
        self.format
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The names that begin and end so, by their number: `slide2` before `slide10`.
    pub(crate) fn names(&self, start: &str, end: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .zip
            .file_names()
            .filter(|name| name.starts_with(start) && name.ends_with(end))
            .map(str::to_owned)
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// The part of that name, if there is one.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Part<'_, 'c>>, Error> {
        let (format, left) = (self.format, Rc::clone(&self.left));
        match self.zip.by_name(name) {
            Ok(part) => Ok(Some(BufReader::new(Metered { inner: part, left }))),
            Err(ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(fault(format, &error)),
        }
    }

    /// The part of that name, whole.
    pub(crate) fn whole(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let format = self.format;
        let Some(part) = self.part(name)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        part.take(WHOLE + 1)
            .read_to_end(&mut content)
            .map_err(|error| broken(format, &error))?;
        if content.len() as u64 > WHOLE {
            let reason = format!("{name} is longer than {} MiB", WHOLE >> 20);
            return Err(Error::Broken { format, reason });
        }
        Ok(Some(content))
    }
}

/// Counts what is read, and ends with a fault when too much was.
pub(crate) struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.get().checked_sub(read as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        }
        Ok(read)
    }
}

/// Why unfolding ended.
pub(crate) fn broken(format: &'static str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Error::Unfolds(format),
        _ => Error::Broken {
            format,
            reason: error.to_string(),
        },
    }
}

fn fault(format: &'static str, error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            Error::Password(format)
        }
        ZipError::Io(error) => broken(format, error),
        error => Error::Broken {
            format,
            reason: error.to_string(),
        },
    }
}
