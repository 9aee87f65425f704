//! `[runtime]`: how this process runs jobs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// `[runtime]`: how this process runs jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    /// Directory of the plugins; `<name>.wasm` is plugin `<name>`. Defaults to
    /// `plugins` beside `queues.toml`.
    pub plugins: PathBuf,
    /// Directory of the contracts, WIT files. Defaults to `wit` beside
    /// `queues.toml`, which need not exist.
    pub contracts: PathBuf,
    /// Private directory of compiled code. Defaults to
    /// `$XDG_CACHE_HOME/runner` or `~/.cache/runner`.
    pub cache: PathBuf,
    /// Threads that run guests. Defaults to the number of cores.
    pub threads: NonZeroUsize,
    /// How long running jobs get to finish after SIGTERM. Then they are stopped and
    /// return to the queue. Defaults to 25 s, below Kubernetes' 30 s.
    pub grace: Duration,
    /// How long a job is locked; the lock is renewed after a third of it. Defaults
    /// to 30 s, as BullMQ's `lockDuration` does.
    pub lock: Duration,
    /// The time between two looks for jobs of dead workers; more than half of
    /// `lock` makes no sense. Defaults to 15 s (BullMQ's `stalledInterval` is 30 s).
    pub stalled_interval: Duration,
    /// How often a job may stall before it fails. Defaults to 5 (BullMQ: 1,
    /// which fails jobs that were never started after two lost replies).
    pub max_stalled: u32,
    /// A job that was running in this many runners when they died fails, before it
    /// brings down the whole fleet. Defaults to 2; 0 means no limit.
    pub max_crashes: u32,
    /// The most bytes that a plugin's file may have. Defaults to 64 MiB: those made
    /// from Python have 20.
    pub max_plugin: usize,
    /// How long the compilation of one plugin may take, in whole seconds. Defaults
    /// to 120: large plugins take 20 on two cores, and at the start as many are
    /// compiled at once as there are cores.
    pub compile_timeout: Duration,
    /// Bytes of memory that the compilation of one plugin may use. Defaults to
    /// 4 GiB: large plugins take one or two.
    pub compile_memory: usize,
}

/// What nobody set, with the paths as the file would write them; each value is
/// explained at its field.
impl Default for Runtime {
    fn default() -> Self {
        Self {
            plugins: "plugins".into(),
            contracts: "wit".into(),
            cache: PathBuf::new(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            grace: Duration::from_secs(25),
            lock: Duration::from_secs(30),
            stalled_interval: Duration::from_secs(15),
            max_stalled: 5,
            max_crashes: 2,
            max_plugin: 64 << 20,
            compile_timeout: Duration::from_secs(120),
            compile_memory: 4 << 30,
        }
    }
}

impl Runtime {
    /// Where the scratch directories of jobs are made.
    pub fn scratch(&self) -> PathBuf {
        self.cache.join("scratch")
    }
}
