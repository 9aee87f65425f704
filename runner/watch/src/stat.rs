//! What tells one state of a file from another without reading it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The identity, size and times of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub(super) file: (u64, u64),
    pub(super) size: u64,
    pub(super) modified: (i64, i64),
    /// When the file system last changed the file's entry: it moves forward even
    /// when a tool sets `modified` back.
    pub(super) changed: (i64, i64),
}

impl Stat {
    /// Of the file behind all links; `None` if there is none, or it cannot be seen.
    pub fn of(path: &Path) -> Option<Stat> {
        fs::metadata(path).ok().as_ref().map(Stat::new)
    }

    fn new(metadata: &Metadata) -> Stat {
        Stat {
            file: identity(metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Whether the file system counts whole seconds.
    pub(super) fn is_coarse(&self) -> bool {
        self.modified.1 == 0 && self.changed.1 == 0
    }
}

/// Which file it is, whatever its name: device and inode.
pub(super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
