//! What the engine is told of one queue: the settings of `queues.toml` that concern
//! Redis, in the form in which the scripts read them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::config::{
    self, Contract, DeadLetter, JobDefaults, JobSettings, Limiter, Pattern, Strategies, Webhook,
};
use crate::queue::stored::job::Retain;

/// What the engine needs to know about this process and the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Queue name.
    pub name: String,
    /// Name of this runner, written as `processedBy` and into tokens.
    pub runner: String,
    /// Lock duration.
    pub lock: Duration,
    /// Stalls before a job fails.
    pub max_stalled: u32,
    /// What becomes of its jobs at their end.
    pub ends: Ends,
    /// Crashes of its runner at which a job fails; 0: never.
    pub max_crashes: u32,
    /// How often stalled jobs are looked for.
    pub stalled_interval: Duration,
    /// Worker rate limit.
    pub limiter: Option<Limiter>,
    /// Log lines kept when the job has no `keepLogs`.
    pub max_logs: usize,
    /// Options of jobs added through Runner.
    pub defaults: JobDefaults,
    /// Minutes of metrics that are kept (BullMQ's `maxDataPoints`); none: no
    /// metrics.
    pub metrics: Option<u32>,
    /// Where copies of jobs go that failed for good.
    pub dead_letters: ByName<Option<Arc<DeadLetter>>>,
    /// What jobs that are added must be.
    pub contract: Option<Arc<Contract>>,
    /// How many jobs of a name or group run at once, over all Runners; `None`: as
    /// many as are taken.
    pub gates: Option<Gates>,
    /// Who is told how its jobs have ended.
    pub webhooks: BTreeMap<String, Arc<Webhook>>,
}

impl Settings {
    /// Those of a configured queue, for the runner of this name.
    pub fn of(queue: &config::Queue, runtime: &config::Runtime, runner: String) -> Settings {
        Settings {
            ends: Ends::of(queue),
            limiter: queue.limiter,
            max_logs: queue.base.max_logs,
            defaults: queue.defaults.clone(),
            metrics: queue.metrics,
            dead_letters: ByName::of(queue, |job| job.dead_letter.clone()),
            contract: queue.base.contract.clone(),
            gates: Gates::of(queue),
            webhooks: queue.webhooks.clone(),
            ..Settings::undeclared(&queue.name, runtime, runner)
        }
    }

    /// Those of a queue that is not configured.
    pub fn undeclared(name: &str, runtime: &config::Runtime, runner: String) -> Settings {
        Settings {
            name: name.to_owned(),
            runner,
            lock: runtime.lock,
            max_stalled: runtime.max_stalled,
            ends: Ends::default(),
            max_crashes: runtime.max_crashes,
            stalled_interval: runtime.stalled_interval,
            limiter: None,
            max_logs: JobSettings::default().max_logs,
            defaults: JobDefaults::default(),
            metrics: None,
            dead_letters: ByName::default(),
            contract: None,
            gates: None,
            webhooks: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
impl Settings {
    /// Those of a queue in an empty `queues.toml`.
    pub(in crate::queue) fn named(name: &str) -> Settings {
        let (path, env) = (std::path::Path::new("queues.toml"), config::Env::default());
        let loaded = config::Config::parse(path, "", &config::Overrides::default(), &env);
        let runtime = loaded.expect("no mistake in nothing").config.runtime;
        Settings::undeclared(name, &runtime, "test".to_owned())
    }
}

/// A setting of one queue, by job name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ByName<T> {
    base: T,
    jobs: Vec<(Pattern, T)>,
}

impl<T> ByName<T> {
    /// That of a configured queue.
    pub fn of(queue: &config::Queue, setting: impl Fn(&JobSettings) -> T) -> ByName<T> {
        let jobs = queue.jobs.iter();
        ByName {
            base: setting(&queue.base),
            jobs: jobs
                .map(|(pattern, settings)| (pattern.clone(), setting(settings)))
                .collect(),
        }
    }

    /// That of jobs of this name; the first pattern that matches counts.
    pub(in crate::queue) fn find(&self, name: &str) -> &T {
        self.jobs
            .iter()
            .find(|(pattern, _)| pattern.matches(name))
            .map_or(&self.base, |(_, found)| found)
    }
}

/// What becomes of the jobs of one queue at their end, where their producer does not say
/// so: what BullMQ has as options of its worker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ends {
    /// Starts after which a job is not retried; none: as many as its attempts allow.
    pub max_starts: Option<u32>,
    /// Which jobs are kept that completed, and that failed; none: all.
    pub keep: ByName<[Option<Retain>; 2]>,
    /// How jobs wait whose producer names a strategy of its own.
    pub backoffs: Arc<Strategies>,
}

impl Ends {
    fn of(queue: &config::Queue) -> Ends {
        let keep = |job: &JobSettings| {
            [job.keep_completed, job.keep_failed].map(|of| of.map(Retain::from))
        };
        Ends {
            max_starts: queue.max_started_attempts,
            keep: ByName::of(queue, keep),
            backoffs: queue.backoffs.clone(),
        }
    }
}

/// The gates of a queue, as the script reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gates(Arc<str>);

impl Gates {
    /// Those that are configured, if there are any.
    pub fn of(queue: &config::Queue) -> Option<Gates> {
        let named = queue.jobs.iter().any(|(_, job)| job.concurrency.is_some());
        if !named && queue.group.is_none() {
            return None;
        }
        let names: Vec<_> = queue
            .jobs
            .iter()
            .map(|(pattern, job)| {
                let most = job.concurrency.map_or(json!(false), |most| json!(most));
                json!([lua_pattern(&pattern.0), pattern.0, most])
            })
            .collect();
        let mut rules = json!({ "names": names });
        if let Some(group) = &queue.group {
            let mut rule = json!({ "path": group.by.split('.').collect::<Vec<_>>() });
            if let Some(most) = group.concurrency {
                rule["concurrency"] = json!(most);
            }
            if let Some(limiter) = group.limiter {
                rule["max"] = json!(limiter.max);
                rule["duration"] = json!(limiter.duration.as_millis() as u64);
            }
            rules["group"] = rule;
        }
        Some(Gates(rules.to_string().into()))
    }

    /// The argument of the script.
    pub(in crate::queue) fn rules(&self) -> &str {
        &self.0
    }
}

/// A pattern of queues.toml in Lua's words.
fn lua_pattern(pattern: &str) -> String {
    let mut lua = String::from("^");
    for letter in pattern.chars() {
        match letter {
            '*' => lua.push_str(".*"),
            letter if letter.is_ascii_punctuation() => lua.extend(['%', letter]),
            letter => lua.push(letter),
        }
    }
    lua.push('$');
    lua
}
