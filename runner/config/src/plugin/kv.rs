//! `kv` of `[plugins.<name>]`: how much a plugin may keep.

use std::fmt::{self, Display, Formatter};

use runner_text::units;

/// What a plugin may keep in each of its queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kv {
    /// `max_keys`; 100 000 unless it is said.
    pub max_keys: usize,
    /// `max_bytes`: of all keys and values together; 64 MiB unless it is said.
    pub max_bytes: usize,
}

impl Default for Kv {
    fn default() -> Kv {
        Kv {
            max_keys: 100_000,
            max_bytes: 64 << 20,
        }
    }
}

impl Display for Kv {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let keys = units::count(self.max_keys as u64, "key");
        let size = units::size(self.max_bytes as u64);
        write!(f, "up to {keys} and {size} in each queue")
    }
}
