//! What the files of one scratch directory take of its size.
//!
//! Counted when a file grows, not looked up on the disk. What a file that was
//! removed took is free again when nobody has it open any more: until then it is
//! still on the disk.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Weak;

/// Bytes that a file, directory or link takes by being there, as a block of most file
/// systems. The text of a symbolic link fits in.
const ENTRY: u64 = 4 << 10;
/// Files, directories and links in all: a listing of them is held whole.
const ENTRIES: usize = 10_000;

/// The number of a file on its file system.
pub(in crate::host) type Inode = u64;

/// Counts what is there.
#[derive(Debug)]
pub(in crate::host) struct Quota {
    max: u64,
    used: u64,
    entries: usize,
    files: HashMap<Inode, Counted>,
}

/// A file.
#[derive(Debug, Default)]
struct Counted {
    bytes: u64,
    /// Where it is open. The streams of a handle have it open, too.
    handles: Vec<Weak<File>>,
    /// Its last name is gone.
    removed: bool,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::host) struct Full;

impl Quota {
    /// For this many bytes.
    pub(in crate::host) fn new(max: u64) -> Quota {
        Quota {
            max,
            used: 0,
            entries: 0,
            files: HashMap::new(),
        }
    }

    /// Something gets a name.
    pub(in crate::host) fn enter(&mut self) -> Result<(), Full> {
        if self.entries >= ENTRIES {
            return Err(Full);
        }
        self.take(ENTRY)?;
        self.entries += 1;
        Ok(())
    }

    /// A name is gone.
    pub(in crate::host) fn leave(&mut self) {
        self.entries = self.entries.saturating_sub(1);
        self.give(ENTRY);
    }

    /// A file is open here.
    pub(in crate::host) fn opened(&mut self, file: Inode, handle: Weak<File>) {
        self.free(file);
        let counted = self.files.entry(file).or_default();
        counted.handles.retain(|handle| handle.strong_count() > 0);
        counted.handles.push(handle);
    }

    /// A file is to reach up to here at least.
    pub(in crate::host) fn grow(&mut self, file: Inode, end: u64) -> Result<(), Full> {
        let more = end.saturating_sub(self.size(file));
        if self.take(more).is_err() {
            self.free_all();
            self.take(more)?;
        }
        self.files.entry(file).or_default().bytes += more;
        Ok(())
    }

    /// A file ends here now.
    pub(in crate::host) fn cut(&mut self, file: Inode, end: u64) {
        if let Some(counted) = self.files.get_mut(&file) {
            let less = counted.bytes.saturating_sub(end);
            counted.bytes -= less;
            self.give(less);
        }
    }

    /// Where a file ends.
    pub(in crate::host) fn size(&self, file: Inode) -> u64 {
        self.files.get(&file).map_or(0, |counted| counted.bytes)
    }

    /// The last name of a file is gone.
    pub(in crate::host) fn removed(&mut self, file: Inode) {
        if let Some(counted) = self.files.get_mut(&file) {
            counted.removed = true;
        }
        self.free(file);
    }

    fn take(&mut self, bytes: u64) -> Result<(), Full> {
        let used = self.used.saturating_add(bytes);
        if used > self.max {
            return Err(Full);
        }
        self.used = used;
        Ok(())
    }

    fn give(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Forget a file that nobody can reach; its number may be another's next.
    fn free(&mut self, file: Inode) {
        let open = |counted: &Counted| counted.handles.iter().any(|of| of.strong_count() > 0);
        let gone = |counted: &Counted| counted.removed && !open(counted);
        if self.files.get(&file).is_some_and(gone) {
            let bytes = self.files.remove(&file).map_or(0, |counted| counted.bytes);
            self.give(bytes);
        }
    }

    fn free_all(&mut self) {
        let removed = self.files.iter().filter(|(_, counted)| counted.removed);
        let removed: Vec<Inode> = removed.map(|(file, _)| *file).collect();
        removed.into_iter().for_each(|file| self.free(file));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn handle() -> Arc<File> {
        Arc::new(File::open("/dev/null").unwrap())
    }

    #[test]
    fn a_file_takes_what_it_reaches_and_its_name() {
        let mut quota = Quota::new(ENTRY + 100);
        assert_eq!(quota.enter(), Ok(()));
        assert_eq!(quota.grow(7, 60), Ok(()));
        // Written over.
        assert_eq!(quota.grow(7, 40), Ok(()));
        assert_eq!(quota.grow(7, 100), Ok(()));
        assert_eq!(quota.grow(7, 101), Err(Full));
        quota.cut(7, 30);
        assert_eq!(quota.grow(7, 100), Ok(()));
        assert_eq!(quota.enter(), Err(Full));
        quota.removed(7);
        quota.leave();
        assert_eq!(quota.used, 0);
    }

    #[test]
    fn what_is_removed_while_it_is_open_takes_its_room_until_it_is_closed() {
        let mut quota = Quota::new(100);
        let (one, other) = (handle(), handle());
        quota.opened(7, Arc::downgrade(&one));
        quota.opened(7, Arc::downgrade(&other));
        assert_eq!(quota.grow(7, 100), Ok(()));
        quota.removed(7);
        drop(one);
        assert_eq!(quota.grow(8, 1), Err(Full));
        drop(other);
        assert_eq!(quota.grow(8, 100), Ok(()));
    }

    #[test]
    fn a_number_that_is_given_again_is_another_file() {
        let mut quota = Quota::new(100);
        let first = handle();
        quota.opened(7, Arc::downgrade(&first));
        assert_eq!(quota.grow(7, 100), Ok(()));
        quota.removed(7);
        drop(first);
        let second = handle();
        quota.opened(7, Arc::downgrade(&second));
        assert_eq!(quota.size(7), 0);
        assert_eq!(quota.grow(7, 100), Ok(()));
        assert_eq!(quota.grow(7, 101), Err(Full));
    }

    #[test]
    fn there_are_not_too_many_names() {
        let mut quota = Quota::new(u64::MAX);
        for _ in 0..ENTRIES {
            assert_eq!(quota.enter(), Ok(()));
        }
        assert_eq!(quota.enter(), Err(Full));
        quota.leave();
        assert_eq!(quota.enter(), Ok(()));
    }
}
