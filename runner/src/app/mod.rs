//! Connects all parts and owns their tasks, from start to drain; the [`keeper`]
//! handles what changes in between. Only the command line starts an application.
//!
//! A queue is consumed only while all of its plugins serve. A missing or refused
//! plugin holds its queue instead of failing jobs, and the queue starts by itself
//! once the plugin's file is usable.

mod build;
mod builder;
mod describe;
mod dev;
mod keeper;
mod leaving;
mod told;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

pub use self::build::{Report, Target, Unbuilt, build};
pub use self::builder::Builder;
use self::keeper::{Files, Keeper};
use crate::api;
use crate::bug;
use crate::config::{
    self, Config, Env, JobSettings, Loaded, Overrides, Problems, RedisUrl, Sources, explain_all,
};
use crate::deliver::Deliverer;
use crate::embedded::{self, Embedded};
use crate::executor::Executor;
use crate::host::{Host, Http};
use crate::observe::Meters;
use crate::observe::traces::Traces;
use crate::outbox::{self, Outbox};
use crate::plugin::{self, EngineError, Plugins};
use crate::queue::{self, Attempt, Redis, Renewal, Spacing};
use crate::schedules;
use crate::telemetry::limit::limited;
use crate::watch::{Place, Watcher};
use crate::worker::{self, Shared};

/// What to start with.
#[derive(Debug, Clone)]
pub struct Start {
    /// `queues.toml`.
    pub file: PathBuf,
    /// Command-line flags, which go before the file.
    pub overrides: Overrides,
    /// Answer plugins' HTTP requests locally, recording them in this directory.
    pub outbox: Option<PathBuf>,
    /// Build the plugins that have a source, now and whenever it changes.
    pub build: bool,
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
    /// The system does not let code be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The HTTP API does not get its address.
    #[error(transparent)]
    Listen(#[from] api::Unbound),
    /// The exporter of spans cannot be made.
    #[error("[traces]: {0}")]
    Traces(String),
    /// The system refuses threads or a watch.
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
    /// The configuration in force. The keeper writes it.
    config: watch::Receiver<Arc<Config>>,
    plugins: Arc<Plugins>,
    redis: Redis,
    /// Stopped last, after every worker has settled its jobs.
    embedded: Option<Embedded>,
    /// Names of the queues that are consumed. The keeper writes it.
    consumed: watch::Receiver<BTreeSet<String>>,
    /// Tells the keeper to drain, and how long jobs may go on.
    drain: mpsc::UnboundedSender<Duration>,
    /// Ends when all workers have been drained.
    keeper: JoinHandle<()>,
    /// Keeps the locks of running jobs, and other runners informed that this one
    /// lives.
    renewal: Renewal,
    /// Waits for the markers of all queues.
    listener: AbortHandle,
    /// Keeps the schedules.
    scheduler: AbortHandle,
    /// The HTTP API.
    server: api::Server,
    /// Says what this process is.
    describer: AbortHandle,
    /// Sends spans.
    traces: Option<Arc<Traces>>,
    /// Builds plugins from source.
    builds: Option<AbortHandle>,
}

impl App {
    // Long because each part is made once, in the order in which the next one needs it.
    /// Start everything. Waits until Redis answers, and logs what it waits for.
    ///
    /// # Errors
    /// When the configuration has mistakes or the system refuses something. A plugin
    /// that does not serve is not an error.
    pub async fn start(start: Start) -> Result<App, Error> {
        let (watcher, changes) = watch_files()?;
        let loaded = read(&start, &watcher, &Sources::default())
            .await
            .map_err(Error::Config)?;
        let said = said(&loaded);
        let config = Arc::new(loaded.config);
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let (redis, embedded) = connect(&config.redis).await?;
        let (host, system) = host(&start, config.runtime.scratch())?;
        let plugins = Plugins::new(host.clone(), &config.runtime, plugin::THIS);
        let builder = dev::start(&start, &host, &plugins, &config).await?;
        configure(&plugins, &config).await;
        let executor = Executor::new(host.clone(), plugins.clone(), config.runtime.threads)
            .map_err(Error::system("the guest threads do not start"))?;

        let (config_tx, config_rx) = watch::channel(config.clone());
        let deliverer = Deliverer::new(host.http().clone(), config_rx.clone());

        let meters = Arc::<Meters>::default();
        let runner = name();
        let traces = Traces::start(&config.traces, &runner).map_err(Error::Traces)?;
        let renewal = Renewal::start(&redis, config.runtime.lock, &runner)
            .map_err(Error::system("the renewal thread does not start"))?;
        renewal.settled_in().await;
        let shared = Shared {
            redis: redis.clone(),
            renewal: renewal.clone(),
            runner,
            runtime: Arc::new(config.runtime.clone()),
            presence: config.redis.presence,
            start: starts(executor, deliverer, meters.clone(), traces.clone()),
            died: {
                let meters = meters.clone();
                Arc::new(move |queue: &str, jobs| meters.died(queue, jobs))
            },
        };
        let listener = tokio::spawn(queue::listen(redis.clone())).abort_handle();

        let scheduler =
            tokio::spawn(schedules::keep(shared.clone(), config_rx.clone())).abort_handle();
        let (read, (said, said_rx)) = (said.clone(), watch::channel(said));
        let (consumed_tx, consumed) = watch::channel(BTreeSet::new());
        let server = api::Server::start(api::Parts {
            config: config_rx.clone(),
            said: said_rx,
            file: start.file.display().to_string(),
            system,
            plugins: plugins.clone(),
            redis: redis.clone(),
            runner: shared.runner.clone(),
            start: shared.start.clone(),
            consumed: consumed.clone(),
            meters,
        })?;
        let builds = builder.map(|builder| dev::keep(builder, config_rx.clone()));
        #[expect(clippy::disallowed_methods, reason = "two messages at most")]
        let (drain, drains) = mpsc::unbounded_channel();
        let describer = describe::keep(renewal.clone(), config_rx.clone(), consumed.clone());
        let describer = tokio::spawn(describer).abort_handle();
        let files = Files {
            start,
            watcher,
            text: loaded.text,
            sources: loaded.sources,
            read,
            said,
        };
        let keeper = Keeper::new(files, config_tx, plugins.clone(), host, shared, consumed_tx);
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
            server,
            traces,
            describer,
            builds,
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Where the HTTP API listens, if there is one.
    pub fn listens(&self) -> Option<api::Address> {
        self.server.address()
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

    /// Wait until each plugin serves or is refused.
    pub async fn loaded(&self) {
        let mut changes = self.plugins.changes();
        while self.plugins.list().iter().any(|plugin| plugin.loading) {
            // It ends only with the plugins.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Wait until all queues that name a plugin are consumed.
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

    /// Take nothing more and let running jobs end. After `grace`, or when `hurry` is
    /// done, the rest are stopped and return to their queues.
    pub async fn drain(self, grace: Duration, hurry: impl Future<Output = ()>) {
        self.scheduler.abort();
        self.server.leave();
        self.describer.abort();
        if let Some(builds) = &self.builds {
            builds.abort();
        }
        // The keeper listens as long as it runs.
        let _ = self.drain.send(grace);
        let mut keeper = self.keeper;
        let mut hurry = pin!(hurry.fuse());
        let stopped = Instant::now() + grace;
        let mut left = None;
        tokio::select! {
            _ = &mut keeper => {}
            () = &mut hurry => {
                left = Some(Duration::ZERO);
                let _ = self.drain.send(Duration::ZERO);
                let _ = keeper.await;
            }
        }
        let left = left.unwrap_or_else(|| stopped.saturating_duration_since(Instant::now()));
        self.server.stop(left.max(CLOSING), hurry).await;
        // When Redis cannot be told, other runners find out by themselves.
        let _ = self.renewal.leave(&self.redis).await;
        self.listener.abort();
        if let Some(traces) = self.traces {
            off_thread(move || traces.stop()).await;
        }
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// How long requests in flight get at least once all jobs have ended.
const CLOSING: Duration = Duration::from_secs(1);

/// A watcher that sends what has changed.
fn watch_files() -> Result<(Arc<Watcher>, mpsc::UnboundedReceiver<BTreeSet<PathBuf>>), Error> {
    #[expect(clippy::disallowed_methods, reason = "a message per quiet period")]
    let (changed, changes) = mpsc::unbounded_channel();
    let watcher = Watcher::start(move |paths| {
        // Nobody listens only while everything ends.
        let _ = changed.send(paths.clone());
    });
    let watcher = watcher.map_err(Error::system("files cannot be watched"))?;
    Ok((Arc::new(watcher), changes))
}

/// What is said of a configuration.
fn said(loaded: &Loaded) -> api::Said {
    api::Said {
        explained: explain_all(loaded),
        warnings: loaded.warnings.clone().into(),
    }
}

/// What plugins can reach, and what of this system makes them slower.
fn host(start: &Start, scratch: PathBuf) -> Result<(Arc<Host>, Vec<String>), Error> {
    let mut http = Http::new(start.network.clone());
    if let Some(data) = &start.outbox {
        let rules = start.file.with_file_name(outbox::RULES);
        http = http.with_outbox(Arc::new(Outbox::new(data, rules)?));
    }
    let (engine, warnings) = plugin::engine()?;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let host = Host::new(engine, http, scratch).map_err(Error::system("the host does not link"))?;
    Ok((Arc::new(host), warnings))
}

/// The executor, and who delivers webhooks, as workers know them; each end is counted,
/// logged and traced first.
fn starts(
    executor: Executor,
    deliverer: Deliverer,
    meters: Arc<Meters>,
    traces: Option<Arc<Traces>>,
) -> worker::Start {
    Arc::new(move |attempt, settings, done| {
        let (meters, traces) = (meters.clone(), traces.clone());
        if let Some(traces) = &traces {
            traces.begin(&attempt);
        }
        let done = move |attempt: Arc<Attempt>, settings: &JobSettings, outcome| {
            // A missing line or count is no reason to keep the job.
            let _ = bug::caught(|| {
                meters.ended(&attempt, settings, &outcome);
                told::tell(&attempt, settings, &outcome);
                if let Some(traces) = &traces {
                    traces.end(&attempt, &outcome);
                }
            });
            done(attempt, outcome);
        };
        match settings.plugin {
            Some(_) => executor.start(attempt, settings.clone(), done),
            None => deliverer.start(attempt, settings.clone(), done),
        }
    })
}

/// The queues that should be consumed.
fn wanted(config: &Config) -> impl Iterator<Item = &Arc<config::Queue>> {
    config.queues.values().filter(|queue| queue.is_consumed())
}

fn load(start: &Start) -> Result<Loaded, Problems> {
    Config::load(&start.file, &start.overrides, &Env::of_process())
}

/// Serve the plugins of this configuration from now on.
async fn configure(plugins: &Arc<Plugins>, config: &Arc<Config>) {
    let (plugins, config) = (plugins.clone(), config.clone());
    off_thread(move || {
        if let Err(error) = plugins.configure_and_watch(&config) {
            tracing::warn!(%error, "changes of plugins will not be noticed");
        }
    })
    .await;
}

/// Do what may block on the file system without holding up the async threads.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let work = tokio::task::spawn_blocking(work);
    work.await.expect("looking at files does not panic")
}

/// Connect to Redis, however long it takes.
async fn connect(config: &config::Redis) -> Result<(Redis, Option<Embedded>), Error> {
    let (url, embedded) = match &config.url {
        RedisUrl::Url(url) => (url.clone(), None),
        RedisUrl::Embedded(dir) => {
            let embedded = Embedded::start(dir).await?;
            (embedded.url(), Some(embedded))
        }
    };
    let redis = Redis::new(&url, &config.prefix)?;
    let mut pause = Spacing::default();
    while let Err(error) = redis.ping().await {
        limited!(warn, redis.address(), "{error}; trying again");
        tokio::time::sleep(pause.next()).await;
    }
    Ok((redis, embedded))
}

/// The name of this runner: `RUNNER_NAME`, or the host's.
#[expect(clippy::disallowed_methods, reason = "not a setting of the file")]
fn name() -> String {
    std::env::var("RUNNER_NAME").unwrap_or_else(|_| {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    })
}

/// Read the configuration, and watch everything that it was read from. `known` is
/// what an earlier reading was made of; it stays watched when this one has mistakes.
async fn read(start: &Start, watcher: &Arc<Watcher>, known: &Sources) -> Result<Loaded, Problems> {
    loop {
        let read = load(start);
        let places = match &read {
            Ok(loaded) => places(start, &loaded.sources),
            Err(problems) => &places(start, problems.sources()) | &places(start, known),
        };
        let watcher = watcher.clone();
        // What is watched only from now on may have changed since it was read.
        if !off_thread(move || watcher.watch(places)).await {
            return read;
        }
    }
}

/// The files that a configuration is made of.
fn places(start: &Start, sources: &Sources) -> BTreeSet<Place> {
    let files = sources.secrets.iter().chain([&start.file]);
    let files = files.cloned().map(Place::File);
    let contracts = sources.contracts.iter().cloned();
    files
        .chain(contracts.map(|directory| Place::Tree(directory, "wit")))
        .collect()
}
