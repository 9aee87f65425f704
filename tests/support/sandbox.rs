//! Plugins and executor without queues: attempts made by hand, with what they
//! would write to Redis recorded. Jobs without a server are for what Redis has no
//! part in; everything else goes through the real process.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use runner::config::{Config, JobSettings, Plugin, Redis as Address, RedisUrl, Runtime};
use runner::executor::Executor;
use runner::host::{Effect, Host, Http};
use runner::outcome::Outcome;
use runner::plugin::{self, Plugins};
use runner::queue::{Attempt, Job, Options, Settings};
use tempfile::TempDir;

use super::{PATIENCE, until};

/// The name of the plugin and of the queue.
pub(crate) const NAME: &str = "work";

/// One plugin, ready to take jobs.
pub(crate) struct Sandbox {
    directory: TempDir,
    pub(crate) host: Arc<Host>,
    pub(crate) plugins: Arc<Plugins>,
    executor: Executor,
}

/// An attempt that was started.
pub(crate) struct Running {
    pub(crate) attempt: Arc<Attempt>,
    outcome: Receiver<Outcome>,
}

impl Sandbox {
    /// This guest, with no grants.
    pub(crate) fn new(guest: &Path) -> Sandbox {
        Sandbox::granted(guest, Plugin::default())
    }

    /// This guest with these grants.
    pub(crate) fn granted(guest: &Path, grants: Plugin) -> Sandbox {
        let sandbox = Sandbox::empty(guest);
        sandbox.plugins.configure(&sandbox.config(grants));
        sandbox
    }

    /// This guest, loaded again when its file changes.
    pub(crate) fn watched(guest: &Path) -> Sandbox {
        let sandbox = Sandbox::empty(guest);
        let config = sandbox.config(Plugin::default());
        sandbox
            .plugins
            .configure_and_watch(&config)
            .expect("the directory can be watched");
        until("the plugin", || sandbox.digest());
        sandbox
    }

    /// Put other grants in force.
    pub(crate) fn regrant(&self, grants: Plugin) {
        self.plugins.configure(&self.config(grants));
    }

    fn empty(guest: &Path) -> Sandbox {
        let directory = TempDir::new().expect("a temporary directory");
        let host = host();
        let plugins = plugins(host.clone(), directory.path());
        let executor = Executor::new(host.clone(), plugins.clone(), threads()).unwrap();
        let sandbox = Sandbox {
            directory,
            host,
            plugins,
            executor,
        };
        sandbox.install(guest);
        sandbox
    }

    /// The plugin's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("work.wasm")
    }

    /// Replace the plugin's file in one step.
    pub(crate) fn install(&self, guest: &Path) {
        let beside = self.directory.path().join("work.new");
        std::fs::copy(guest, &beside).expect("a compiled guest");
        std::fs::rename(beside, self.file()).expect("a writable directory");
    }

    fn config(&self, grants: Plugin) -> Config {
        let plugin = Plugin {
            name: NAME.into(),
            file: self.file(),
            ..grants
        };
        config(self.directory.path(), [plugin])
    }

    /// The digest of the version in service.
    pub(crate) fn digest(&self) -> Option<String> {
        Some(self.plugins.get(NAME)?.digest.clone())
    }

    /// Start a job.
    pub(crate) fn start(&self, job: Job, settings: JobSettings) -> Running {
        let timeout = settings.timeout;
        let attempt = Arc::new(Attempt::trial(job, NAME, timeout));
        let (sender, outcome) = channel();
        let settings = JobSettings {
            plugin: settings.plugin.or(Some(NAME.into())),
            ..settings
        };
        self.executor
            .start(attempt.clone(), settings, move |_, _, outcome| {
                // A test that has ended does not wait for it.
                let _ = sender.send(outcome);
            });
        Running { attempt, outcome }
    }

    /// Run a job of this name and payload to its end.
    pub(crate) fn run(&self, name: &str, data: &str) -> Outcome {
        self.start(job(name, data), JobSettings::default())
            .outcome()
    }

    /// What the guest would have written to Redis.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.host.take_recorded()
    }
}

impl Running {
    /// Wait for its end.
    #[track_caller]
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome_within(PATIENCE)
    }

    /// Wait so long for its end.
    #[track_caller]
    pub(crate) fn outcome_within(&self, time: Duration) -> Outcome {
        self.outcome.recv_timeout(time).expect("an outcome, once")
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&self) -> bool {
        self.outcome.try_recv().is_err()
    }

    /// Its log lines since the last call, without their time.
    pub(crate) fn logs(&self) -> Vec<String> {
        let logs = self.attempt.take_notes().logs;
        let text = |line: String| line.split_once(' ').expect("a time").1.to_owned();
        logs.into_iter().map(text).collect()
    }
}

/// A job on its first attempt of one.
pub(crate) fn job(name: &str, data: &str) -> Job {
    Job {
        id: "1".into(),
        name: name.into(),
        data: data.into(),
        options: Options {
            attempts: 1,
            ..Options::default()
        },
        ..Job::default()
    }
}

/// Default settings with this timeout.
pub(crate) fn timeout(timeout: Duration) -> JobSettings {
    JobSettings {
        timeout,
        ..JobSettings::default()
    }
}

/// Plugins on this host, compiled by the real binary, kept in this directory.
pub(crate) fn plugins(host: Arc<Host>, directory: &Path) -> Arc<Plugins> {
    let config = config(directory, []);
    Plugins::new(host, &config.runtime, env!("CARGO_BIN_EXE_runner"))
}

/// A host that records, on the engine all tests share: each engine takes more
/// than a third of the address space.
pub(crate) fn host() -> Arc<Host> {
    static SHARED: OnceLock<(tokio::runtime::Runtime, wasmtime::Engine)> = OnceLock::new();
    let (io, engine) = SHARED.get_or_init(|| {
        let io = tokio::runtime::Runtime::new().expect("threads");
        (io, plugin::engine().expect("address space").0)
    });
    let http = Http::new(io.handle().clone());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scratch");
    let host = Host::new(engine.clone(), http, scratch).expect("links");
    Arc::new(host.recording([("other".to_owned(), undeclared("other"))].into()))
}

/// A configuration of nothing but plugins.
pub(crate) fn config(directory: &Path, plugins: impl IntoIterator<Item = Plugin>) -> Config {
    let plugins = plugins.into_iter();
    Config {
        redis: Address {
            url: RedisUrl::Url("redis://127.0.0.1".into()),
            by_queue: false,
            prefix: "bull".into(),
            presence: false,
        },
        runtime: Runtime {
            plugins: directory.to_owned(),
            contracts: directory.join("wit"),
            cache: directory.join("cache"),
            threads: threads(),
            grace: Duration::ZERO,
            lock: Duration::from_secs(30),
            stalled_interval: Duration::from_secs(15),
            max_stalled: 5,
            max_crashes: 2,
            max_plugin: 64 << 20,
            compile_timeout: Duration::from_secs(120),
            compile_memory: 4 << 30,
        },
        server: None,
        traces: Default::default(),
        queues: Default::default(),
        schedules: Vec::new(),
        routes: Vec::new(),
        plugins: plugins
            .map(|plugin| (plugin.name.clone(), Arc::new(plugin)))
            .collect(),
    }
}

fn threads() -> NonZeroUsize {
    NonZeroUsize::new(2).expect("two")
}

/// The settings of a queue that no configuration names.
pub(crate) fn undeclared(name: &str) -> Settings {
    let runtime = config(Path::new("."), []).runtime;
    Settings::undeclared(name, &runtime, "test".into())
}
