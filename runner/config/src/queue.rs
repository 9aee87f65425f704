//! `[queues.<name>]`: how one queue is consumed, and what a job of it may use.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::contract::Contract;
use super::job::backoff::Strategies;
use super::job::{DeadLetter, JobDefaults, Keep};
use super::pattern::Pattern;
use super::webhook::Webhook;

/// `[queues.<name>]`: how one queue is consumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// The name without the prefix. It is not empty and contains no `:`.
    pub name: String,
    /// How many jobs run at once in this process. Defaults to 10.
    pub concurrency: NonZeroUsize,
    /// Lets at most `max` jobs start per `duration`, over all workers of the queue
    /// (BullMQ's worker limiter).
    pub limiter: Option<Limiter>,
    /// Limits for each group of jobs, over all Runners of the queue.
    pub group: Option<Group>,
    /// What happens to a job that no plugin here handles.
    pub unrouted: Unrouted,
    /// A job that was started more than this many times fails (BullMQ's
    /// `maxStartedAttempts`); attempts, hand-backs and crashes count. `None`, the
    /// default, means no limit.
    pub max_started_attempts: Option<u32>,
    /// The name of a job that is added through the HTTP API without one, or `runner add
    /// --from`. See [`Queue::only_job`].
    pub default_job: Option<String>,
    /// Settings of a job whose name no entry of `jobs` matches.
    pub base: JobSettings,
    /// `[queues.<name>.jobs.<pattern>]` in the order of the file; the first
    /// whose pattern matches the job's name wins. Keys it leaves out are
    /// `base`'s.
    pub jobs: Vec<(Pattern, JobSettings)>,
    /// Options of jobs added to this queue through Runner (CLI, `queue.add`).
    pub defaults: JobDefaults,
    /// `[backoff.<name>]`: how jobs wait whose producer names a strategy of its own.
    pub backoffs: Arc<Strategies>,
    /// Minutes for which the numbers of completed and failed jobs are kept, as
    /// BullMQ's worker option `metrics` keeps them; `None` means not at all. Defaults
    /// to a day.
    pub metrics: Option<u32>,
    /// `[queues.<name>.webhooks.<name>]`: who is told how its jobs have ended.
    pub webhooks: BTreeMap<String, Arc<Webhook>>,
    /// The queue whose webhooks its jobs deliver; none for a queue that the file
    /// declares.
    pub delivers: Option<String>,
}

/// A day, as BullMQ counts: one point per minute.
pub(super) const BUILT_IN_METRICS: u32 = 1440;

/// What nobody set; each value is explained at its field.
impl Default for Queue {
    fn default() -> Self {
        Self {
            name: String::new(),
            concurrency: const { NonZeroUsize::new(10).expect("10 is not zero") },
            limiter: None,
            group: None,
            unrouted: Unrouted::default(),
            max_started_attempts: None,
            default_job: None,
            base: JobSettings::default(),
            jobs: Vec::new(),
            defaults: JobDefaults::default(),
            backoffs: Arc::default(),
            metrics: Some(BUILT_IN_METRICS),
            webhooks: BTreeMap::new(),
            delivers: None,
        }
    }
}

impl Queue {
    /// Whether this process consumes the queue: some job name has a plugin, or its jobs
    /// are deliveries of webhooks. Any other is declared so that jobs can be added to it.
    pub fn is_consumed(&self) -> bool {
        self.delivers.is_some() || self.plugins().next().is_some()
    }

    /// Whether instances may serve several jobs of some name.
    pub fn reuses(&self) -> bool {
        self.all_settings().any(|settings| settings.reuse > 1)
    }

    /// Whether jobs of some name expire.
    pub fn has_expiry(&self) -> bool {
        self.all_settings()
            .any(|settings| settings.expires.is_some())
    }

    /// `base`, then the settings of each pattern in `jobs`.
    pub fn all_settings(&self) -> impl Iterator<Item = &JobSettings> {
        std::iter::once(&self.base).chain(self.jobs.iter().map(|(_, settings)| settings))
    }

    /// The plugins that handle its jobs; a name occurs as often as it is used.
    pub fn plugins(&self) -> impl Iterator<Item = &str> {
        self.all_settings()
            .filter_map(|settings| settings.plugin.as_deref())
    }

    /// The name of a job that is added without one: `default_job`, or the only name
    /// that the contract or `jobs` has.
    ///
    /// # Errors
    /// The names there are, when there is not one.
    pub fn only_job(&self) -> Result<&str, Vec<&str>> {
        if let Some(name) = &self.default_job {
            return Ok(name);
        }
        let contract = self.base.contract.as_ref();
        let names: Vec<&str> = match contract.and_then(|contract| contract.declared.as_ref()) {
            Some(interface) => interface
                .functions
                .iter()
                .map(|of| of.key.as_str())
                .collect(),
            None => {
                let names = self.jobs.iter().map(|(pattern, _)| pattern.0.as_str());
                names.filter(|name| !name.contains('*')).collect()
            }
        };
        match names[..] {
            [name] => Ok(name),
            _ => Err(names),
        }
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
    /// How long one attempt may take by the clock. Defaults to 60 s.
    pub timeout: Duration,
    /// A job that was added without a delay and has not started within this time
    /// fails as expired, even while the queue is paused. `None`, the default, lets it
    /// wait for ever.
    pub expires: Option<Duration>,
    /// How many bytes all linear memories of the instance may have together. Defaults to
    /// 64 MiB.
    pub memory: usize,
    /// A job whose payload has more bytes fails at once. Defaults
    /// to 10 MiB.
    pub max_payload: usize,
    /// An attempt whose result has more bytes has failed.
    /// Defaults to 5 MiB.
    pub max_result: usize,
    /// How many log lines an attempt may write, and how many are kept per job when it
    /// has no `keepLogs`. Defaults to 1000.
    pub max_logs: usize,
    /// How many jobs one attempt may add. Defaults to 1000.
    pub max_adds: usize,
    /// Levels of arrays and objects in JSON that goes into a plugin or comes out
    /// of it; at least 1. Defaults to 128, where Rust's serde_json ends, too:
    /// parsers that recurse use up a guest's small stack at 1000 or so.
    pub max_depth: usize,
    /// How many HTTP requests of one attempt may run at once; further ones wait. At
    /// least 1. Defaults to 8: browsers open 6 connections to a host.
    pub max_requests: usize,
    /// Bytes the host holds for one attempt, beside its memory: content and
    /// header fields of its HTTP requests and of responses it has not taken yet,
    /// and what is read for it from Redis. Defaults to 64 MiB.
    pub max_held: usize,
    /// Bytes one attempt may write to Redis: jobs it adds, data it updates,
    /// checkpoints, progress, log lines; not the result. Defaults to 64 MiB.
    pub max_sent: usize,
    /// How many jobs one instance may serve, one after the other; at least 1. Defaults
    /// to 1: a fresh instance for each job.
    pub reuse: u32,
    /// How long an instance that may serve further jobs is kept without one. Defaults
    /// to 10 s.
    pub reuse_idle: Duration,
    /// Which completed jobs are kept whose producer does not say so; `None` means all.
    pub keep_completed: Option<Keep>,
    /// Which failed jobs are kept whose producer does not say so; `None` means all.
    pub keep_failed: Option<Keep>,
    /// Where a copy of the job goes when it fails for good; `None` means nowhere.
    pub dead_letter: Option<Arc<DeadLetter>>,
    /// Fields of the payload that are in the log lines about its end. `None`, the
    /// default, also leaves out the lines of jobs that completed.
    pub trace_fields: Option<Arc<[String]>>,
    /// What the payloads of the queue must be; `None` means anything.
    pub contract: Option<Arc<Contract>>,
    /// How many jobs that the pattern matches may run at once, over all Runners of
    /// the queue. `None`, the default and always so in `base`, means no limit but
    /// the queue's.
    pub concurrency: Option<u32>,
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
            reuse: 1,
            reuse_idle: Duration::from_secs(10),
            max_held: 64 << 20,
            max_sent: 64 << 20,
            keep_completed: None,
            keep_failed: None,
            dead_letter: None,
            trace_fields: None,
            contract: None,
            concurrency: None,
        }
    }
}

/// What happens to a job that was taken and that no plugin of its queue handles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Unrouted {
    /// It fails, with a reason that names what is handled.
    #[default]
    Reject,
    /// It is delayed, first by a second and finally by a minute, without spending
    /// an attempt.
    Delay,
    /// It goes to this queue.
    Move(String),
}

/// BullMQ's worker limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limiter {
    /// Starts per `duration`.
    pub max: u32,
    /// The time in which they are counted.
    pub duration: Duration,
}

/// `[queues.<name>.group]`: jobs with the same value in a field of the payload form
/// a group. At least one of the limits is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The field, `shopId`; with dots a field of a field, `shop.id`. Jobs without
    /// text, a number or a truth value there are in no group.
    pub by: String,
    /// Jobs of one group running at once.
    pub concurrency: Option<u32>,
    /// Starts of one group.
    pub limiter: Option<Limiter>,
}
