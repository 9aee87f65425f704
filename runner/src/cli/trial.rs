//! Plugins and jobs without Redis: for every command that loads a plugin itself.
//!
//! What a guest would write is recorded instead. A job that is tried looks to its
//! plugin as one that was just added and taken.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Exit, Result, target};
use crate::config::{self, Config, Contract, JobSettings, Loaded, Queue, SwapCheck};
use crate::executor::Executor;
use crate::host::{Host, Http};
use crate::plugin::{self, Plugin, Plugins, Status};
use crate::queue::{Attempt, Job, Options, Settings};

/// Plugins, loaded as the server loads them, over a host that records what they
/// would write.
pub(super) struct Bench {
    pub(super) host: Arc<Host>,
    pub(super) plugins: Arc<Plugins>,
}

impl Bench {
    /// Load all plugins of a configuration.
    pub(super) fn new(host: Host, config: &Config) -> Bench {
        let queues = config.queues.iter().map(|(name, queue)| {
            let settings = Settings::of(queue, &config.runtime, "trial".to_owned());
            (name.clone(), settings)
        });
        let host = Arc::new(host.recording(queues.collect()));
        let plugins = Plugins::new(host.clone(), &config.runtime, plugin::THIS);
        plugins.configure(config);
        Bench { host, plugins }
    }

    /// The plugin of this name, or why it does not serve.
    pub(super) fn plugin(&self, name: &str) -> Result<Arc<Plugin>> {
        self.plugins.get(name).ok_or_else(|| {
            let status = self.plugins.list().into_iter();
            let why = status
                .filter(|status| status.name == name)
                .map(|status| why(&status));
            Exit::failed(format!("plugin {name:?}: {}", why.collect::<String>()))
        })
    }

    /// What runs one job after the other.
    pub(super) fn executor(&self) -> Result<Executor> {
        Executor::new(self.host.clone(), self.plugins.clone(), NonZeroUsize::MIN)
            .map_err(Exit::failed)
    }
}

/// Load all plugins of a configuration to look at them. With them come the things of
/// this system that make it slower.
pub(super) fn load(config: &Config) -> Result<(Bench, Vec<String>)> {
    // The host wants a runtime for HTTP, which nothing uses here.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(Exit::failed)?;
    let (engine, warnings) = plugin::engine()?;
    let http = Http::new(runtime.handle().clone());
    let host = Host::new(engine, http, config.runtime.scratch()).map_err(Exit::failed)?;
    Ok((Bench::new(host, config), warnings))
}

/// The configuration with one plugin: this file, with the grants of that name or
/// none.
pub(super) fn only(config: &Config, file: &Path, name: &str) -> Config {
    let grants = config.plugins.get(name);
    let plugin = config::Plugin {
        name: name.to_owned(),
        file: file.to_owned(),
        unbound: grants.is_none(),
        ..grants.map(|grants| (**grants).clone()).unwrap_or_default()
    };
    Config {
        plugins: [(name.to_owned(), Arc::new(plugin))].into(),
        ..config.clone()
    }
}

/// Why a plugin does not serve; empty when it does.
pub(super) fn why(status: &Status) -> String {
    let refusal = status.refusal.as_ref();
    refusal.map(ToString::to_string).unwrap_or_default()
}

/// Where a job is tried.
pub(super) struct Place {
    /// The queue's name.
    pub(super) queue: String,
    /// What the job may use.
    pub(super) settings: JobSettings,
    /// Attempts of a job that is added to the queue.
    pub(super) attempts: u32,
}

/// The queue of this name, or else the first whose jobs of this name the plugin
/// handles, or else none, with the defaults.
pub(super) fn place(
    loaded: &Loaded,
    queue: Option<&str>,
    plugin: &str,
    job: &str,
) -> Result<Place> {
    let serves = |queue: &&Arc<Queue>| queue.settings(job).plugin.as_deref() == Some(plugin);
    let queue = match queue {
        Some(name) => Some(target::declared(loaded, name)?),
        None => loaded
            .config
            .queues
            .values()
            .find(serves)
            .map(|queue| &**queue),
    };
    let settings = queue.map_or_else(JobSettings::default, |queue| queue.settings(job).clone());
    Ok(Place {
        queue: queue.map_or("trial", |queue| &queue.name).to_owned(),
        settings,
        attempts: queue.and_then(|queue| queue.defaults.attempts).unwrap_or(1),
    })
}

impl Place {
    /// An attempt of a job that was taken here just now.
    pub(super) fn attempt(&self, job: Job) -> Arc<Attempt> {
        Arc::new(Attempt::trial(job, &self.queue, self.settings.timeout))
    }
}

/// The contract of a plugin that no queue names, for a job of this name.
pub(super) fn own(plugin: &Plugin, job: &str) -> Option<Arc<Contract>> {
    let mut contracts = plugin.doors.contracts();
    let contract = contracts.find(|contract| contract.function(job).is_some())?;
    Some(Arc::new(Contract {
        queue: String::new(),
        id: contract.id.clone(),
        declared: None,
        names: Vec::new(),
        strict: false,
        swap_check: SwapCheck::default(),
        routed: Vec::new(),
        memory: JobSettings::default().memory,
    }))
}

/// A job that was added now and is in this attempt, from 1, of `attempts`.
pub(super) fn job(id: &str, name: &str, data: String, attempt: u32, attempts: u32) -> Job {
    #[expect(clippy::disallowed_methods, reason = "this job is not in Redis")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis() as u64);
    Job {
        id: id.to_owned(),
        name: name.to_owned(),
        data,
        attempts_made: attempt - 1,
        starts: attempt,
        options: Options {
            attempts,
            ..Options::default()
        },
        added_at: now,
        started_at: now,
        ..Job::default()
    }
}
