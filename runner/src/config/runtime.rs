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
    /// How long running jobs may go on after SIGTERM. Then they are stopped and
    /// handed back. Defaults to 25 s, below Kubernetes' 30 s.
    pub grace: Duration,
    /// How long a job is locked, renewed at a third of it. Defaults to 30 s, as
    /// BullMQ's `lockDuration`.
    pub lock: Duration,
    /// How often jobs of dead workers are looked for; at most half of `lock`
    /// is sensible. Defaults to 15 s (BullMQ's `stalledInterval` is 30 s).
    pub stalled_interval: Duration,
    /// How often a job may stall before it fails. Defaults to 5 (BullMQ: 1,
    /// which fails jobs that were never started after two lost replies).
    pub max_stalled: u32,
    /// A job that was running in so many runners when they died fails, before it
    /// ends the whole fleet. Defaults to 2; 0 is no limit.
    pub max_crashes: u32,
    /// Bytes of a plugin's file. Defaults to 64 MiB: Python's have 20.
    pub max_plugin: usize,
    /// How long one plugin may be compiled. Whole seconds; defaults to 120: large
    /// ones take 20 on two cores, and a start compiles as many at once as there are
    /// cores.
    pub compile_timeout: Duration,
    /// Bytes of memory for compiling one plugin. Defaults to 4 GiB: large ones take
    /// one or two.
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
