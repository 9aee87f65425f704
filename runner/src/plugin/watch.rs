//! Tells which files of some directories have changed and are quiet again.
//!
//! Directories are watched, not files: a rename over a file replaces what a
//! watch on the file would look at.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

/// Without an event for so long a file is taken as written. Compilers write in
/// pieces a few milliseconds apart; people notice no tenth of a second.
const QUIET: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
pub struct Watcher {
    _debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

impl Watcher {
    /// Call `changed`, from a thread of the watcher, with the files that changed.
    ///
    /// # Errors
    /// When a directory cannot be watched.
    pub fn start(
        directories: BTreeSet<PathBuf>,
        mut changed: impl FnMut(BTreeSet<PathBuf>) + Send + 'static,
    ) -> notify::Result<Watcher> {
        let handler = move |result: DebounceEventResult| match result {
            Ok(events) => {
                let paths: BTreeSet<PathBuf> = events
                    .into_iter()
                    .filter(|event| !event.kind.is_access())
                    .flat_map(|event| event.event.paths)
                    .collect();
                if !paths.is_empty() {
                    changed(paths);
                }
            }
            Err(errors) => {
                for error in errors {
                    tracing::warn!(%error, "watching files");
                }
            }
        };
        let mut debouncer = new_debouncer(QUIET, None, handler)?;
        for directory in &directories {
            debouncer.watch(directory, RecursiveMode::NonRecursive)?;
        }
        Ok(Watcher {
            _debouncer: debouncer,
        })
    }
}
