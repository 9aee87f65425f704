//! Keeps the workers as the configuration and the plugins want them: reloads edited
//! files, starts queues whose plugins have come to serve, and drains those that are
//! no longer wanted. A bad edit changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::leaving::{left, stop_within};
use super::{Start, configure, read, said, wanted};
use crate::api::Said;
use crate::config::{self, Config, Queue, Sources};
use crate::host::Host;
use crate::plugin::Plugins;
use crate::units;
use crate::watch::{GONE, Watcher};
use crate::worker::{Shared, Worker};

/// How often to check whether the jobs that hold back a change are done.
const AGAIN: Duration = Duration::from_secs(5);

/// What the configuration in force was read from.
pub(super) struct Files {
    pub(super) start: Start,
    pub(super) watcher: Arc<Watcher>,
    /// Of `queues.toml`.
    pub(super) text: String,
    pub(super) sources: Sources,
    /// What was said of what was read last; it may not be in force yet.
    pub(super) read: Said,
    /// The same of what is in force.
    pub(super) said: watch::Sender<Said>,
}

/// An edit that takes something away. It comes into force once the files have stayed
/// that way for [`GONE`]: they may be half written.
struct Early {
    config: Arc<Config>,
    /// When it comes into force. `None`: it may do so now.
    until: Option<Instant>,
}

/// The one task that starts and drains workers and changes the configuration in
/// force.
pub(super) struct Keeper {
    files: Files,
    /// The configuration in force.
    config: watch::Sender<Arc<Config>>,
    plugins: Arc<Plugins>,
    host: Arc<Host>,
    shared: Shared,
    /// The worker of each queue that is consumed.
    workers: BTreeMap<String, Consumer>,
    /// Workers whose queue is no longer wanted, until their jobs have ended. A
    /// queue has one worker at a time: a second one would mistake the jobs of the
    /// first for orphans.
    leaving: BTreeMap<String, Worker>,
    /// Names of the queues in `workers`, for those who wait until all are there.
    consumed: watch::Sender<BTreeSet<String>>,
    /// Queues that the log has said to wait for a plugin; once is enough.
    waiting: BTreeSet<String>,
    /// Why an edited contract is not in force yet.
    held: Option<String>,
    /// The last edit that takes something away and is not in force yet.
    early: Option<Early>,
}

/// A worker, and the settings it works by.
struct Consumer {
    worker: Worker,
    queue: Arc<Queue>,
}

impl Keeper {
    /// Nothing is consumed yet.
    pub(super) fn new(
        files: Files,
        config: watch::Sender<Arc<Config>>,
        plugins: Arc<Plugins>,
        host: Arc<Host>,
        shared: Shared,
        consumed: watch::Sender<BTreeSet<String>>,
    ) -> Keeper {
        Keeper {
            files,
            config,
            plugins,
            host,
            shared,
            workers: BTreeMap::new(),
            leaving: BTreeMap::new(),
            consumed,
            waiting: BTreeSet::new(),
            held: None,
            early: None,
        }
    }

    /// Run until a grace period is sent, then drain. A further grace period counts
    /// from when it is sent.
    pub(super) async fn run(
        mut self,
        mut changes: mpsc::UnboundedReceiver<BTreeSet<PathBuf>>,
        mut drains: mpsc::UnboundedReceiver<Duration>,
    ) {
        let mut plugins = self.plugins.changes();
        let mut databases = self.host.databases();
        self.declare();
        loop {
            self.reconcile();
            let stood = self.early.as_ref().and_then(|early| early.until);
            tokio::select! {
                Ok(()) = plugins.changed() => {}
                Ok(()) = databases.changed() => {}
                Some(_) = changes.recv() => {
                    if let Some(grace) = self.reload(true, &mut drains).await {
                        return self.drain(grace, drains).await;
                    }
                }
                () = tokio::time::sleep_until(stood.unwrap_or_else(Instant::now)), if stood.is_some() => {
                    if let Some(grace) = self.reload(true, &mut drains).await {
                        return self.drain(grace, drains).await;
                    }
                }
                () = tokio::time::sleep(AGAIN), if self.held.is_some() || self.plugins.holds() => {
                    if let Some(grace) = self.reload(false, &mut drains).await {
                        return self.drain(grace, drains).await;
                    }
                }
                name = left(&mut self.leaving) => drop(self.leaving.remove(&name)),
                grace = drains.recv() => return self.drain(grace.unwrap_or_default(), drains).await,
            }
        }
    }

    /// Try again what was held back, and read the configuration if it was edited.
    /// Returns the grace period if one is sent meanwhile: a stop does not wait for
    /// Redis.
    async fn reload(
        &mut self,
        edited: bool,
        drains: &mut mpsc::UnboundedReceiver<Duration>,
    ) -> Option<Duration> {
        self.plugins.load_held();
        if !edited && self.held.is_none() {
            return None;
        }
        let read = async {
            let new = self.read().await?;
            configure(&self.plugins, &new.0).await;
            Some(new)
        };
        tokio::select! {
            new = read => {
                if let Some((new, text)) = new {
                    self.take_over(new, text);
                }
                None
            }
            grace = drains.recv() => Some(grace.unwrap_or_default()),
        }
    }

    /// Read the configuration again. Returns the new one if it differs, has no
    /// mistakes, and fits the jobs in Redis.
    async fn read(&mut self) -> Option<(Arc<Config>, String)> {
        let told = self.held.take();
        let early = self.early.take();
        // An editor that truncates before it writes must not stop all queues.
        if std::fs::metadata(&self.files.start.file).is_ok_and(|file| file.len() == 0) {
            tracing::error!("queues.toml is empty and was not reloaded");
            return None;
        }
        let Files {
            start,
            watcher,
            sources,
            ..
        } = &self.files;
        let (new, text) = match read(start, watcher, sources).await {
            Ok(loaded) => {
                self.files.read = said(&loaded);
                self.files.sources = loaded.sources;
                (Arc::new(loaded.config), loaded.text)
            }
            Err(problems) => {
                tracing::error!(
                    "{}\nqueues.toml was not reloaded; the previous configuration stays in force",
                    problems.render(false)
                );
                return None;
            }
        };
        let old = self.config.borrow().clone();
        if self.is_early(early, &old, &new, &text) {
            return None;
        }
        self.held = self.held(&old, &new).await;
        if let Some(why) = &self.held
            && told.as_ref() != Some(why)
        {
            tracing::warn!(
                "queues.toml changes a contract and is held back: {why} (`swap_check = \"off\"` on the queue lets it in)"
            );
        }
        if old == new {
            self.files.text = text;
            self.files.said.send_replace(self.files.read.clone());
            return None;
        }
        self.held.is_none().then_some((new, text))
    }

    /// Whether an edit takes something away and is too new to come into force.
    /// `before` is the edit that was read last.
    fn is_early(
        &mut self,
        before: Option<Early>,
        old: &Arc<Config>,
        new: &Arc<Config>,
        text: &str,
    ) -> bool {
        let lost = match old == new {
            true => Vec::new(),
            false => lost(&self.files.text, text, old, new),
        };
        if lost.is_empty() {
            if before.is_some_and(|early| early.until.is_some()) {
                tracing::info!(
                    "what was missing in the configuration is back: nothing was removed"
                );
            }
            return false;
        }
        let now = Instant::now();
        let until = match before.filter(|early| early.config == *new) {
            Some(same) => same.until.filter(|until| *until > now),
            None => {
                tracing::warn!(
                    "no longer configured: {}; will be removed in {} unless the files change",
                    listed(&lost),
                    units::duration(GONE)
                );
                Some(now + GONE)
            }
        };
        self.early = Some(Early {
            config: new.clone(),
            until,
        });
        until.is_some()
    }

    /// Why the new contracts are held back, if jobs in Redis would no longer fit. A
    /// contract that only a plugin has is checked when the plugin is loaded.
    async fn held(&self, old: &Config, new: &Config) -> Option<String> {
        for (name, queue) in &new.queues {
            let (Some(before), Some(after)) = (old.queues.get(name), &queue.base.contract) else {
                continue;
            };
            let before = before.base.contract.as_deref();
            if before == Some(after) || after.declared.is_none() {
                continue;
            }
            match self.shared.queue(queue).held(before, after).await {
                Ok(None) => {}
                Ok(held) => return held,
                Err(error) => return Some(error.to_string()),
            }
        }
        None
    }

    /// Put a configuration in force. What needs a plugin that is still being loaded
    /// follows once it serves.
    fn take_over(&mut self, new: Arc<Config>, text: String) {
        let old = self.config.borrow().clone();
        let what = match text == self.files.text {
            true => "changed secrets or contracts were",
            false => "queues.toml was",
        };
        self.files.text = text;
        self.files.said.send_replace(self.files.read.clone());
        self.early = None;
        let changes = Config::diff(&old, &new);
        tracing::info!(
            added = ?changes.added,
            changed = ?changes.changed,
            removed = ?changes.removed,
            plugins = ?changes.plugins,
            schedules = ?changes.schedules,
            server = changes.server,
            "{what} reloaded"
        );
        if !changes.restart.is_empty() {
            tracing::warn!(settings = ?changes.restart, "these settings need a restart");
        }
        for name in &changes.removed {
            self.leave(name, new.runtime.grace);
        }
        self.config.send_replace(new);
        self.declare();
    }

    /// Tell the host which queues plugins can add to, and which plugins there are.
    fn declare(&self) {
        let config = self.config.borrow();
        let queues: HashMap<_, _> = config
            .queues
            .values()
            .map(|queue| (queue.name.clone(), self.shared.queue(queue)))
            .collect();
        self.host.set_queues(queues);
        let plugins = &config.plugins;
        self.host
            .keep_databases(|plugin| plugins.contains_key(plugin));
    }

    /// Start the queues whose plugins have come to serve, change the settings of
    /// those that run, stop those that name none any more.
    fn reconcile(&mut self) {
        let config = self.config.borrow().clone();
        for queue in wanted(&config) {
            match self.workers.get_mut(&queue.name) {
                Some(consumer) => consumer.update(queue, &self.plugins),
                None => self.consume(queue),
            }
        }
        let idle: Vec<String> = self
            .workers
            .keys()
            .filter(|name| !wanted(&config).any(|queue| queue.name == **name))
            .cloned()
            .collect();
        for name in idle {
            self.leave(&name, config.runtime.grace);
        }
        self.consumed
            .send_replace(self.workers.keys().cloned().collect());
    }

    /// Start a queue, if all of its plugins serve.
    fn consume(&mut self, queue: &Arc<Queue>) {
        if self.leaving.contains_key(&queue.name) {
            tracing::debug!(queue = queue.name, "held until its earlier jobs have ended");
            return;
        }
        let missing: BTreeSet<&str> = queue
            .plugins()
            .filter(|name| self.plugins.get(name).is_none())
            .collect();
        if let Some(plugin) = missing.iter().find(|name| !self.plugins.is_loading(name)) {
            if self.waiting.insert(queue.name.clone()) {
                tracing::warn!(
                    queue = queue.name,
                    plugin,
                    "queue held: its plugin does not serve; the queue starts once the plugin's file is usable"
                );
            }
            return;
        }
        if !missing.is_empty() {
            tracing::debug!(queue = queue.name, plugins = ?missing, "held until its plugins are loaded");
            return;
        }
        if !self.reaches(queue) {
            return;
        }
        self.waiting.remove(&queue.name);
        let worker = Worker::spawn(self.shared.clone(), queue.clone());
        tracing::info!(
            queue = queue.name,
            plugin = queue.base.plugin.as_deref(),
            concurrency = queue.concurrency.get(),
            "consuming"
        );
        let queue = queue.clone();
        self.workers
            .insert(queue.name.clone(), Consumer { worker, queue });
    }

    /// Whether the databases of its plugins have answered.
    fn reaches(&mut self, queue: &Queue) -> bool {
        let plugins: BTreeSet<&str> = queue.plugins().collect();
        let unreached = plugins
            .into_iter()
            .find_map(|plugin| Some((plugin, self.host.reached(plugin).err()?)));
        let Some((plugin, why)) = unreached else {
            return true;
        };
        if let Some(reason) = why
            && self.waiting.insert(queue.name.clone())
        {
            tracing::warn!(
                queue = queue.name,
                plugin,
                reason,
                "queue held: a database of its plugin does not answer; the queue starts once it does"
            );
        }
        false
    }

    /// Drain the worker of a queue that is no longer wanted.
    fn leave(&mut self, name: &str, grace: Duration) {
        if let Some((name, consumer)) = self.workers.remove_entry(name) {
            consumer.worker.drain(grace);
            self.leaving.insert(name, consumer.worker);
        }
    }

    async fn drain(self, grace: Duration, mut drains: mpsc::UnboundedReceiver<Duration>) {
        let (hurry, hurried) = watch::channel(grace);
        let stopped = join_all(
            self.workers
                .into_values()
                .map(|consumer| consumer.worker)
                .chain(self.leaving.into_values())
                .map(|worker| stop_within(worker, hurried.clone())),
        );
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                Some(grace) = drains.recv() => {
                    hurry.send_replace(grace);
                }
            }
        }
    }
}

/// What the new configuration no longer has.
fn lost(before: &str, after: &str, old: &Config, new: &Config) -> Vec<String> {
    let mut lost = config::lost(before, after);
    for (name, queue) in &old.queues {
        let declared = |queue: &config::Queue| {
            let contract = queue.base.contract.clone()?;
            contract.declared.is_some().then_some(contract)
        };
        if let (Some(contract), Some(after)) = (declared(queue), new.queues.get(name))
            && after
                .base
                .contract
                .as_ref()
                .is_some_and(|after| after.declared.is_none())
        {
            lost.push(format!("the WIT file of {:?}", contract.id));
        }
    }
    lost
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    const FEW: usize = 5;
    let shown = names[..names.len().min(FEW)].join(", ");
    match names.len().saturating_sub(FEW) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Consumer {
    /// Use these settings, unless one of its plugins is just being replaced by the
    /// version that they are for.
    fn update(&mut self, queue: &Arc<Queue>, plugins: &Plugins) {
        if self.queue != *queue && !queue.plugins().any(|name| plugins.is_loading(name)) {
            self.worker.update(queue.clone());
            self.queue = queue.clone();
            tracing::info!(queue = queue.name, "queue uses its changed settings");
        }
    }
}
