//! What an explanation says.

use std::fmt::Display;
use std::sync::Arc;

use super::{
    Attempt, Explained, Explanation, Grants, JobNames, Retries, Scheduled, Setting, Waits,
};
use crate::keys::Keys;
use crate::keys::job::JOB_DEFAULTS;
use crate::keys::queue::{JOB, QUEUE};
use crate::keys::redis::REDIS;
use crate::keys::schedule::SCHEDULE;
use crate::load::Loaded;
use crate::origins::{Source, join};
use crate::{Backoff, JobDefaults, Plugin, Queue, Strategy};
use runner_text::units;

/// Rows of the timetable that are shown; a long one repeats itself.
const ROWS: u32 = 10;

/// Explains a queue of the configuration.
///
/// # Panics
///
/// If the queue is not in `loaded.config.queues`.
pub fn explain(loaded: &Loaded, queue: &str) -> Explanation {
    let queue = loaded
        .config
        .queues
        .get(queue)
        .expect("the caller looked the queue up");
    let path = join("queues", &queue.name);
    Explanation {
        queue: queue.name.clone(),
        consumed: queue.is_consumed(),
        settings: settings(loaded, queue, &path),
        jobs: jobs(loaded, queue, &join(&path, "jobs")),
        defaults: table(
            loaded,
            &join(&path, "defaults"),
            &JOB_DEFAULTS,
            &queue.defaults,
            queue,
        ),
        retries: retries(&queue.defaults),
        backoffs: backoffs(queue),
        schedules: schedules(loaded, queue),
        plugins: grants(loaded, queue),
    }
}

/// Explains all queues of the configuration, by their names.
pub fn explain_all(loaded: &Loaded) -> Explained {
    let names = loaded.config.queues.keys();
    let explained = names.map(|name| (name.clone(), explain(loaded, name)));
    Arc::new(explained.collect())
}

impl Loaded {
    fn setting(&self, path: &str, key: &str, value: impl Display) -> Setting {
        let origin = match self.origins.of(&join(path, key)) {
            Source::Default => "default".to_owned(),
            Source::File(line) => format!("{}:{line}", self.file),
            Source::Env(name) => format!("env {name}"),
            Source::Flag(name) => format!("flag {name}"),
        };
        Setting {
            key: key.to_owned(),
            value: value.to_string(),
            origin,
        }
    }
}

/// The values of a table, of keys that have an effect.
fn table<T>(loaded: &Loaded, path: &str, keys: &Keys<T>, of: &T, queue: &Queue) -> Vec<Setting> {
    let shown = keys.0.iter().filter_map(|key| {
        let value = (key.show)(of).filter(|_| key.about.unused(queue).is_none())?;
        Some(loaded.setting(path, key.about.name, value))
    });
    shown.collect()
}

fn settings(loaded: &Loaded, queue: &Queue, path: &str) -> Vec<Setting> {
    let redis = table(loaded, "redis", &REDIS, &loaded.config.redis, queue);
    let redis = redis.into_iter().map(|setting| Setting {
        key: join("redis", &setting.key),
        ..setting
    });
    let own = table(loaded, path, &QUEUE, queue, queue);
    let jobs = table(loaded, path, &JOB, &queue.base, queue);
    redis.chain(jobs).chain(own).collect()
}

fn jobs(loaded: &Loaded, queue: &Queue, path: &str) -> Vec<JobNames> {
    let common = table(loaded, "", &JOB, &queue.base, queue);
    let names = queue.jobs.iter().map(|(pattern, settings)| {
        let path = join(path, &pattern.0);
        let concurrency = settings
            .concurrency
            .map(|most| loaded.setting(&path, "concurrency", format!("{most} over all Runners")));
        let own = table(loaded, &path, &JOB, settings, queue);
        let narrowed = own.into_iter().zip(&common);
        let narrowed = narrowed.filter(|(own, common)| own.value != common.value);
        JobNames {
            pattern: pattern.0.clone(),
            settings: concurrency
                .into_iter()
                .chain(narrowed.map(|(own, _)| own))
                .collect(),
        }
    });
    names.collect()
}

fn schedules(loaded: &Loaded, queue: &Queue) -> Vec<Scheduled> {
    let all = loaded.config.schedules.iter().enumerate();
    all.filter(|(_, schedule)| schedule.queue == queue.name)
        .map(|(at, schedule)| {
            let path = format!("schedules[{at}]");
            let mut settings = table(loaded, &path, &SCHEDULE, schedule, queue);
            settings.retain(|setting| setting.key != "id" && setting.value != "none");
            let mut options = table(loaded, &path, &JOB_DEFAULTS, &schedule.options, queue);
            options.retain(|setting| setting.origin != "default");
            settings.append(&mut options);
            Scheduled {
                id: schedule.id.clone(),
                settings,
            }
        })
        .collect()
}

fn retries(defaults: &JobDefaults) -> Retries {
    let attempts = defaults.attempts.unwrap_or(1);
    let timetable = (1..=attempts.min(ROWS))
        .map(|attempt| Attempt {
            attempt,
            wait_ms: wait(defaults.backoff, attempt),
        })
        .collect();
    let note = match attempts {
        1 => "attempts = 1 means no retry".to_owned(),
        2 => "attempts = 2 means 1 retry".to_owned(),
        n => format!("attempts = {n} means {} retries", n - 1),
    };
    Retries {
        attempts,
        timetable,
        note,
    }
}

/// The strategies that count for jobs of this queue, if it has a worker here.
fn backoffs(queue: &Queue) -> Vec<Waits> {
    let all = queue.backoffs.0.iter();
    let all = all.filter(|_| queue.is_consumed());
    let waits = all.map(|(name, strategy)| {
        let full = Strategy {
            jitter: 0.0,
            ..strategy.clone()
        };
        let wait = |of: &Strategy, ended| of.wait(ended, 0.0).as_millis() as u64;
        let mut wait_ms: Vec<(u64, u64)> = (1..=ROWS)
            .map(|ended| (wait(strategy, ended), wait(&full, ended)))
            .collect();
        while let [.., before, last] = wait_ms[..]
            && before == last
        {
            wait_ms.pop();
        }
        Waits {
            backoff: name.clone(),
            wait_ms,
        }
    });
    waits.collect()
}

/// The least and the most wait before an attempt, in milliseconds.
fn wait(backoff: Option<Backoff>, attempt: u32) -> (u64, u64) {
    let (Some(backoff), 2..) = (backoff, attempt) else {
        return (0, 0);
    };
    let full = Backoff {
        jitter: 0.0,
        ..backoff
    };
    let [least, most] = [backoff, full].map(|of| of.wait(attempt - 1, 0.0));
    (least.as_millis() as u64, most.as_millis() as u64)
}

fn grants(loaded: &Loaded, queue: &Queue) -> Vec<Grants> {
    let names: std::collections::BTreeSet<&str> = queue.plugins().collect();
    names
        .into_iter()
        .filter_map(|name| loaded.config.plugins.get(name))
        .map(|plugin| grant(loaded, plugin))
        .collect()
}

fn grant(loaded: &Loaded, plugin: &Plugin) -> Grants {
    Grants {
        plugin: plugin.name.clone(),
        file: plugin.file.display().to_string(),
        http: plugin.http.iter().map(ToString::to_string).collect(),
        http_networks: plugin
            .http_networks
            .iter()
            .map(ToString::to_string)
            .collect(),
        config: plugin.config.keys().cloned().collect(),
        secrets: plugin.secrets.keys().cloned().collect(),
        withheld: loaded
            .withheld
            .get(&plugin.name)
            .cloned()
            .unwrap_or_default(),
        dirs: plugin
            .dirs
            .iter()
            .map(|(guest, host)| (guest.clone(), host.display().to_string()))
            .collect(),
        sql: plugin
            .sql
            .iter()
            .map(|(name, database)| (name.clone(), database.to_string()))
            .collect(),
        blobs: plugin
            .blobs
            .iter()
            .map(|(name, store)| (name.clone(), store.to_string()))
            .collect(),
        kv: plugin.kv.as_ref().map(ToString::to_string),
        args: plugin.args.iter().map(ToString::to_string).collect(),
        argv0: plugin.argv0.clone(),
        stdin: plugin.stdin.as_ref().map(ToString::to_string),
        stdout: plugin.stdout.name(),
        env: plugin.env.keys().cloned().collect(),
        scratch: plugin.scratch.map(|bytes| units::size(bytes as u64)),
    }
}
