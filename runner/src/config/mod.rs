//! `queues.toml` as it is used: checked, complete, with every default filled
//! in.
//!
//! [`Config::load`] reads the file, the environment and the flags, and either
//! returns a whole [`Config`] or all mistakes at once ([`Problems`]). It reads
//! files and connects to nothing. The way of a value: [`decode`] walks the TOML
//! and remembers where each value came from, [`value`] knows the kinds of
//! values, the `load` modules fill the types below, [`explain`](explain()) shows
//! values with their origin, and [`Config::diff`] says what a reload changes.

mod address;
mod decode;
mod diff;
mod env;
mod explain;
mod load;
mod lost;
mod mask;
mod origins;
mod problem;
mod schedule;
mod syntax;
mod value;

pub(crate) use address::{Address, Host, Route, Tls, Trust, tag};
pub use decode::keys;
pub use diff::Changes;
pub use env::{Env, Overrides};
pub use explain::{Explanation, explain};
pub use load::{Loaded, Sources};
pub use lost::lost;
pub use mask::masked;
pub use origins::{Origins, Source};
pub use problem::Problems;
pub use schedule::{Schedule, When};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{self, Function, Interface, Rules, unversioned};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[redis]`
    pub redis: Redis,
    /// `[runtime]`
    pub runtime: Runtime,
    /// `[queues.<name>]`
    pub queues: BTreeMap<String, Arc<Queue>>,
    /// `[plugins.<name>]`; a plugin that is named by a queue and has no table
    /// of its own is here with the defaults (no grants).
    pub plugins: BTreeMap<String, Arc<Plugin>>,
    /// `[[schedules]]` in the order of the file.
    pub schedules: Vec<Arc<Schedule>>,
}

/// Where the queues are.
#[derive(Debug, Clone, PartialEq)]
pub struct Redis {
    /// `url`: a Redis URL, or `"embedded"`.
    pub url: RedisUrl,
    /// Prefix of all keys, may contain `:`. Defaults to `bull`.
    pub prefix: String,
    /// A Cluster on which each queue has the slot of the tag in its own name, as the
    /// prefix has none.
    pub by_queue: bool,
    /// One idle named connection per queue, so that BullMQ's `getWorkers` and
    /// Bull Board see this worker. Defaults to true.
    pub presence: bool,
}

impl Redis {
    /// Whether no script can reach the keys of both queues.
    pub(crate) fn parts(&self, queue: &str, other: &str) -> bool {
        self.by_queue && tag(queue) != tag(other)
    }
}

/// The address of Redis.
#[derive(Debug, Clone, PartialEq)]
pub enum RedisUrl {
    /// `redis://`, `rediss://` or `unix://`, with user, password and database;
    /// `redis+sentinel://` or `redis+cluster://` with a list of hosts; options behind
    /// a `?`. Usable in form; files that it names are read later.
    Url(String),
    /// A private `redis-server` child with its data in this directory.
    Embedded(PathBuf),
}

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

/// `[queues.<name>]`: how one queue is consumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Name without prefix; not empty, without `:`.
    pub name: String,
    /// How many jobs run at once in this process. Defaults to 10.
    pub concurrency: NonZeroUsize,
    /// At most `max` starts per `duration` over all workers of the queue
    /// (BullMQ's worker limiter).
    pub limiter: Option<Limiter>,
    /// Limits for each group of jobs, over all Runners of the queue.
    pub group: Option<Group>,
    /// What becomes of a job that no plugin here handles.
    pub unrouted: Unrouted,
    /// A job that was started more often fails (BullMQ's `maxStartedAttempts`);
    /// attempts, hand-backs and crashes count. `None`, the default: no limit.
    pub max_started_attempts: Option<u32>,
    /// Settings of a job whose name no entry of `jobs` matches.
    pub base: JobSettings,
    /// `[queues.<name>.jobs.<pattern>]` in the order of the file; the first
    /// whose pattern matches the job's name wins. Keys it leaves out are
    /// `base`'s.
    pub jobs: Vec<(Pattern, JobSettings)>,
    /// Options of jobs added to this queue through Runner (CLI, `queue.add`).
    pub defaults: JobDefaults,
    /// Minutes for which the numbers of completed and failed jobs are kept, as
    /// BullMQ's worker option `metrics` keeps them; `None`: not at all. Defaults
    /// to a day.
    pub metrics: Option<u32>,
}

impl Queue {
    /// Whether this process consumes the queue: some job name has a plugin. A
    /// queue without is declared so that jobs can be added to it.
    pub fn is_consumed(&self) -> bool {
        self.plugins().next().is_some()
    }

    /// Whether jobs of some name must be started in time.
    pub fn has_expiry(&self) -> bool {
        self.all_settings()
            .any(|settings| settings.expires.is_some())
    }

    /// Those of any job, and those of jobs of some name.
    pub fn all_settings(&self) -> impl Iterator<Item = &JobSettings> {
        std::iter::once(&self.base).chain(self.jobs.iter().map(|(_, settings)| settings))
    }

    /// The plugins that handle its jobs, a name as often as it is used.
    pub fn plugins(&self) -> impl Iterator<Item = &str> {
        self.all_settings()
            .filter_map(|settings| settings.plugin.as_deref())
    }

    /// The settings for jobs of this name.
    pub fn settings(&self, name: &str) -> &JobSettings {
        self.jobs
            .iter()
            .find(|(pattern, _)| pattern.matches(name))
            .map_or(&self.base, |(_, settings)| settings)
    }
}

/// What one job of a queue runs on and may use.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSettings {
    /// The plugin that handles it; `None` when nothing here does.
    pub plugin: Option<String>,
    /// Wall-clock time of one attempt. Defaults to 60 s.
    pub timeout: Duration,
    /// A job that was added without a delay and not started within this time
    /// fails as expired; also while the queue is paused. `None`, the default: it may wait
    /// for ever.
    pub expires: Option<Duration>,
    /// Bytes of linear memory over all memories of the instance. Defaults to
    /// 64 MiB.
    pub memory: usize,
    /// Bytes of payload that are accepted; larger jobs fail at once. Defaults
    /// to 10 MiB.
    pub max_payload: usize,
    /// Bytes of result that are stored; a larger result is a failed attempt.
    /// Defaults to 5 MiB.
    pub max_result: usize,
    /// Log lines an attempt may write, and lines kept per job when it has no
    /// `keepLogs`. Defaults to 1000.
    pub max_logs: usize,
    /// Jobs one attempt may add. Defaults to 1000.
    pub max_adds: usize,
    /// Levels of arrays and objects in JSON that goes into a plugin or comes out
    /// of it; at least 1. Defaults to 128, where Rust's serde_json ends, too:
    /// parsers that recurse use up a guest's small stack at 1000 or so.
    pub max_depth: usize,
    /// HTTP requests of one attempt under way at once; further ones wait. At
    /// least 1. Defaults to 8: browsers open 6 connections to a host.
    pub max_requests: usize,
    /// Bytes the host holds for one attempt, beside its memory: content and
    /// header fields of its HTTP requests and of responses it has not taken yet,
    /// and what is read for it from Redis. Defaults to 64 MiB.
    pub max_held: usize,
    /// Bytes one attempt may write to Redis: jobs it adds, data it updates,
    /// checkpoints, progress, log lines; not the result. Defaults to 64 MiB.
    pub max_sent: usize,
    /// Where a copy goes when the job fails for good.
    pub dead_letter: Option<Arc<DeadLetter>>,
    /// What the payloads of the queue are.
    pub contract: Option<Arc<Contract>>,
    /// Jobs that the pattern matches running at once, over all Runners of the
    /// queue. `None`, the default, and for jobs no pattern matches: no limit but
    /// the queue's.
    pub concurrency: Option<u32>,
}

/// `contract` of a queue: the WIT interface whose functions are its types of
/// jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// The queue.
    pub queue: String,
    /// `fundify:otp/otp-queue`, with a version or without.
    pub id: String,
    /// The interface, when it stands in a WIT file; else it is the one that the
    /// plugin exports.
    pub declared: Option<Arc<Interface>>,
    /// `names`: jobs of a name or pattern, and the function they go to; the
    /// first that matches counts. A job of no pattern goes to the function of
    /// its own name.
    pub names: Vec<(Pattern, String)>,
    /// `strict`: whether fields that the contract has not are refused. Defaults
    /// to false.
    pub strict: bool,
    /// `swap_check`: how many jobs in Redis are looked at before another version
    /// of the contract counts.
    pub swap_check: SwapCheck,
    /// Jobs that have a table of their own in the queue's `jobs`, which may go to
    /// a handler.
    pub routed: Vec<Pattern>,
    /// Bytes of memory a job of the queue has, in which its payload must fit.
    pub memory: usize,
}

/// Which jobs in Redis may hold a changed contract back, because they would no
/// longer fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SwapCheck {
    /// The first hundred of each state.
    #[default]
    Sample,
    /// All.
    All,
    /// None.
    Off,
}

impl SwapCheck {
    /// As it is written: `sample`.
    pub fn name(self) -> &'static str {
        match self {
            SwapCheck::Sample => "sample",
            SwapCheck::All => "all",
            SwapCheck::Off => "off",
        }
    }

    /// Jobs per state; none to look at none.
    pub fn limit(self) -> Option<usize> {
        match self {
            SwapCheck::Sample => Some(100),
            SwapCheck::All => Some(usize::MAX),
            SwapCheck::Off => None,
        }
    }
}

impl Contract {
    /// The same for the interface that a plugin exports.
    pub fn of(&self, interface: &Arc<Interface>) -> Contract {
        Contract {
            declared: Some(interface.clone()),
            ..self.clone()
        }
    }

    /// The name of the function for jobs of this name.
    pub fn function<'a>(&'a self, job: &'a str) -> &'a str {
        let named = self.names.iter().find(|(pattern, _)| pattern.matches(job));
        named.map_or(job, |(_, function)| function)
    }

    /// Whether a job may be added. What only the plugin knows is checked when the
    /// job is run: a contract that it alone has, or a name for its handler.
    ///
    /// # Errors
    /// The name no function takes, or what of the payload does not fit.
    pub fn check(&self, job: &str, data: &str) -> Result<(), String> {
        let Some(interface) = &self.declared else {
            return Ok(());
        };
        let Some(function) = interface.function(self.function(job)) else {
            if self.routed.iter().any(|pattern| pattern.matches(job)) {
                return Ok(());
            }
            return Err(contract::no_function(&self.id, Some(interface), job));
        };
        contract::read(function, data, self.rules(self.memory))
            .map(drop)
            .map_err(|fault| contract::violation(&self.id, function, &fault))
    }

    /// A payload or result of such a job, for people: sensitive values covered.
    pub fn cover(&self, job: &str, data: &mut String, mut result: Option<&mut String>) {
        for function in self.functions(job) {
            if let Some(ty) = &function.data {
                *data = contract::redact(ty, data).into_owned();
            }
            if let (Some(ty), Some(result)) = (function.value(), result.as_mut()) {
                **result = contract::redact(ty, result).into_owned();
            }
        }
    }

    /// What of a payload is sensitive.
    pub fn sensitive(&self, job: &str, data: &str) -> Vec<String> {
        let types = self.functions(job).iter();
        let types = types.filter_map(|function| function.data.as_ref());
        types.flat_map(|ty| contract::sensitive(ty, data)).collect()
    }

    /// The function for jobs of this name; all when there is none, because such a
    /// job may have been meant for any of them.
    fn functions(&self, job: &str) -> &[Function] {
        let Some(interface) = &self.declared else {
            return &[];
        };
        match interface.function(self.function(job)) {
            Some(function) => std::slice::from_ref(function),
            None => &interface.functions,
        }
    }

    /// How payloads are read, for a job with so much memory.
    pub fn rules(&self, memory: usize) -> Rules {
        Rules {
            strict: self.strict,
            memory,
        }
    }

    /// Whether this is the id of the interface it asks for.
    pub fn is(&self, id: &str) -> bool {
        self.id == id || self.id == unversioned(id)
    }
}

/// A queue for copies of jobs that failed for good.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeadLetter {
    /// The queue, declared and not the job's own.
    pub queue: String,
    /// The options of the copies: its own for jobs added through Runner.
    pub defaults: JobDefaults,
}

/// What nobody set; each value is explained at its field.
impl Default for JobSettings {
    fn default() -> Self {
        Self {
            plugin: None,
            timeout: Duration::from_secs(60),
            expires: None,
            memory: 64 << 20,
            max_payload: 10 << 20,
            max_result: 5 << 20,
            max_logs: 1000,
            max_adds: 1000,
            max_depth: 128,
            max_requests: 8,
            max_held: 64 << 20,
            max_sent: 64 << 20,
            dead_letter: None,
            contract: None,
            concurrency: None,
        }
    }
}

/// What becomes of a job that was taken and that no plugin of its queue handles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Unrouted {
    /// It fails, with a reason that names what is handled.
    #[default]
    Reject,
    /// It is delayed, by a second first and by a minute at last, without spending
    /// an attempt.
    Delay,
    /// It goes to this queue.
    Move(String),
}

/// A job name, or a pattern in which `*` stands for any characters, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether the pattern covers the whole name.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

/// BullMQ's worker limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiter {
    /// Starts per `duration`.
    pub max: u32,
    /// The window.
    pub duration: Duration,
}

/// `[queues.<name>.group]`: jobs with the same value in a field of the payload are
/// a group. At least one of the limits is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The field, `shopId`; with dots a field of a field, `shop.id`. Jobs without
    /// text, a number or a truth value there are in no group.
    pub by: String,
    /// Jobs of one group running at once.
    pub concurrency: Option<u32>,
    /// Starts of one group.
    pub limiter: Option<Limiter>,
}

/// `[defaults.job]` and `[queues.<name>.defaults]`: options of jobs added
/// through Runner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobDefaults {
    /// Attempts in all. BullMQ's own default is 1.
    pub attempts: Option<u32>,
    /// The wait between attempts; none means retried at once.
    pub backoff: Option<Backoff>,
    /// What is kept of completed jobs.
    pub remove_on_complete: Option<Keep>,
    /// What is kept of failed jobs.
    pub remove_on_fail: Option<Keep>,
    /// Bytes of payload that are accepted when the job is added; any if none.
    pub size_limit: Option<u64>,
}

/// The wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Fixed or exponential.
    pub kind: BackoffKind,
    /// The delay, or the first of a doubling series.
    pub delay: Duration,
    /// 0 to 1, the random share.
    pub jitter: f64,
}

/// The shape of a backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackoffKind {
    /// The same delay each time.
    Fixed,
    /// Doubled each time.
    Exponential,
}

/// How many finished jobs stay in Redis (BullMQ's `removeOnComplete`,
/// `removeOnFail`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Seconds; older jobs are removed when another one ends.
    pub age: Option<u64>,
    /// The newest so many; `Some(0)` removes each job at once.
    pub count: Option<u64>,
    /// Remove at most so many by age each time; BullMQ's default is 1000.
    pub limit: Option<u64>,
}

/// `[plugins.<name>]`: what a plugin is granted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plugin {
    /// Name; the file is `<name>.wasm` unless `file` says otherwise.
    pub name: String,
    /// The component's file; relative to `queues.toml`.
    pub file: PathBuf,
    /// Origins the plugin may call: `https://api.example.com`,
    /// `https://*.example.com`, `http://127.0.0.1:9000`. Empty: none. A host
    /// that is an address grants that address, public or not.
    pub http: Vec<Origin>,
    /// Networks that the names in `http` may resolve into although they are not
    /// public: `http = ["http://api.internal"]` needs `["10.0.0.0/8"]` here.
    pub http_networks: Vec<ipnet::IpNet>,
    /// `config`: settings, strings or any TOML value as JSON.
    pub config: BTreeMap<String, String>,
    /// `secrets`, resolved. `Debug` does not show values.
    pub secrets: BTreeMap<String, Secret>,
    /// `dirs`: guest path → host directory, read-only.
    pub dirs: BTreeMap<String, PathBuf>,
    /// The contracts of the queues that name it: it must export each of them, or
    /// take their jobs as JSON.
    pub contracts: Vec<Arc<Contract>>,
    /// The largest `memory` of the queues that name it; `None` when no queue does.
    pub memory: Option<usize>,
    /// No queue names it, so it may have any contract: a file that somebody looks
    /// at or tries.
    pub unbound: bool,
}

/// An origin of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    /// Lower case; with a leading `*.` any subdomain (not the domain itself).
    pub host: String,
    /// Explicit or the scheme's own.
    pub port: u16,
}

/// A secret value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}
