//! One version of a plugin, as an attempt holds it.

use std::sync::Arc;
use std::time::Duration;

use super::component::{Doors, Made};
use super::kept::Kept;
use super::pace::Pace;
use crate::config::Stdout;
use crate::host::Grants;

/// Why a key of its table may have no effect.
pub const UNUSED: &str = "only a command has it, and the plugin is none";

/// One version of a plugin, ready to be instantiated. An attempt keeps its version to
/// the end, whatever is swapped meanwhile.
pub struct Plugin {
    /// `otp-sender@a1b2c3d4e5f6`: name and the first twelve digits of the digest.
    pub version: Arc<str>,
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// What it may reach.
    pub grants: Grants,
    /// Bytes of the file.
    pub size: u64,
    /// Its language and toolchain, as far as the file tells.
    pub made: Made,
    /// How long it took to compile, or to load from the cache.
    pub took: Duration,
    /// Whether it came from the cache.
    pub cached: bool,
    /// The ways into its code, linked after every check has passed.
    pub doors: Doors,
    /// Bytes of memory that an instance has at its start.
    pub memory: usize,
    /// How quick its turns are; decides where jobs start.
    pub pace: Pace,
    /// Its instances that wait for a further job.
    pub kept: Kept,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.version).finish()
    }
}

impl Plugin {
    /// Whether an instance takes so much memory that threads which make and drop
    /// instances at the same time wait for each other in the system. On two cores those
    /// of StarlingMonkey (10 MiB) and Python (19 MiB) do, those of Go (4 MiB) do not.
    pub fn is_large(&self) -> bool {
        const LARGE: usize = 8 << 20;
        self.memory >= LARGE
    }

    /// Keys of its table that have no effect on what it is.
    pub fn unused(&self) -> Vec<&'static str> {
        let config = &self.grants.plugin;
        let keys = [
            (!config.args.is_empty(), "args"),
            (config.argv0.is_some(), "argv0"),
            (config.stdin.is_some(), "stdin"),
            (config.stdout != Stdout::default(), "stdout"),
        ];
        let set = keys.into_iter().filter(|(set, _)| *set);
        match self.doors.command {
            Some(_) => Vec::new(),
            None => set.map(|(_, key)| key).collect(),
        }
    }

    /// The same code with other grants.
    pub(super) fn regrant(&self, grants: Grants) -> Plugin {
        Plugin {
            version: self.version.clone(),
            digest: self.digest.clone(),
            grants,
            size: self.size,
            made: self.made.clone(),
            took: self.took,
            cached: self.cached,
            doors: self.doors.clone(),
            memory: self.memory,
            pace: Pace::default(),
            kept: Kept::default(),
        }
    }
}
