//! What stands under the name of a plugin: the version in service, and how far loading
//! its file has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use super::refusal::Refusal;
use super::version::Plugin;
use crate::config;

/// A plugin's name with what serves under it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its table of `queues.toml`.
    pub(super) config: Arc<config::Plugin>,
    /// The version that new attempts get; none before the first load succeeds.
    pub(super) serving: ArcSwapOption<Plugin>,
    /// The digest of the file that was refused last, and why, so that it is told once.
    pub(super) refused: Mutex<Option<(String, Refusal)>>,
    /// One load at a time, so that none overtakes another.
    pub(super) progress: Mutex<Progress>,
    /// Whether its first load has ended, successfully or not.
    pub(super) loaded: AtomicBool,
    /// What has happened under the name.
    tally: Arc<Tally>,
}

/// How often something has happened under the name of a plugin, whatever its table was
/// then.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// A version took the place of another.
    pub(super) swaps: AtomicU64,
    /// A file was refused.
    pub(super) refusals: AtomicU64,
}

/// Whether an entry is being loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Progress {
    #[default]
    Idle,
    Loading,
    /// Its file may have changed since it was read.
    Again,
}

impl Entry {
    pub(super) fn new(config: Arc<config::Plugin>, tally: Arc<Tally>) -> Entry {
        Entry {
            config,
            serving: ArcSwapOption::default(),
            refused: Mutex::default(),
            progress: Mutex::default(),
            loaded: AtomicBool::default(),
            tally,
        }
    }

    /// Have this version serve from now on. Instances that are kept of the one before
    /// go at once.
    pub(super) fn serve(&self, plugin: Arc<Plugin>) {
        if let Some(old) = self.serving.swap(Some(plugin)) {
            old.kept.close();
            self.tally.swaps.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn lock_refused(&self) -> MutexGuard<'_, Option<(String, Refusal)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_loading(&self) -> bool {
        !self.loaded.load(Ordering::Acquire) && self.serving.load().is_none()
    }

    pub(super) fn is_held(&self) -> bool {
        let refused = self.lock_refused();
        refused.as_ref().is_some_and(|(_, why)| why.is_held())
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.lock_refused()
            .as_ref()
            .map(|(_, refusal)| refusal.clone())
    }

    /// Say, once, why its file does not serve; whether that was news.
    pub(super) fn refuse(&self, digest: String, refusal: Refusal) -> bool {
        let told = self
            .lock_refused()
            .replace((digest.clone(), refusal.clone()));
        if told.is_some_and(|(told, why)| told == digest && why == refusal) {
            return false;
        }
        self.tally.refusals.fetch_add(1, Ordering::Relaxed);
        let serving = self.serving.load();
        tracing::warn!(
            plugin = self.config.name,
            file = %self.config.file.display(),
            reason = %refusal,
            serving = serving.as_ref().map(|plugin| &*plugin.version),
            "plugin refused"
        );
        true
    }
}

impl Drop for Entry {
    /// An attempt may hold the version for a while; it keeps no instance then.
    fn drop(&mut self) {
        if let Some(plugin) = self.serving.load_full() {
            plugin.kept.close();
        }
    }
}
