//! Events of the file system: which directories are listened to, and which events
//! are a reason to look.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::seen::LOOK;
use super::stat::identity;
use super::way::Way;
use runner_text::units;

/// What the system reports about the way to the files.
pub(super) struct Events {
    /// `None` when the system has no watches left: then only looks remain.
    system: Option<RecommendedWatcher>,
    /// The directories that are listened to, and which file each one was then.
    armed: HashMap<PathBuf, (u64, u64)>,
    /// What an event must name to be a reason to look.
    way: Way,
}

impl Events {
    /// Events go to `send`, from a thread of the system's watcher.
    pub(super) fn new(send: impl Fn(notify::Result<Event>) + Send + 'static) -> Events {
        Events {
            system: notify::recommended_watcher(send).inspect_err(explain).ok(),
            armed: HashMap::new(),
            way: Way::default(),
        }
    }

    /// Whether the event is a reason to look.
    pub(super) fn concern(&mut self, event: notify::Result<Event>) -> bool {
        let event = match event {
            Ok(event) if event.need_rescan() => return true,
            Ok(event) => event,
            Err(error) => {
                explain(&error);
                return true;
            }
        };
        if event.kind.is_access() {
            return false;
        }
        let mut concern = false;
        for path in &event.paths {
            // A watched directory that went away or came is watched anew, even if
            // it is the one from before.
            let moved: Vec<PathBuf> = self
                .armed
                .keys()
                .filter(|directory| directory.starts_with(path))
                .cloned()
                .collect();
            for directory in moved {
                self.disarm(&directory);
                concern = true;
            }
            concern |= self.way.leads_by(path);
        }
        concern
    }

    /// Listen to the directories on this way and to no others. Returns whether
    /// there are new ones among them.
    pub(super) fn listen(&mut self, way: Way) -> bool {
        let mut wanted = HashMap::new();
        for directory in way.directories() {
            if let Ok(metadata) = fs::metadata(directory) {
                wanted.insert(directory.to_owned(), identity(&metadata));
            }
        }
        self.way = way;
        let old: Vec<PathBuf> = self
            .armed
            .iter()
            .filter(|(directory, which)| wanted.get(*directory) != Some(which))
            .map(|(directory, _)| directory.clone())
            .collect();
        for directory in old {
            self.disarm(&directory);
        }
        let Some(system) = &mut self.system else {
            return false;
        };
        let mut new = false;
        for (directory, which) in wanted {
            if self.armed.contains_key(&directory) {
                continue;
            }
            match system.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(directory, which);
                    new = true;
                }
                Err(error) => explain(&error),
            }
        }
        new
    }

    fn disarm(&mut self, directory: &Path) {
        self.armed.remove(directory);
        if let Some(system) = &mut self.system {
            // It is gone already if the directory is.
            let _ = system.unwatch(directory);
        }
    }
}

/// Say once when the system has no watches left; looks are enough.
fn explain(error: &notify::Error) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let is_limit = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        // EMFILE and ENFILE: no more instances.
        notify::ErrorKind::Io(error) => matches!(error.raw_os_error(), Some(23 | 24)),
        _ => false,
    };
    if is_limit && !TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the system has no file watches left (fs.inotify.max_user_watches, \
             fs.inotify.max_user_instances): Runner checks its files every {} instead",
            units::duration(LOOK)
        );
    } else {
        tracing::debug!(%error, "watching files");
    }
}
