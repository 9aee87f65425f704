//! Plugins: from a file on disk to something that can be called.
//!
//! One function, [`Plugins::load`], takes a file the whole way, at start and on
//! every change: read, digest, compile or load from the [`cache`], check the
//! [`contract`], pre-instantiate, swap one pointer. Any refusal keeps the version
//! in service and is told once.

mod cache;
pub mod contract;
mod engine;
mod pace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::watch::{Receiver, Sender};
use wasmtime::component::Component;

use self::cache::Cache;
use self::contract::HANDLER;
pub use self::contract::{Doors, Refusal, Shape};
pub use self::engine::{INSTANCES, engine};
use self::pace::Pace;
use crate::config::{self, Config};
use crate::contract::{DOOR, Opened, compare};
use crate::host::{Grants, Host};
use crate::watch::{Place, Watcher};

/// Bytes of a component. Python's have 20 MiB; more is a mistake or an attack on
/// the compiler.
pub const MAX_SIZE: u64 = 64 << 20;

/// One version of a plugin, ready to be instantiated. An attempt holds it to its
/// end, whatever is swapped meanwhile.
pub struct Plugin {
    /// `otp-sender@a1b2c3d4e5f6`: name and the first twelve digits of the digest.
    pub version: Arc<str>,
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// What it may reach.
    pub grants: Grants,
    /// Bytes of the file.
    pub size: u64,
    /// How long it took to compile, or to load from the cache.
    pub took: Duration,
    /// Whether it came from the cache.
    pub cached: bool,
    /// Linked, with every check passed.
    pub doors: Doors,
    /// How quick its turns are.
    pub pace: Pace,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.version).finish()
    }
}

/// A plugin's name with what serves under it.
#[derive(Debug)]
struct Entry {
    config: Arc<config::Plugin>,
    serving: ArcSwapOption<Plugin>,
    /// The digest that was refused last, and why; it is not told twice.
    refused: Mutex<Option<(String, Refusal)>>,
}

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
}

/// All plugins by name.
pub struct Plugins {
    host: Arc<Host>,
    cache: Option<Cache>,
    entries: ArcSwap<Entries>,
    /// One at a time: the compiler takes all cores anyway, and two loads of one
    /// file must not overtake each other.
    loading: Mutex<()>,
    changes: Sender<()>,
    /// Where Redis is asked about the jobs of a queue. Without, as in commands that
    /// only look at files, nothing is asked.
    runtime: Option<Handle>,
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
    /// No plugins yet; compiled code is kept in this directory.
    pub fn new(host: Arc<Host>, cache: &Path) -> Arc<Plugins> {
        let cache = Cache::open(cache)
            .inspect_err(|error| {
                tracing::warn!(%error, directory = %cache.display(), "working without a cache of compiled plugins");
            })
            .ok();
        Arc::new(Plugins {
            host,
            cache,
            entries: ArcSwap::default(),
            loading: Mutex::default(),
            changes: Sender::new(()),
            runtime: Handle::try_current().ok(),
            watcher: Mutex::default(),
        })
    }

    /// Serve the plugins of this configuration. Blocks while new ones are
    /// compiled: call it off the async threads.
    pub fn configure(&self, config: &Config) {
        let (entries, changed) = self.declare(config);
        self.put_in_force(entries, &changed);
    }

    /// The same, and load files that change from now on, until the last `Arc` is
    /// dropped.
    ///
    /// # Errors
    /// When the files cannot be watched; the plugins serve all the same.
    pub fn configure_and_watch(self: &Arc<Self>, config: &Config) -> std::io::Result<()> {
        let (entries, changed) = self.declare(config);
        // Before the files are read, so that no change falls between.
        let watched = self.watch(&entries);
        self.put_in_force(entries, &changed);
        watched
    }

    /// The plugins of this configuration as entries, and those to load.
    fn declare(&self, config: &Config) -> (Entries, Vec<Arc<Entry>>) {
        let old = self.entries.load_full();
        let mut changed = Vec::new();
        let entries = config.plugins.iter().map(|(name, plugin)| {
            let known = old.get(name);
            if let Some(same) = known.filter(|known| known.config == *plugin) {
                return (name.clone(), same.clone());
            }
            let entry = Arc::new(Entry {
                config: plugin.clone(),
                serving: ArcSwapOption::default(),
                refused: Mutex::default(),
            });
            // The same file with other grants goes on serving, with those; another
            // contract it is checked against.
            let same = |known: &&Arc<Entry>| {
                known.config.file == plugin.file && known.config.contracts == plugin.contracts
            };
            if let Some(known) = known.filter(same)
                && let Some(serving) = known.serving.load_full()
            {
                let regranted = serving.regrant(&self.host, plugin);
                entry.serving.store(Some(Arc::new(regranted)));
            }
            changed.push(entry.clone());
            (name.clone(), entry)
        });
        (entries.collect(), changed)
    }

    /// Load what is new, and only then let it be seen: until then, those before
    /// serve.
    fn put_in_force(&self, entries: Entries, changed: &[Arc<Entry>]) {
        let load = || changed.iter().for_each(|entry| self.load(entry));
        load();
        self.entries.store(Arc::new(entries));
        // A file that was written meanwhile was told to those before.
        load();
        self.changes.send_replace(());
    }

    fn watch(self: &Arc<Self>, entries: &Entries) -> std::io::Result<()> {
        let files = entries.values().map(|entry| entry.config.file.clone());
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
                    plugins.load(entry);
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
        };
        entries.iter().map(status).collect()
    }

    /// Told after every load that changed something.
    pub fn changes(&self) -> Receiver<()> {
        self.changes.subscribe()
    }

    /// Take a plugin's file the whole way. Nothing happens when the file is the
    /// one in service or the one refused last.
    fn load(&self, entry: &Entry) {
        let _one = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &entry.config.name;
        let file = &entry.config.file;
        let bytes = match content(file) {
            Ok(bytes) => bytes,
            Err(refusal) => return self.refuse(entry, String::new(), refusal),
        };
        let digest = hex(&Sha256::digest(&bytes));
        let serving = entry.serving.load();
        if serving
            .as_ref()
            .is_some_and(|plugin| plugin.digest == digest)
        {
            *entry.lock_refused() = None;
            return;
        }
        if entry
            .lock_refused()
            .as_ref()
            .is_some_and(|(refused, why)| *refused == digest && !why.is_held())
        {
            return;
        }
        let grants = self.host.grants(entry.config.clone());
        let built = self.build(name, &digest, &bytes, grants);
        let let_in = built.and_then(|plugin| match serving.as_deref() {
            Some(old) => self.held(&entry.config, old, &plugin).map(|()| plugin),
            None => Ok(plugin),
        });
        match let_in {
            Ok(plugin) => {
                tracing::info!(
                    plugin = name,
                    version = &*plugin.version,
                    previous = serving.as_ref().map(|old| &*old.version),
                    cached = plugin.cached,
                    ms = plugin.took.as_millis() as u64,
                    "plugin loaded"
                );
                if let Some(old) = serving.as_ref() {
                    tell_differences(name, old, &plugin);
                }
                entry.serving.store(Some(Arc::new(plugin)));
                *entry.lock_refused() = None;
                self.changes.send_replace(());
            }
            Err(refusal) => self.refuse(entry, digest, refusal),
        }
    }

    fn build(
        &self,
        name: &str,
        digest: &str,
        bytes: &[u8],
        grants: Grants,
    ) -> Result<Plugin, Refusal> {
        let began = Instant::now();
        let engine = self.host.engine();
        look(bytes)?;
        let opened = Opened::read(bytes);
        let typed = !opened.interfaces.is_empty();
        let key = match typed {
            true => format!("{digest}{DOOR}"),
            false => digest.to_owned(),
        };
        let load = || {
            self.cache
                .as_ref()
                .and_then(|cache| cache.load(engine, &key))
        };
        let check =
            |component: &Component| contract::check(&self.host, component, &opened, &grants.plugin);
        let cached = load();
        let doors = match &cached {
            Some(component) => check(component)?,
            None => {
                let component = match typed {
                    true => compile(engine, &opened.with_door(bytes, HANDLER).map_err(invalid)?)?,
                    false => compile(engine, bytes)?,
                };
                let compiled = check(&component)?;
                self.keep(name, &key, &component);
                // Mapped from the file it takes a fraction of the memory.
                load().as_ref().map(check).transpose()?.unwrap_or(compiled)
            }
        };
        contract::try_out(&self.host, &grants, &doors)?;
        Ok(Plugin {
            version: format!("{name}@{}", &digest[..12]).into(),
            size: bytes.len() as u64,
            took: began.elapsed(),
            cached: cached.is_some(),
            digest: digest.to_owned(),
            grants,
            doors,
            pace: Pace::default(),
        })
    }

    /// Whether jobs that are in Redis let a new version in. What stands in a WIT
    /// file is the same for both.
    fn held(&self, plugin: &config::Plugin, old: &Plugin, new: &Plugin) -> Result<(), Refusal> {
        let Some(runtime) = &self.runtime else {
            return Ok(());
        };
        for contract in &plugin.contracts {
            let of = |plugin: &Plugin| plugin.doors.contract(contract).cloned();
            let (Some(before), Some(after)) = (of(old), of(new)) else {
                continue;
            };
            let Some(queue) = self.host.queue(&contract.queue) else {
                continue;
            };
            if !compare(&before, &after).iter().any(|it| it.breaking) {
                continue;
            }
            let (before, after) = (contract.of(&before), contract.of(&after));
            match runtime.block_on(queue.held(Some(&before), &after)) {
                Ok(None) => {}
                Ok(Some(jobs)) => return Err(Refusal::Held(jobs)),
                Err(error) => return Err(Refusal::Held(error.to_string())),
            }
        }
        Ok(())
    }

    /// Whether a version waits for jobs in Redis.
    pub fn holds(&self) -> bool {
        self.entries.load().values().any(|entry| entry.is_held())
    }

    /// Try again what was held back. Blocks as [`configure`](Self::configure) does.
    pub fn load_held(&self) {
        for entry in self.entries.load_full().values() {
            if entry.is_held() {
                self.load(entry);
            }
        }
    }

    /// Keep compiled code for the next start.
    fn keep(&self, name: &str, key: &str, component: &Component) {
        let Some(cache) = &self.cache else {
            return;
        };
        if let Err(error) = cache.store(self.host.engine(), key, component) {
            tracing::warn!(plugin = name, %error, "compiled code is not kept");
        }
    }

    fn refuse(&self, entry: &Entry, digest: String, refusal: Refusal) {
        let told = entry
            .lock_refused()
            .replace((digest.clone(), refusal.clone()));
        if told.is_some_and(|(told, why)| told == digest && why == refusal) {
            return;
        }
        let serving = entry.serving.load();
        tracing::warn!(
            plugin = entry.config.name,
            file = %entry.config.file.display(),
            reason = %refusal,
            serving = serving.as_ref().map(|plugin| &*plugin.version),
            "plugin refused"
        );
        self.changes.send_replace(());
    }
}

/// Say what a new version changes in a contract that is in no WIT file: such a
/// contract is what the plugin makes it.
fn tell_differences(plugin: &str, old: &Plugin, new: &Plugin) {
    for before in old.doors.contracts() {
        let mut contracts = new.doors.contracts();
        let after = contracts.find(|after| after.unversioned() == before.unversioned());
        let Some(after) = after else {
            continue;
        };
        for difference in compare(before, after) {
            let contract = before.unversioned();
            if difference.breaking {
                tracing::warn!(
                    plugin,
                    contract,
                    %difference,
                    "the contract has changed, jobs may not fit: runner check --against-redis"
                );
            } else {
                tracing::info!(plugin, contract, %difference, "the contract has changed");
            }
        }
    }
}

impl Plugin {
    /// The same code with other grants.
    fn regrant(&self, host: &Host, plugin: &Arc<config::Plugin>) -> Plugin {
        Plugin {
            version: self.version.clone(),
            digest: self.digest.clone(),
            grants: host.grants(plugin.clone()),
            size: self.size,
            took: self.took,
            cached: self.cached,
            doors: self.doors.clone(),
            pace: Pace::default(),
        }
    }
}

impl Entry {
    fn lock_refused(&self) -> std::sync::MutexGuard<'_, Option<(String, Refusal)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_held(&self) -> bool {
        let refused = self.lock_refused();
        refused.as_ref().is_some_and(|(_, why)| why.is_held())
    }

    fn refusal(&self) -> Option<Refusal> {
        self.lock_refused()
            .as_ref()
            .map(|(_, refusal)| refusal.clone())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unreadable(file: &Path) -> impl Fn(std::io::Error) -> Refusal {
    move |error| Refusal::Unreadable {
        path: file.display().to_string(),
        reason: error.to_string(),
    }
}

/// The bytes of a file of acceptable size.
fn content(file: &Path) -> Result<Vec<u8>, Refusal> {
    let size = std::fs::metadata(file).map_err(unreadable(file))?.len();
    if size > MAX_SIZE {
        return Err(Refusal::TooLarge {
            size: size.div_ceil(1 << 20),
        });
    }
    std::fs::read(file).map_err(unreadable(file))
}

/// The file is a component by its first bytes.
fn look(bytes: &[u8]) -> Result<(), Refusal> {
    // Magic, then the version and layer: 1/0 is a core module, 0xd/1 a component.
    match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(Refusal::Module),
        _ => Err(Refusal::NotWasm),
    }
}

fn compile(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Component, Refusal> {
    Component::from_binary(engine, bytes).map_err(|error| Refusal::Invalid(format!("{error:#}")))
}

fn invalid(error: anyhow::Error) -> Refusal {
    Refusal::Invalid(format!("{error:#}"))
}
