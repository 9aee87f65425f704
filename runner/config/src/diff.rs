//! What a reload changes: queues and plugins are exchanged while jobs run, the
//! rest needs a restart.

use super::Config;
use super::keys::runtime::RUNTIME;
use super::origins::join;

/// The difference between two configurations. All names are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Queues that are new.
    pub added: Vec<String>,
    /// Queues of which some setting has changed.
    pub changed: Vec<String>,
    /// Queues that are gone.
    pub removed: Vec<String>,
    /// Plugins that are new, gone, or granted something else.
    pub plugins: Vec<String>,
    /// Queues of which some schedule is new, gone or different.
    pub schedules: Vec<String>,
    /// Whether the HTTP API has other settings.
    pub server: bool,
    /// Settings, as `runtime.lock`, that differ from those the process started with
    /// and take effect only when it is started again.
    pub restart: Vec<String>,
}

impl Changes {
    /// Whether the two are the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Config {
    /// What is different in `new`.
    pub fn diff(old: &Self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        for (name, queue) in &new.queues {
            match old.queues.get(name) {
                None => changes.added.push(name.clone()),
                Some(before) if before != queue => changes.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        let gone = |name: &&String| !new.queues.contains_key(*name);
        changes.removed = old.queues.keys().filter(gone).cloned().collect();

        let names: std::collections::BTreeSet<_> =
            old.plugins.keys().chain(new.plugins.keys()).collect();
        changes.plugins = names
            .into_iter()
            .filter(|name| old.plugins.get(*name) != new.plugins.get(*name))
            .cloned()
            .collect();

        let differ = |a: &Config, b: &Config| -> Vec<String> {
            let of = a.schedules.iter().filter(|one| !b.schedules.contains(one));
            of.map(|schedule| schedule.queue.clone()).collect()
        };
        let queues: std::collections::BTreeSet<_> = differ(old, new)
            .into_iter()
            .chain(differ(new, old))
            .collect();
        changes.schedules = queues.into_iter().collect();

        if old.redis != new.redis {
            changes.restart.push("redis".to_owned());
        }
        changes.server = old.server != new.server;
        if old.traces != new.traces {
            changes.restart.push("traces".to_owned());
        }
        let runtime = RUNTIME.0.iter();
        let fixed = runtime.filter(|key| (key.differs)(&old.runtime, &new.runtime));
        let fixed = fixed.map(|key| join("runtime", key.about.name));
        changes.restart.extend(fixed);
        changes
    }
}
