//! Wires all parts and owns their tasks: start, reload, drain.
//!
//! A queue is consumed while all of its plugins serve: a missing or refused
//! plugin holds its queue instead of failing jobs, and the queue starts by itself
//! when the file is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::config::{self, Config, Env, Loaded, Overrides, Problems, RedisUrl};
use crate::embedded::{self, Embedded};
use crate::executor::Executor;
use crate::host::Host;
use crate::host::http::Http;
use crate::outbox::{self, Outbox};
use crate::outcome::Outcome;
use crate::plugin::{self, Plugins, Watcher};
use crate::queue::{self, Attempt, Pause, Redis, Renewal};
use crate::schedules;
use crate::worker::{Shared, Worker};

/// How often it is looked whether the jobs that held a change back are done.
const AGAIN: Duration = Duration::from_secs(5);

/// What to start with.
#[derive(Debug, Clone)]
pub struct Start {
    /// `queues.toml`.
    pub file: PathBuf,
    /// Command-line flags, which go before the file.
    pub overrides: Overrides,
    /// Answer plugins' HTTP requests locally, recording them in this directory.
    pub outbox: Option<PathBuf>,
    /// Where plugins' HTTP requests are driven, apart from the queues.
    pub network: tokio::runtime::Handle,
}

/// Why Runner does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration has mistakes.
    #[error("{}", .0.render(false))]
    Config(Problems),
    /// No embedded Redis.
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    /// The URL of Redis cannot be used.
    #[error(transparent)]
    Redis(#[from] queue::Error),
    /// The outbox cannot be used.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
    /// The system refuses threads, address space or a watch.
    #[error("{0}: {1}")]
    System(&'static str, String),
}

impl Error {
    fn system<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Error {
        move |error| Error::System(what, error.to_string())
    }
}

/// A running Runner.
#[derive(Debug)]
pub struct App {
    config: watch::Receiver<Arc<Config>>,
    plugins: Arc<Plugins>,
    redis: Redis,
    embedded: Option<Embedded>,
    /// Names of the queues that are consumed just now.
    consumed: watch::Receiver<BTreeSet<String>>,
    drain: mpsc::UnboundedSender<Duration>,
    keeper: JoinHandle<()>,
    renewal: Renewal,
    listener: AbortHandle,
    scheduler: AbortHandle,
    _watcher: Watcher,
}

impl App {
    /// Start everything. Waits until Redis answers, telling what it dials.
    ///
    /// # Errors
    /// When the configuration is wrong or the system refuses something. A plugin
    /// that does not serve is no error.
    pub async fn start(start: Start) -> Result<App, Error> {
        let loaded = load(&start).map_err(Error::Config)?;
        let config = Arc::new(loaded.config);
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let (redis, embedded) = connect(&config.redis).await?;

        let mut http = Http::new(start.network.clone());
        if let Some(data) = &start.outbox {
            let rules = start.file.with_file_name(outbox::RULES);
            http = http.with_outbox(Arc::new(Outbox::new(data, rules)?));
        }
        let engine = plugin::engine().map_err(Error::system("the engine does not start"))?;
        let host = Host::new(engine, http).map_err(Error::system("the host does not link"))?;
        let host = Arc::new(host);
        let plugins = Plugins::new(host.clone(), &config.runtime.cache);
        configure(&plugins, &config).await;
        let executor = Executor::new(host.clone(), plugins.clone(), config.runtime.threads)
            .map_err(Error::system("the guest threads do not start"))?;

        let runner = name();
        let renewal = Renewal::start(&redis, config.runtime.lock, &runner)
            .map_err(Error::system("the renewal thread does not start"))?;
        renewal.settled_in().await;
        let shared = Shared {
            redis: redis.clone(),
            renewal: renewal.clone(),
            runner,
            runtime: Arc::new(config.runtime.clone()),
            presence: config.redis.presence,
            start: Arc::new(move |attempt, settings, done| {
                let done = move |attempt: Arc<Attempt>, outcome| {
                    tell(&attempt, &outcome);
                    done(attempt, outcome);
                };
                executor.start(attempt, settings.clone(), done);
            }),
        };
        let listener = tokio::spawn(queue::listen(redis.clone())).abort_handle();

        let (changed, changes) = mpsc::unbounded_channel();
        let watcher = watch_files(&start.file, &config.runtime.contracts, changed)
            .map_err(Error::system("queues.toml cannot be watched"))?;
        let (config_tx, config_rx) = watch::channel(config.clone());
        let scheduler =
            tokio::spawn(schedules::keep(shared.clone(), config_rx.clone())).abort_handle();
        let (consumed_tx, consumed) = watch::channel(BTreeSet::new());
        let (drain, drains) = mpsc::unbounded_channel();
        let keeper = Keeper {
            start,
            config: config_tx,
            plugins: plugins.clone(),
            host,
            shared,
            workers: BTreeMap::new(),
            leaving: BTreeMap::new(),
            consumed: consumed_tx,
            held: None,
        };
        let keeper = tokio::spawn(keeper.run(changes, drains));
        Ok(App {
            config: config_rx,
            plugins,
            redis,
            embedded,
            consumed,
            drain,
            keeper,
            renewal,
            listener,
            scheduler,
            _watcher: watcher,
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Where Redis is, without password.
    pub fn address(&self) -> &str {
        self.redis.address()
    }

    /// The URL for producers, when the Redis is an embedded one.
    pub fn producers(&self) -> Option<String> {
        self.embedded.as_ref().map(Embedded::url)
    }

    /// The plugins.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// When all queues that name a plugin are consumed.
    pub async fn ready(&self) {
        let mut consumed = self.consumed.clone();
        let all = |consumed: &BTreeSet<String>| {
            let config = self.config.borrow();
            wanted(&config).all(|queue| consumed.contains(&queue.name))
        };
        // It ends only with the keeper, which is then what the caller hears of.
        let _ = consumed.wait_for(all).await;
        tracing::info!(
            queues = consumed.borrow().len(),
            redis = self.address(),
            "ready"
        );
    }

    /// Take nothing more and let running jobs end. After `grace`, or when
    /// `hurry` is done, the rest is stopped and handed back.
    pub async fn drain(self, grace: Duration, hurry: impl Future<Output = ()>) {
        self.scheduler.abort();
        // The keeper listens as long as it runs.
        let _ = self.drain.send(grace);
        let mut keeper = self.keeper;
        tokio::select! {
            _ = &mut keeper => {}
            () = hurry => {
                let _ = self.drain.send(Duration::ZERO);
                let _ = keeper.await;
            }
        }
        // Others find out by themselves when Redis cannot be told.
        let _ = self.renewal.leave(&self.redis).await;
        self.listener.abort();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// Failures are worth a line each; the ends of the others are for `-v`.
fn tell(attempt: &Attempt, outcome: &Outcome) {
    let (queue, job) = (attempt.queue.name(), attempt.job.id.as_str());
    let number = attempt.job.attempts_made + 1;
    match outcome {
        Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
            let of = attempt.job.options.attempts;
            let cause = failure.cause.as_str();
            tracing::warn!(
                queue,
                job,
                attempt = number,
                of,
                cause,
                reason = failure.reason,
                "attempt failed"
            );
        }
        Outcome::Snoozed { delay, reason } => {
            tracing::info!(queue, job, ?delay, reason, "snoozed");
        }
        Outcome::WaitingChildren => tracing::debug!(queue, job, "waits for its children"),
        Outcome::RateLimited { delay, reason } => {
            tracing::info!(queue, job, ?delay, reason, "rate limited");
        }
        Outcome::Completed(_) => {
            let took = attempt.started.elapsed();
            tracing::debug!(queue, job, ?took, "completed");
        }
        Outcome::Moved(to) => tracing::info!(queue, job, to, "moved: no plugin handles it"),
        Outcome::Released | Outcome::Lost => {}
    }
}

/// The queues that are to be consumed.
fn wanted(config: &Config) -> impl Iterator<Item = &Arc<config::Queue>> {
    config.queues.values().filter(|queue| queue.is_consumed())
}

fn load(start: &Start) -> Result<Loaded, Problems> {
    Config::load(&start.file, &start.overrides, &Env::of_process())
}

async fn configure(plugins: &Arc<Plugins>, config: &Arc<Config>) {
    let (plugins, config) = (plugins.clone(), config.clone());
    off_thread(move || {
        if let Err(error) = plugins.configure_and_watch(&config) {
            tracing::warn!(%error, "changed plugins will not be seen");
        }
    })
    .await;
}

/// Compiling blocks for seconds.
async fn off_thread(work: impl FnOnce() + Send + 'static) {
    let work = tokio::task::spawn_blocking(work);
    work.await.expect("loading plugins does not panic");
}

/// Connect, however long it takes.
async fn connect(config: &config::Redis) -> Result<(Redis, Option<Embedded>), Error> {
    let (url, embedded) = match &config.url {
        RedisUrl::Url(url) => (url.clone(), None),
        RedisUrl::Embedded(dir) => {
            let embedded = Embedded::start(dir).await?;
            (embedded.url(), Some(embedded))
        }
    };
    let redis = Redis::new(&url, &config.prefix)?;
    let mut pause = Pause::default();
    while let Err(error) = redis.ping().await {
        tracing::warn!("{error}; trying again");
        tokio::time::sleep(pause.next()).await;
    }
    Ok((redis, embedded))
}

/// The name of this runner: `RUNNER_NAME`, or the host's.
fn name() -> String {
    std::env::var("RUNNER_NAME").unwrap_or_else(|_| {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    })
}

/// Tell when `queues.toml` or a contract changes.
fn watch_files(
    file: &Path,
    contracts: &Path,
    changed: mpsc::UnboundedSender<()>,
) -> notify::Result<Watcher> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut directories = BTreeSet::from([directory]);
    with_those_below(contracts, &mut directories);
    let name = file.file_name().map(ToOwned::to_owned);
    Watcher::start(directories, move |paths| {
        let concerns = |path: &PathBuf| {
            path.file_name() == name.as_deref() || path.extension().is_some_and(|of| of == "wit")
        };
        if paths.iter().any(concerns) {
            // Nobody listens only while everything ends.
            let _ = changed.send(());
        }
    })
}

/// A directory, if there is one, and all below it.
fn with_those_below(directory: &Path, all: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    all.insert(directory.to_owned());
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            with_those_below(&path, all);
        }
    }
}

/// Keeps the workers as configuration and plugins want them.
struct Keeper {
    start: Start,
    config: watch::Sender<Arc<Config>>,
    plugins: Arc<Plugins>,
    host: Arc<Host>,
    shared: Shared,
    workers: BTreeMap<String, Worker>,
    /// Workers whose queue is no longer wanted, until their jobs have ended. A
    /// queue has one worker at a time: a second one would take the jobs of the
    /// first for orphans.
    leaving: BTreeMap<String, Worker>,
    consumed: watch::Sender<BTreeSet<String>>,
    /// Why an edited contract is not taken over yet.
    held: Option<String>,
}

impl Keeper {
    async fn run(
        mut self,
        mut changes: mpsc::UnboundedReceiver<()>,
        mut drains: mpsc::UnboundedReceiver<Duration>,
    ) {
        let mut plugins = self.plugins.changes();
        self.declare();
        loop {
            self.reconcile();
            tokio::select! {
                Ok(()) = plugins.changed() => {}
                Some(()) = changes.recv() => {
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

    /// Take what was held back, and the configuration if it was edited. The time to
    /// drain in when that is asked meanwhile: a stop does not wait for compilers.
    async fn reload(
        &mut self,
        edited: bool,
        drains: &mut mpsc::UnboundedReceiver<Duration>,
    ) -> Option<Duration> {
        let read = async {
            let plugins = self.plugins.clone();
            off_thread(move || plugins.load_held()).await;
            if !edited && self.held.is_none() {
                return None;
            }
            let new = self.read().await?;
            configure(&self.plugins, &new).await;
            Some(new)
        };
        tokio::select! {
            new = read => {
                if let Some(new) = new {
                    self.take_over(new);
                }
                None
            }
            grace = drains.recv() => Some(grace.unwrap_or_default()),
        }
    }

    /// Read the configuration again: the new one, if it is another, has no
    /// mistakes and jobs in Redis let it. A bad edit changes nothing.
    async fn read(&mut self) -> Option<Arc<Config>> {
        let told = self.held.take();
        // An editor that truncates before it writes must not stop all queues.
        if std::fs::metadata(&self.start.file).is_ok_and(|file| file.len() == 0) {
            tracing::error!("queues.toml is empty and was not taken over");
            return None;
        }
        let new = match load(&self.start) {
            Ok(loaded) => Arc::new(loaded.config),
            Err(problems) => {
                tracing::error!(
                    "{}\nqueues.toml was not taken over; the configuration before it stays in force",
                    problems.render(false)
                );
                return None;
            }
        };
        let old = self.config.borrow().clone();
        self.held = self.held(&old, &new).await;
        if let Some(why) = &self.held
            && told.as_ref() != Some(why)
        {
            tracing::warn!(
                "queues.toml changes a contract, and is held back: {why} (`swap_check = \"off\"` of the queue lets it in)"
            );
        }
        (self.held.is_none() && old != new).then_some(new)
    }

    /// Whether jobs in Redis would no longer fit their contract. One that only a
    /// plugin has is looked at when the plugin is loaded.
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

    /// Put a configuration in force whose plugins have been loaded.
    fn take_over(&mut self, new: Arc<Config>) {
        let old = self.config.borrow().clone();
        let changes = Config::diff(&old, &new);
        tracing::info!(
            added = ?changes.added,
            changed = ?changes.changed,
            removed = ?changes.removed,
            plugins = ?changes.plugins,
            schedules = ?changes.schedules,
            "queues.toml was taken over"
        );
        if !changes.restart.is_empty() {
            tracing::warn!(settings = ?changes.restart, "these settings need a restart");
        }
        for name in &changes.removed {
            self.leave(name, new.runtime.grace);
        }
        for name in &changes.changed {
            if let (Some(worker), Some(queue)) = (self.workers.get(name), new.queues.get(name)) {
                worker.update(queue.clone());
            }
        }
        self.config.send_replace(new);
        self.declare();
    }

    /// Tell the host which queues plugins can add to.
    fn declare(&self) {
        let config = self.config.borrow();
        let queues: HashMap<_, _> = config
            .queues
            .values()
            .map(|queue| (queue.name.clone(), self.shared.queue(queue)))
            .collect();
        self.host.set_queues(queues);
    }

    /// Start the queues whose plugins have come to serve, stop those that name
    /// none any more.
    fn reconcile(&mut self) {
        let config = self.config.borrow().clone();
        for queue in wanted(&config) {
            if self.workers.contains_key(&queue.name) {
                continue;
            }
            let missing: Vec<&str> = queue
                .plugins()
                .filter(|name| self.plugins.get(name).is_none())
                .collect();
            if self.leaving.contains_key(&queue.name) {
                tracing::debug!(queue = queue.name, "held until its earlier jobs have ended");
                continue;
            }
            if !missing.is_empty() {
                tracing::debug!(queue = queue.name, plugins = ?missing, "held until its plugins serve");
                continue;
            }
            let worker = Worker::spawn(self.shared.clone(), queue.clone());
            tracing::info!(
                queue = queue.name,
                plugin = queue.base.plugin.as_deref(),
                concurrency = queue.concurrency.get(),
                "consuming"
            );
            self.workers.insert(queue.name.clone(), worker);
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

    /// Let the worker of a queue that is no longer wanted end its jobs.
    fn leave(&mut self, name: &str, grace: Duration) {
        if let Some((name, worker)) = self.workers.remove_entry(name) {
            worker.drain(grace);
            self.leaving.insert(name, worker);
        }
    }

    async fn drain(self, grace: Duration, mut drains: mpsc::UnboundedReceiver<Duration>) {
        let (hurry, hurried) = watch::channel(grace);
        let stopped = join_all(
            self.workers
                .into_values()
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

/// Stop a worker; a new grace on the way counts from then.
async fn stop_within(mut worker: Worker, mut grace: watch::Receiver<Duration>) {
    loop {
        worker.drain(*grace.borrow_and_update());
        tokio::select! {
            () = worker.stopped() => return,
            Ok(()) = grace.changed() => {}
        }
    }
}

/// When one of these workers has settled its last job: the name of its queue.
async fn left(leaving: &mut BTreeMap<String, Worker>) -> String {
    let stopped = leaving.iter_mut().map(|(name, worker)| async move {
        worker.stopped().await;
        name.clone()
    });
    let mut stopped: FuturesUnordered<_> = stopped.collect();
    match stopped.next().await {
        Some(name) => name,
        None => std::future::pending().await,
    }
}
