//! What is read beside `queues.toml`.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Files that are read with `queues.toml`, whether they exist or not: when one of
/// them changes, so may the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// `file:` secrets.
    pub secrets: BTreeSet<PathBuf>,
    /// The directory of the contracts, if a queue has one.
    pub contracts: Option<PathBuf>,
}
