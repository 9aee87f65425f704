//! Builds plugins whenever their source changes.
//!
//! For the app and for `runner build --watch`. Each plugin is built on a thread of its
//! own: a slow toolchain delays no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::build::{Report, Target, Unbuilt, build};
use crate::host::Host;
use crate::sources::{IGNORED, Project, Tools};
use crate::watch::{Place, Watcher};

type Told = Box<dyn Fn(&Target, Result<Report, Unbuilt>) + Send + Sync>;

/// Builds plugins until it is dropped.
pub struct Builder(Arc<Shared>);

struct Shared {
    tools: Tools,
    host: Arc<Host>,
    told: Told,
    /// By name.
    targets: Mutex<BTreeMap<String, Slot>>,
    watcher: OnceLock<Watcher>,
    /// A build has ended.
    ended: Condvar,
}

struct Slot {
    target: Target,
    /// What is watched for it, by the paths it is told with.
    places: BTreeSet<Place>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Idle,
    Building,
    /// Its source has changed since.
    Again,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Builder")
    }
}

impl Builder {
    /// Nothing is built yet. `told` hears of each build that has ended.
    ///
    /// # Errors
    /// When files cannot be watched.
    pub fn start(
        tools: Tools,
        host: Arc<Host>,
        told: impl Fn(&Target, Result<Report, Unbuilt>) + Send + Sync + 'static,
    ) -> std::io::Result<Builder> {
        let shared = Arc::new(Shared {
            tools,
            host,
            told: Box::new(told),
            targets: Mutex::default(),
            watcher: OnceLock::new(),
            ended: Condvar::new(),
        });
        let weak = Arc::downgrade(&shared);
        let watcher = Watcher::start(move |changed| {
            if let Some(shared) = weak.upgrade() {
                shared.changed(changed);
            }
        })?;
        // It is the first.
        let _ = shared.watcher.set(watcher);
        Ok(Builder(shared))
    }

    /// Build these from now on, and those of them now that are `due`. Blocks on the
    /// file system.
    pub fn set(&self, targets: Vec<Target>, due: impl Fn(&Target) -> bool) {
        let mut begin = Vec::new();
        {
            let mut slots = self.0.lock();
            let mut old = std::mem::take(&mut *slots);
            for target in targets {
                let name = target.plugin.name.clone();
                let known = old.remove(&name);
                let is_new = known
                    .as_ref()
                    .is_none_or(|known| known.target.source != target.source);
                if is_new && due(&target) {
                    begin.push(name.clone());
                }
                slots.insert(
                    name,
                    Slot {
                        places: places(&target),
                        progress: known.map_or(Progress::Idle, |known| known.progress),
                        target,
                    },
                );
            }
        }
        self.0.watch();
        for name in begin {
            self.0.begin(&name);
        }
    }

    /// Wait for the builds of those.
    pub fn wait(&self, of: impl Fn(&Target) -> bool) {
        let mut slots = self.0.lock();
        let mut pending = |slot: &Slot| slot.progress != Progress::Idle && of(&slot.target);
        while slots.values().any(&mut pending) {
            let ended = self.0.ended.wait(slots);
            slots = ended.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let all = self
            .lock()
            .values()
            .flat_map(|slot| slot.places.clone())
            .collect();
        if let Some(watcher) = self.watcher.get() {
            watcher.watch(all);
        }
    }

    fn changed(self: &Arc<Self>, changed: &BTreeSet<PathBuf>) {
        let is_of = |slot: &Slot| {
            slot.places
                .iter()
                .any(|place| changed.contains(place.path()))
        };
        let slots = self.lock();
        let names = slots.iter().filter(|(_, slot)| is_of(slot));
        let names: Vec<String> = names.map(|(name, _)| name.clone()).collect();
        drop(slots);
        for name in names {
            self.begin(&name);
        }
    }

    /// Build it now, or once more if it is being built.
    fn begin(self: &Arc<Self>, name: &str) {
        {
            let mut slots = self.lock();
            let Some(slot) = slots.get_mut(name) else {
                return;
            };
            if slot.progress != Progress::Idle {
                slot.progress = Progress::Again;
                return;
            }
            slot.progress = Progress::Building;
        }
        let (shared, of) = (self.clone(), name.to_owned());
        let thread = std::thread::Builder::new().name("build".into());
        if thread.spawn(move || shared.build(&of)).is_err()
            && let Some(slot) = self.lock().get_mut(name)
        {
            // The next change tries again.
            slot.progress = Progress::Idle;
        }
    }

    /// Build it until its source is as it was read.
    fn build(&self, name: &str) {
        loop {
            let Some(target) = self.lock().get(name).map(|slot| slot.target.clone()) else {
                return;
            };
            let built = build(&target, &self.tools, &self.host);
            (self.told)(&target, built);
            {
                let mut slots = self.lock();
                let Some(slot) = slots.get_mut(name) else {
                    return;
                };
                // It may name another contract now.
                slot.places = places(&slot.target);
                if slot.progress != Progress::Again {
                    slot.progress = Progress::Idle;
                    self.ended.notify_all();
                    drop(slots);
                    return self.watch();
                }
                slot.progress = Progress::Building;
            }
            self.watch();
        }
    }
}

/// What a target is made of.
fn places(target: &Target) -> BTreeSet<Place> {
    let project = Project::open(&target.source).ok();
    let wit = project.and_then(|project| project.wit());
    let wit = wit.map(|directory| Place::Tree(directory, "wit"));
    let source = Place::Source(target.source.clone(), &IGNORED);
    wit.into_iter().chain([source]).collect()
}
