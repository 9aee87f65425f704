//! The plugins by name: which version of each serves, and what replaces it next.
//!
//! For the app and for commands; knows [`Entry`] and when to load one, not how.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch::{Receiver, Sender};

use super::crew::Crew;
use super::entry::{Entry, Progress, Tally};
use super::load::Loader;
use super::refusal::Refusal;
use super::version::Plugin;
use crate::config::{Config, Runtime};
use crate::host::Host;
use crate::watch::{Place, Watcher};

type Entries = BTreeMap<String, Arc<Entry>>;

/// What a plugin looks like from outside.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The version in service.
    pub serving: Option<Arc<Plugin>>,
    /// Why the file that is there now does not serve.
    pub refusal: Option<Refusal>,
    /// Whether it is being loaded for the first time.
    pub loading: bool,
    /// Why one of its databases has not answered since it was granted, once it was tried.
    pub unreached: Option<String>,
    /// How often a version took the place of another since the process began.
    pub swaps: u64,
    /// How often a file was refused.
    pub refusals: u64,
}

/// All plugins by name.
pub struct Plugins {
    loader: Loader,
    crew: Arc<Crew>,
    entries: ArcSwap<Entries>,
    /// Entries that replace the one in service under their name once they are loaded.
    coming: Mutex<Entries>,
    tallies: Mutex<BTreeMap<String, Arc<Tally>>>,
    changes: Sender<()>,
    watcher: Mutex<Option<Watcher>>,
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.list().into_iter().map(|s| (s.name, s.serving)))
            .finish()
    }
}

impl Plugins {
    /// No plugins yet. Those that the cache does not have will be compiled by this
    /// `runner`, which is of the same build: [`THIS`](super::THIS).
    pub fn new(host: Arc<Host>, runtime: &Runtime, runner: impl Into<PathBuf>) -> Arc<Plugins> {
        let crew = Arc::default();
        Arc::new(Plugins {
            loader: Loader::new(host, runtime, runner.into(), Arc::clone(&crew)),
            crew,
            entries: ArcSwap::default(),
            coming: Mutex::default(),
            tallies: Mutex::default(),
            changes: Sender::new(()),
            watcher: Mutex::default(),
        })
    }

    /// Serve the plugins of this configuration. Blocks until all that are new have
    /// been loaded.
    pub fn configure(self: &Arc<Self>, config: &Config) {
        let (ended, end) = channel();
        for entry in self.declare(config) {
            let ended = ended.clone();
            self.start(entry, move || drop(ended));
        }
        drop(ended);
        // Nothing is sent; the last one has dropped its end then.
        let _: Result<(), _> = end.recv();
    }

    /// Begin to serve the plugins of this configuration, and to load files that
    /// change from now on, until the last `Arc` is dropped. What is new is loaded on
    /// threads of its own and serves when it is ready ([`changes`](Self::changes));
    /// grants of what serves already are in force at once. Waits for the file system
    /// only.
    ///
    /// # Errors
    /// When the files cannot be watched; the plugins serve all the same.
    pub fn configure_and_watch(self: &Arc<Self>, config: &Config) -> std::io::Result<()> {
        let changed = self.declare(config);
        // Before the files are read, so that no change falls between.
        let watched = self.watch(config);
        for entry in changed {
            self.start(entry, || {});
        }
        watched
    }

    /// Put the plugins of this configuration in force; those to load. One that
    /// serves from another file, or by another contract, goes on until what
    /// replaces it has been loaded.
    fn declare(&self, config: &Config) -> Vec<Arc<Entry>> {
        let mut coming = self.lock_coming();
        let old = self.entries.load_full();
        let mut changed = Vec::new();
        coming.retain(|name, entry| config.plugins.get(name) == Some(&entry.config));
        let entries = config.plugins.iter().map(|(name, plugin)| {
            let known = old.get(name);
            if let Some(known) = known
                && (known.config == *plugin || coming.contains_key(name))
            {
                return (name.clone(), known.clone());
            }
            let entry = Arc::new(Entry::new(plugin.clone(), self.tally(name)));
            changed.push(entry.clone());
            let serving = known.and_then(|known| Some((known, known.serving.load_full()?)));
            let Some((known, serving)) = serving else {
                return (name.clone(), entry);
            };
            // The same file with other grants goes on serving, with those; another
            // contract it is checked against.
            let (was, is) = (&known.config, plugin);
            if was.file == is.file && was.contracts == is.contracts {
                let regranted = serving.regrant(self.loader.grants(plugin));
                entry.serve(Arc::new(regranted));
                serving.kept.close();
                return (name.clone(), entry);
            }
            coming.insert(name.clone(), entry);
            (name.clone(), known.clone())
        });
        self.entries.store(Arc::new(entries.collect()));
        self.changes.send_replace(());
        changed
    }

    /// Have an entry loaded, and call this then.
    fn start(self: &Arc<Self>, entry: Arc<Entry>, then: impl FnOnce() + Send + 'static) {
        let plugins = self.clone();
        let loaded = entry.clone();
        let put = self.crew.put(move || {
            let load = AssertUnwindSafe(|| plugins.load_to_the_end(&loaded));
            if std::panic::catch_unwind(load).is_err() {
                plugins.fail_load(&loaded, "a bug in runner ended its load".to_owned());
            }
            then();
        });
        if let Err(error) = put {
            self.fail_load(&entry, format!("there is no thread to load it: {error}"));
        }
    }

    /// Load an entry until its file is as it was read. Another thread that is at it
    /// does it once more.
    fn load_to_the_end(&self, entry: &Arc<Entry>) {
        {
            let mut progress = entry.lock_progress();
            if *progress != Progress::Idle {
                *progress = Progress::Again;
                return;
            }
            *progress = Progress::Loading;
        }
        loop {
            let mut changed = self.loader.load(entry);
            if self.put_in_force(entry) {
                // A file that was written meanwhile was told to the one before.
                changed |= self.loader.load(entry);
            }
            if changed {
                self.changes.send_replace(());
            }
            entry.loaded.store(true, Ordering::Release);
            let mut progress = entry.lock_progress();
            if *progress != Progress::Again {
                *progress = Progress::Idle;
                break;
            }
            *progress = Progress::Loading;
        }
        self.changes.send_replace(());
    }

    /// Replace the entry that this one was made for, if there is one.
    fn put_in_force(&self, entry: &Arc<Entry>) -> bool {
        let name = &entry.config.name;
        let mut coming = self.lock_coming();
        let comes = coming.get(name).is_some_and(|it| Arc::ptr_eq(it, entry));
        if comes {
            coming.remove(name);
            let mut entries = Entries::clone(&self.entries.load());
            entries.insert(name.clone(), entry.clone());
            self.entries.store(Arc::new(entries));
        }
        comes
    }

    fn fail_load(&self, entry: &Arc<Entry>, reason: String) {
        entry.refuse(String::new(), Refusal::Compile(reason));
        self.put_in_force(entry);
        entry.loaded.store(true, Ordering::Release);
        *entry.lock_progress() = Progress::Idle;
        self.changes.send_replace(());
    }

    fn tally(&self, name: &str) -> Arc<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(name.to_owned()).or_default().clone()
    }

    fn lock_coming(&self) -> MutexGuard<'_, Entries> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what serves under this name, or nothing yet, is about to be replaced
    /// by what is being loaded.
    pub fn is_loading(&self, name: &str) -> bool {
        let first = |entry: &Arc<Entry>| entry.is_loading();
        self.lock_coming().contains_key(name) || self.entries.load().get(name).is_some_and(first)
    }

    fn watch(self: &Arc<Self>, config: &Config) -> std::io::Result<()> {
        let files = config.plugins.values().map(|plugin| plugin.file.clone());
        let files = files.map(Place::File).collect();
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = &*watcher {
            watcher.watch(files);
            return Ok(());
        }
        let weak = Arc::downgrade(self);
        let new = Watcher::start(move |changed| {
            let Some(plugins) = weak.upgrade() else {
                return;
            };
            for entry in plugins.entries.load_full().values() {
                if changed.contains(&entry.config.file) {
                    plugins.start(entry.clone(), || {});
                }
            }
        })?;
        new.watch(files);
        *watcher = Some(new);
        Ok(())
    }

    /// The version in service under this name.
    pub fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.entries.load().get(name)?.serving.load_full()
    }

    /// All plugins, by name.
    pub fn list(&self) -> Vec<Status> {
        let entries = self.entries.load();
        let status = |(name, entry): (&String, &Arc<Entry>)| Status {
            name: name.clone(),
            file: entry.config.file.clone(),
            serving: entry.serving.load_full(),
            refusal: entry.refusal(),
            loading: entry.is_loading(),
            unreached: self.loader.host().unreached(name),
            swaps: self.tally(name).swaps.load(Ordering::Relaxed),
            refusals: self.tally(name).refusals.load(Ordering::Relaxed),
        };
        entries.iter().map(status).collect()
    }

    /// Told after every load that changed something.
    pub fn changes(&self) -> Receiver<()> {
        self.changes.subscribe()
    }

    /// Whether a version waits for jobs in Redis.
    pub fn holds(&self) -> bool {
        self.entries.load().values().any(|entry| entry.is_held())
    }

    /// Begin to load a plugin's file, if there is one of this name: for who has just
    /// written it, and does not wait until that is noticed.
    pub fn load(self: &Arc<Self>, name: &str) {
        self.load_then(name, || {});
    }

    /// [`Plugins::load`], and call this when it is done.
    pub fn load_then(self: &Arc<Self>, name: &str, then: impl FnOnce() + Send + 'static) {
        match self.entries.load().get(name) {
            Some(entry) => self.start(entry.clone(), then),
            None => then(),
        }
    }

    /// Begin to load again what was held back.
    pub fn load_held(self: &Arc<Self>) {
        for entry in self.entries.load_full().values() {
            // One that is being looked at is told of when that is done.
            if entry.is_held() && *entry.lock_progress() == Progress::Idle {
                self.start(entry.clone(), || {});
            }
        }
    }
}
