//! Compiled code on disk.
//!
//! Loading native code is running it, so a file is trusted only if its HMAC was
//! made with a key that this user's processes alone can read: the directory is
//! 0700, the key 0600 and outside the folder of artifacts. A file that does not
//! verify is compiled again and replaced.
//!
//! What is run is a copy without a name, verified after it was made: whoever cuts
//! the file short while it is mapped would end this process. The pages of the copy
//! are the file system's and go when memory is short.
//!
//! The name of a file is the SHA-256 of the component and of everything the
//! engine's settings say about compiled code, so another version of Runner never
//! loads it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::plugin::engine::fingerprint;

type Tag = Hmac<Sha256>;

/// Bytes of the key.
const LENGTH: usize = 32;
/// Extension of the file that holds the tag of another.
const TAG: &str = "tag";

/// Ends the names of files that are being written.
const PARTIAL: &str = "new";
/// A partial file that was not written to for this long belongs to a process that is
/// gone: no compiler gets as much time.
const LEFT: Duration = Duration::from_secs(24 * 3600);

/// A private directory of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    artifacts: PathBuf,
    key: [u8; LENGTH],
    /// Told that a file is not ours alone; once is enough.
    told: AtomicBool,
}

/// A file that is being written, under a name that nobody looks for. Dropped: it
/// is removed.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    file: File,
}

impl Cache {
    /// Open the cache, making directory and key at first use.
    ///
    /// # Errors
    /// When the directory cannot be made, or it or the key is not ours alone.
    /// Runner then works without a cache.
    pub(super) fn open(directory: &Path) -> io::Result<Cache> {
        let artifacts = directory.join("compiled");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&artifacts)?;
        for path in [directory, &artifacts] {
            let metadata = fs::symlink_metadata(path)?;
            if !metadata.is_dir() || !ours_to_write(&metadata) {
                return Err(io::Error::other(format!(
                    "{} must be a directory that only its owner, the user of this process, can write",
                    path.display()
                )));
            }
        }
        let key = key(&directory.join("key"))?;
        sweep(&artifacts);
        Ok(Cache {
            artifacts,
            key,
            told: AtomicBool::default(),
        })
    }

    /// The compiled form of this component, if it is here and genuine.
    pub(super) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = name(engine, digest);
        let artifact = self.artifacts.join(&name);
        let mut tag = Vec::new();
        let kept = self.open_private(&artifact.with_extension(TAG))?;
        kept.take(1 << 10).read_to_end(&mut tag).ok()?;
        let file = self.open_private(&artifact)?;
        let code = Code::copied(file, &self.artifacts)
            .inspect_err(|error| tracing::warn!(file = name, %error, "compiled code is not read"))
            .ok()?;
        let genuine = self.tag(&name, &code).ok()?.verify_slice(&tag);
        if genuine.is_err() {
            tracing::warn!(
                file = name,
                "compiled code is not genuine and is made again"
            );
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the tag proves that these bytes were serialized by this user's Runner for \
                      this engine, and nobody can change them: they are in memory, or in a file \
                      without a name"
        )]
        // SAFETY: see the reason; version and settings are checked by wasmtime.
        let component = unsafe { code.deserialize(engine) };
        component
            .inspect_err(|error| tracing::warn!(file = name, %error, "compiled code is made again"))
            .ok()
    }

    /// A file for compiled code.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn begin(&self) -> io::Result<Partial> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}.{PARTIAL}", std::process::id());
        Partial::create(self.artifacts.join(name))
    }

    /// Keep what was written to the file as the compiled form of this component,
    /// and load it.
    ///
    /// # Errors
    /// When it cannot be written or read.
    pub(super) fn keep(
        &self,
        engine: &Engine,
        digest: &str,
        artifact: Partial,
    ) -> io::Result<Component> {
        let name = name(engine, digest);
        let place = self.artifacts.join(&name);
        let code = Code::Mapped(artifact.file.try_clone()?);
        let tag = self.tag(&name, &code)?.finalize().into_bytes();
        // Whole or not at all: a reader never sees half of it. A reader between
        // the two renames finds the tag of the other file, and compiles.
        artifact.rename(&place)?;
        let mut partial = self.begin()?;
        partial.file.write_all(&tag)?;
        partial.rename(&place.with_extension(TAG))?;
        self.load(engine, digest)
            .ok_or_else(|| io::Error::other("it cannot be read again"))
    }

    /// The name is part of what is authenticated: a genuine file under another
    /// name is not genuine there.
    fn tag(&self, name: &str, code: &Code) -> io::Result<Tag> {
        let mut tag = Tag::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        tag.update(name.as_bytes());
        code.each_piece(|piece| tag.update(piece))?;
        Ok(tag)
    }

    /// A file that is ours, if it is here.
    fn open_private(&self, path: &Path) -> Option<File> {
        let file = open_regular(path).ok()?;
        if file.metadata().is_ok_and(|file| ours_to_write(&file)) {
            return Some(file);
        }
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                file = %path.display(),
                "compiled code that others than the user of this process own or can write is \
                 not used"
            );
        }
        None
    }
}

impl Partial {
    fn create(path: PathBuf) -> io::Result<Partial> {
        let mut options = OpenOptions::new();
        // One of a process that had this number before, and was killed.
        let options = options.create(true).truncate(true).read(true).write(true);
        let file = options.mode(0o600).open(&path)?;
        Ok(Partial { path, file })
    }

    /// The file, to be written by another process.
    ///
    /// # Errors
    /// When there are too many open files.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn rename(self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It was renamed, or nobody misses it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Load what the compiler gave to this process and nobody else.
///
/// # Errors
/// When the engine does not take it.
pub(super) fn made(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    #[expect(
        unsafe_code,
        reason = "a child of this binary has serialized it for this engine, through a pipe"
    )]
    // SAFETY: see the reason; version and settings are checked by wasmtime.
    unsafe {
        Component::deserialize(engine, code)
    }
}

/// Compiled code that nobody else can change.
enum Code {
    /// To be mapped: what no job reaches takes no memory.
    Mapped(File),
    /// Where the file system has no nameless files.
    Read(Vec<u8>),
}

impl Code {
    /// A copy of the file, without a name in this directory if that can be had.
    fn copied(mut file: File, directory: &Path) -> io::Result<Code> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).mode(0o600);
        let nameless = options.custom_flags(OFlags::TMPFILE.bits() as i32);
        if let Ok(mut copy) = nameless.open(directory)
            && io::copy(&mut file, &mut copy).is_ok()
        {
            return Ok(Code::Mapped(copy));
        }
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(Code::Read(bytes))
    }

    /// All of it, in pieces.
    fn each_piece(&self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut file = match self {
            Code::Mapped(file) => file,
            Code::Read(bytes) => {
                each(bytes);
                return Ok(());
            }
        };
        file.rewind()?;
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(()),
                length => each(&piece[..length]),
            }
        }
    }

    /// # Safety
    /// The code must be what wasmtime has serialized.
    #[expect(unsafe_code, reason = "passes wasmtime's own condition on")]
    unsafe fn deserialize(self, engine: &Engine) -> wasmtime::Result<Component> {
        let mut file = match self {
            // SAFETY: the caller's.
            Code::Read(bytes) => return unsafe { Component::deserialize(engine, bytes) },
            Code::Mapped(file) => file,
        };
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: the caller's; nobody else can open the file.
        if let Ok(component) = unsafe { Component::deserialize_file(engine, path) } {
            return Ok(component);
        }
        // Mounted so that nothing of it can be run (noexec).
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        // SAFETY: the caller's.
        unsafe { Component::deserialize(engine, bytes) }
    }
}

/// Remove what processes have left that were killed while they compiled.
fn sweep(artifacts: &Path) {
    for entry in fs::read_dir(artifacts).into_iter().flatten().flatten() {
        let path = entry.path();
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        let left = |age| age > LEFT;
        if path.extension().is_some_and(|of| of == PARTIAL) && age().is_some_and(left) {
            // Another process may be at it, too.
            let _ = fs::remove_file(path);
        }
    }
}

/// File name for a component under this engine's settings.
fn name(engine: &Engine, digest: &str) -> String {
    let mut name = Sha256::new_with_prefix(digest);
    name.update(fingerprint(engine));
    hex::encode(name.finalize())
}

/// Whether the user of this process, and nobody else, can write the file.
fn ours_to_write(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// Open a regular file, not what a link points to, without waiting for anything.
fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

fn key(path: &Path) -> io::Result<[u8; LENGTH]> {
    match read_key(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    let mut key = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let mut partial = Partial::create(path.with_extension(std::process::id().to_string()))?;
    partial.file.write_all(&key)?;
    // Of two processes that start at once the first wins; both then read its key.
    match fs::hard_link(&partial.path, path) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(path),
        Err(error) => Err(error),
    }
}

/// The key, when nobody else can know it.
fn read_key(path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut file = open_regular(path)?;
    let metadata = file.metadata()?;
    if !ours_to_write(&metadata) || metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "{} must be a file that only its owner, the user of this process, can read: remove it",
            path.display()
        )));
    }
    let mut key = [0; LENGTH];
    file.read_exact(&mut key)?;
    Ok(key)
}
