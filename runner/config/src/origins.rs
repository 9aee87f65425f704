//! Where each value came from, kept under the value's path in the file
//! (`queues.otp-queue.timeout`).

use std::collections::BTreeMap;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// Nobody set it.
    #[default]
    Default,
    /// `queues.toml`, this line (from 1).
    File(usize),
    /// This environment variable.
    Env(&'static str),
    /// This flag.
    Flag(&'static str),
}

/// The sources of all values that somebody set.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<String, Source>);

impl Origins {
    /// Where the value at this path came from.
    pub fn of(&self, path: &str) -> Source {
        self.0.get(path).cloned().unwrap_or_default()
    }

    pub(super) fn set(&mut self, path: String, source: Source) {
        self.0.insert(path, source);
    }

    /// A value that is not set at `path` has the source of the one it is taken
    /// from.
    pub(super) fn inherit(&mut self, path: &str, from: &str) {
        if let Some(source) = self.0.get(from).cloned() {
            self.0.entry(path.to_owned()).or_insert(source);
        }
    }
}

/// One more part of a path, quoted as TOML would when it is not a bare key.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match (path.is_empty(), bare) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{key:?}"),
        (false, true) => format!("{path}.{key}"),
        (false, false) => format!("{path}.{key:?}"),
    }
}
