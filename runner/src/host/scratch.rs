//! Private directories of jobs: made for an attempt, gone with it.
//!
//! Each process has a directory of its own among those of all, and holds a lock on
//! it that ends with the process, however that ends. So a process that starts finds
//! what others have left, and removes it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

/// How often what comes back while it is removed is removed again: a write that was
/// under way when its guest ended.
const AGAIN: usize = 8;

/// Makes scratch directories.
#[derive(Debug)]
pub(super) struct Scratches {
    /// Of all processes.
    place: PathBuf,
    own: Mutex<Option<Arc<Own>>>,
}

/// What this process has.
#[derive(Debug)]
struct Own {
    path: PathBuf,
    made: AtomicU64,
    /// Held as long as the process lives.
    _lock: File,
}

/// The directory of one attempt. Dropped: it is removed.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    own: Arc<Own>,
}

/// A directory that is removed when this is dropped: also by a runtime that ends before
/// it has had a thread for it.
#[derive(Debug)]
struct Removal {
    path: PathBuf,
    own: Arc<Own>,
}

impl Scratches {
    /// In this directory, which need not be there. What processes that are gone have
    /// left in it is removed.
    pub(super) fn new(place: PathBuf) -> Scratches {
        if let Err(error) = sweep(&place) {
            let directory = place.display();
            tracing::warn!(%directory, %error, "scratch directories are left");
        }
        Scratches {
            place,
            own: Mutex::default(),
        }
    }

    /// A new, empty directory.
    ///
    /// # Errors
    /// When it cannot be made; the message names it.
    pub(super) fn make(&self) -> Result<Scratch, String> {
        let own = self.own().map_err(|error| {
            format!(
                "there can be no scratch directories in {:?}: {error}",
                self.place.display().to_string()
            )
        })?;
        let path = own.unused();
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| {
                format!(
                    "the scratch directory {:?} cannot be made: {error}",
                    path.display().to_string()
                )
            })?;
        Ok(Scratch { path, own })
    }

    fn own(&self) -> io::Result<Arc<Own>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &*own {
            return Ok(own.clone());
        }
        private(&self.place)?;
        // Nobody sweeps between making it and locking it.
        let _all = locked(&self.place, FlockOperation::LockExclusive)?;
        let name = format!("{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = self.place.join(name);
        private(&path)?;
        let made = Arc::new(Own {
            _lock: locked(&path, FlockOperation::NonBlockingLockExclusive)?,
            path,
            made: AtomicU64::default(),
        });
        Ok(own.insert(made).clone())
    }
}

impl Own {
    fn unused(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.path.join(number.to_string())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What is in it is being removed by others.
        let _ = fs::remove_dir(&self.path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removal = Removal {
            path: std::mem::take(&mut self.path),
            own: self.own.clone(),
        };
        // A large one takes the disk a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(removal))),
            Err(_) => drop(removal),
        }
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path, || self.own.unused()) {
            let directory = self.path.display();
            tracing::warn!(%directory, %error, "a scratch directory is left");
        }
    }
}

fn private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

fn locked(directory: &Path, how: FlockOperation) -> io::Result<File> {
    let file = File::open(directory)?;
    flock(&file, how)?;
    Ok(file)
}

/// Remove the directories that no process holds.
fn sweep(place: &Path) -> io::Result<()> {
    let all = match locked(place, FlockOperation::LockExclusive) {
        Ok(all) => all,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let names = fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.file_name()));
    let names: Vec<OsString> = names.collect::<io::Result<_>>()?;
    let mut number = 0_u64;
    for name in names {
        let path = place.join(&name);
        // Another process holds it, or it is no directory.
        let Ok(_lock) = locked(&path, FlockOperation::NonBlockingLockExclusive) else {
            continue;
        };
        remove(&path, || {
            loop {
                number += 1;
                let unused = place.join(format!("left-{number}"));
                if !unused.exists() {
                    break unused;
                }
            }
        })?;
    }
    drop(all);
    Ok(())
}

/// Remove a directory, however deep it is: what is in it is moved to the side first,
/// so that no path is long and few files are open.
fn remove(directory: &Path, mut unused: impl FnMut() -> PathBuf) -> io::Result<()> {
    let mut left = vec![directory.to_owned()];
    let mut again = 0;
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let aside = unused();
                fs::rename(entry.path(), &aside)?;
                left.push(aside);
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        match fs::remove_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && again < AGAIN => {
                again += 1;
                left.push(directory);
            }
            removed => removed?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(place: &Path) -> Vec<String> {
        let names = fs::read_dir(place).unwrap();
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        names.map(name).collect()
    }

    #[test]
    fn a_directory_is_removed_however_deep_it_is() {
        let place = tempfile::tempdir().unwrap();
        let scratches = Scratches::new(place.path().join("scratch"));
        let scratch = scratches.make().unwrap();
        // Deeper than a path can be long, or than files can be open.
        let mut deepest = File::open(&scratch.path).unwrap();
        for _ in 0..3_000 {
            let name = "deeper and deeper";
            let mode = rustix::fs::Mode::RWXU;
            rustix::fs::mkdirat(&deepest, name, mode).unwrap();
            let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
            let next = rustix::fs::openat(&deepest, name, flags, mode).unwrap();
            deepest = File::from(next);
        }
        let path = scratch.path.clone();
        fs::write(path.join("file"), "text").unwrap();
        drop(scratch);
        assert!(!path.exists());
        assert!(names(path.parent().unwrap()).is_empty());
    }

    #[test]
    fn what_a_process_has_left_is_removed_and_what_another_holds_is_not() {
        let place = tempfile::tempdir().unwrap();
        let held = Scratches::new(place.path().to_owned());
        let scratch = held.make().unwrap();
        fs::create_dir_all(place.path().join("1-left/0/deep")).unwrap();
        fs::write(place.path().join("1-left/0/deep/file"), "text").unwrap();
        let other = Scratches::new(place.path().to_owned());
        assert_eq!(names(place.path()).len(), 1);
        assert!(scratch.path.exists());
        let of_other = other.make().unwrap();
        assert_ne!(of_other.path.parent(), scratch.path.parent());
        drop((scratch, held));
        drop((of_other, other));
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn a_directory_is_removed_also_where_the_runtime_ends_first() {
        let place = tempfile::tempdir().unwrap();
        let scratches = Scratches::new(place.path().to_owned());
        let scratch = scratches.make().unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(1).build().unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || released.recv());
        {
            let _inside = runtime.enter();
            drop(scratch);
        }
        drop(scratches);
        let threads = std::thread::spawn(move || drop(runtime));
        while !busy.is_finished() && !threads.is_finished() {
            let _ = release.send(());
            std::thread::yield_now();
        }
        threads.join().unwrap();
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn a_place_where_nothing_can_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let place = file.path().join("scratch");
        let scratches = Scratches::new(place.clone());
        let told = scratches.make().unwrap_err();
        let place = place.display();
        assert_eq!(
            told,
            format!(
                "there can be no scratch directories in \"{place}\": Not a directory (os error 20)"
            )
        );
    }
}
