//! Compiled code on disk.
//!
//! Loading native code is running it, so a file is trusted only if its HMAC was
//! made with a key that this user's processes alone can read: the directory is
//! 0700, the key 0600 and outside the folder of artifacts. A file that does not
//! verify is compiled again and replaced.
//!
//! The name of a file is the SHA-256 of the component and of everything the
//! engine's settings say about compiled code, so another version of Runner never
//! loads it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

type Tag = Hmac<Sha256>;

/// Bytes of the key.
const LENGTH: usize = 32;
/// Extension of the file that holds the tag of another.
const TAG: &str = "tag";

/// A private directory of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    artifacts: PathBuf,
    key: [u8; LENGTH],
}

impl Cache {
    /// Open the cache, making directory and key at first use.
    ///
    /// # Errors
    /// When the directory cannot be made, or is not ours alone. Runner then
    /// works without a cache.
    pub(super) fn open(directory: &Path) -> io::Result<Cache> {
        let artifacts = directory.join("compiled");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&artifacts)?;
        for path in [directory, &artifacts] {
            let metadata = fs::symlink_metadata(path)?;
            let owned = metadata.uid() == rustix::process::geteuid().as_raw();
            if !metadata.is_dir() || !owned || metadata.mode() & 0o022 != 0 {
                return Err(io::Error::other(format!(
                    "{} must be a directory that only its owner, the user of this process, can write",
                    path.display()
                )));
            }
        }
        let key = key(&directory.join("key"))?;
        Ok(Cache { artifacts, key })
    }

    /// The compiled form of this component, if it is here and genuine. It is
    /// mapped, not copied: code that no job reaches takes no memory.
    pub(super) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = name(engine, digest);
        let artifact = self.artifacts.join(&name);
        let tag = fs::read(artifact.with_extension(TAG)).ok()?;
        let genuine = self.tag(&name, &artifact).ok()?.verify_slice(&tag);
        if genuine.is_err() {
            tracing::warn!(
                file = name,
                "compiled code is not genuine and is made again"
            );
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the tag proves that this file was serialized by this user's Runner for this \
                      engine; nobody else can write in its directory, and we only rename over it"
        )]
        // SAFETY: see the reason; version and settings are checked by wasmtime.
        let component = unsafe { Component::deserialize_file(engine, &artifact) };
        component
            .inspect_err(|error| tracing::warn!(file = name, %error, "compiled code is made again"))
            .ok()
    }

    /// Keep the compiled form.
    ///
    /// # Errors
    /// When it cannot be written; nothing depends on it.
    pub(super) fn store(
        &self,
        engine: &Engine,
        digest: &str,
        component: &Component,
    ) -> io::Result<()> {
        let name = name(engine, digest);
        let code = component.serialize().map_err(io::Error::other)?;
        let artifact = self.artifacts.join(&name);
        let partial = artifact.with_extension(std::process::id().to_string());
        write(&partial, &code)?;
        let tag = self.tag(&name, &partial)?.finalize().into_bytes();
        // Whole or not at all: a reader never sees half of it. A reader between
        // the two renames finds the tag of the other file, and compiles.
        fs::rename(&partial, &artifact)?;
        write(&partial, &tag)?;
        fs::rename(&partial, artifact.with_extension(TAG))
    }

    /// The name is part of what is authenticated: a genuine file under another
    /// name is not genuine there.
    fn tag(&self, name: &str, file: &Path) -> io::Result<Tag> {
        let mut tag = Tag::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        tag.update(name.as_bytes());
        each_piece(file, |piece| tag.update(piece))?;
        Ok(tag)
    }
}

/// Read a file without holding it.
fn each_piece(file: &Path, mut each: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut file = std::fs::File::open(file)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => each(&piece[..length]),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}

/// File name for a component under this engine's settings.
fn name(engine: &Engine, digest: &str) -> String {
    /// Feeds what `Hash` writes to SHA-256: the standard hashers are short and
    /// may change between releases.
    struct Settings(Sha256);
    impl Hasher for Settings {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("only the whole digest is used")
        }
    }
    let mut settings = Settings(Sha256::new_with_prefix(digest));
    engine.precompile_compatibility_hash().hash(&mut settings);
    super::hex(&settings.0.finalize())
}

fn key(path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    match File::open(path) {
        Ok(mut file) => {
            file.read_exact(&mut key)?;
            return Ok(key);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let partial = path.with_extension(std::process::id().to_string());
    write(&partial, &key)?;
    // Of two processes that start at once the first wins; both then read its key.
    let linked = fs::hard_link(&partial, path);
    fs::remove_file(&partial)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::open(path)?.read_exact(&mut key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
