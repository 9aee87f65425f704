//! What an explanation says.

use std::fmt::Display;
use std::time::Duration;

use super::{Attempt, Explanation, Grants, JobNames, Retries, Scheduled, Setting};
use crate::config::load::Loaded;
use crate::config::origins::{Source, join};
use crate::config::problem::mask_passwords;
use crate::config::{
    Backoff, BackoffKind, Config, Group, JobDefaults, JobSettings, Keep, Limiter, Plugin, Queue,
    RedisUrl, Schedule, Unrouted, When,
};
use crate::units;

/// Rows of the timetable that are shown; a long one repeats itself.
const ROWS: u32 = 10;

/// Explains a queue of the configuration.
///
/// # Panics
///
/// If the queue is not in `loaded.config.queues`.
pub fn explain(loaded: &Loaded, queue: &str) -> Explanation {
    let config = &loaded.config;
    let queue = config
        .queues
        .get(queue)
        .expect("the caller looked the queue up");
    let path = join("queues", &queue.name);
    Explanation {
        queue: queue.name.clone(),
        consumed: queue.is_consumed(),
        settings: settings(loaded, config, queue, &path),
        jobs: jobs(loaded, queue, &join(&path, "jobs")),
        defaults: job_defaults(loaded, &queue.defaults, &join(&path, "defaults")),
        retries: retries(&queue.defaults),
        schedules: schedules(loaded, &queue.name),
        plugins: grants(loaded, queue),
    }
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

fn settings(loaded: &Loaded, config: &Config, queue: &Queue, path: &str) -> Vec<Setting> {
    let url = match &config.redis.url {
        RedisUrl::Url(url) => mask_passwords(url),
        RedisUrl::Embedded(dir) => format!("embedded (data in {})", dir.display()),
    };
    let mut all = vec![
        Setting {
            key: "redis.url".to_owned(),
            ..loaded.setting("redis", "url", url)
        },
        Setting {
            key: "redis.prefix".to_owned(),
            ..loaded.setting("redis", "prefix", &config.redis.prefix)
        },
    ];
    if !queue.is_consumed() {
        return all;
    }
    all.extend(contract(loaded, path, queue));
    all.push(loaded.setting(path, "concurrency", queue.concurrency));
    let limiter = queue.limiter.map_or("none".to_owned(), show_limiter);
    all.push(loaded.setting(path, "limiter", limiter));
    let group = queue.group.as_ref().map_or("none".to_owned(), show_group);
    all.push(loaded.setting(path, "group", group));
    let metrics = match queue.metrics {
        Some(minutes) => format!("of {minutes} minutes"),
        None => "none".to_owned(),
    };
    all.push(loaded.setting(path, "metrics", metrics));
    if queue.base.plugin.is_none() {
        let unrouted = match &queue.unrouted {
            Unrouted::Reject => "reject".to_owned(),
            Unrouted::Delay => "delay".to_owned(),
            Unrouted::Move(to) => format!("move to {to}"),
        };
        all.push(loaded.setting(path, "unrouted", unrouted));
    }
    let starts = queue.max_started_attempts;
    let starts = starts.map_or("none".to_owned(), |max| max.to_string());
    all.push(loaded.setting(path, "max_started_attempts", starts));
    all.extend(job_settings(loaded, path, &queue.base));
    all
}

/// `contract` and what belongs to it.
fn contract(loaded: &Loaded, path: &str, queue: &Queue) -> Vec<Setting> {
    let Some(contract) = &queue.base.contract else {
        return vec![loaded.setting(path, "contract", "none")];
    };
    let id = match &contract.declared {
        Some(declared) => declared.id.clone(),
        None => format!("{} (of the plugin)", contract.id),
    };
    let mut all = vec![loaded.setting(path, "contract", id)];
    for (pattern, function) in &contract.names {
        let path = join(path, "names");
        all.push(Setting {
            key: format!("names.{}", pattern.0),
            ..loaded.setting(&path, &pattern.0, function)
        });
    }
    all.push(loaded.setting(path, "strict", contract.strict));
    all.push(loaded.setting(path, "swap_check", contract.swap_check.name()));
    all
}

fn job_settings(loaded: &Loaded, path: &str, settings: &JobSettings) -> Vec<Setting> {
    let plugin = settings.plugin.as_deref().unwrap_or("none");
    let expires = settings.expires.map_or("never".to_owned(), units::duration);
    let dead_letter = settings.dead_letter.as_ref();
    let dead_letter = dead_letter.map_or("none", |to| to.queue.as_str());
    vec![
        loaded.setting(path, "plugin", plugin),
        loaded.setting(path, "timeout", units::duration(settings.timeout)),
        loaded.setting(path, "expires", expires),
        loaded.setting(path, "memory", units::size(settings.memory as u64)),
        loaded.setting(
            path,
            "max_payload",
            units::size(settings.max_payload as u64),
        ),
        loaded.setting(path, "max_result", units::size(settings.max_result as u64)),
        loaded.setting(path, "max_logs", settings.max_logs),
        loaded.setting(path, "max_adds", settings.max_adds),
        loaded.setting(path, "max_depth", settings.max_depth),
        loaded.setting(path, "max_requests", settings.max_requests),
        loaded.setting(path, "max_held", units::size(settings.max_held as u64)),
        loaded.setting(path, "max_sent", units::size(settings.max_sent as u64)),
        loaded.setting(path, "dead_letter", dead_letter),
    ]
}

fn jobs(loaded: &Loaded, queue: &Queue, path: &str) -> Vec<JobNames> {
    let common = job_settings(loaded, "", &queue.base);
    queue
        .jobs
        .iter()
        .map(|(pattern, settings)| {
            let path = join(path, &pattern.0);
            let concurrency = settings.concurrency.map(|most| {
                loaded.setting(&path, "concurrency", format!("{most} over all runners"))
            });
            let narrowed = job_settings(loaded, &path, settings)
                .into_iter()
                .zip(&common)
                .filter(|(own, common)| own.value != common.value)
                .map(|(own, _)| own);
            JobNames {
                pattern: pattern.0.clone(),
                settings: concurrency.into_iter().chain(narrowed).collect(),
            }
        })
        .collect()
}

fn job_defaults(loaded: &Loaded, defaults: &JobDefaults, path: &str) -> Vec<Setting> {
    let backoff = match defaults.backoff {
        Some(backoff) => show_backoff(backoff),
        None => "none".to_owned(),
    };
    let size_limit = match defaults.size_limit {
        Some(bytes) => units::size(bytes),
        None => "none".to_owned(),
    };
    vec![
        loaded.setting(path, "attempts", defaults.attempts.unwrap_or(1)),
        loaded.setting(path, "backoff", backoff),
        loaded.setting(
            path,
            "remove_on_complete",
            show_keep(defaults.remove_on_complete),
        ),
        loaded.setting(path, "remove_on_fail", show_keep(defaults.remove_on_fail)),
        loaded.setting(path, "size_limit", size_limit),
    ]
}

fn schedules(loaded: &Loaded, queue: &str) -> Vec<Scheduled> {
    let all = loaded.config.schedules.iter().enumerate();
    all.filter(|(_, schedule)| schedule.queue == queue)
        .map(|(at, schedule)| Scheduled {
            id: schedule.id.clone(),
            settings: scheduled(loaded, &format!("schedules[{at}]"), schedule),
        })
        .collect()
}

fn scheduled(loaded: &Loaded, path: &str, schedule: &Schedule) -> Vec<Setting> {
    let set = |key: &str, value: String| loaded.setting(path, key, value);
    let mut all = vec![
        set("name", schedule.name.clone()),
        set("data", schedule.data.clone()),
    ];
    match &schedule.when {
        When::Cron { pattern, zone } => {
            all.push(set("cron", pattern.clone()));
            all.push(set("timezone", zone.clone()));
        }
        When::Every { every, offset } => {
            all.push(set("every", units::duration(*every)));
            all.push(set("offset", units::duration(*offset)));
        }
    }
    let limit = schedule.limit.map(|limit| ("limit", limit.to_string()));
    let instant = |key, millis: Option<i64>| {
        let at = jiff::Timestamp::from_millisecond(millis?).ok()?;
        Some((key, at.to_string()))
    };
    let start = instant("start", schedule.start);
    let end = instant("end", schedule.end);
    let priority = (schedule.priority > 0).then(|| ("priority", schedule.priority.to_string()));
    let optional = [limit, start, end, priority].into_iter().flatten();
    all.extend(optional.map(|(key, value)| set(key, value)));
    let options = job_defaults(loaded, &schedule.options, path);
    all.extend(
        options
            .into_iter()
            .filter(|setting| setting.origin != "default"),
    );
    all
}

fn show_limiter(limiter: Limiter) -> String {
    format!("{} per {}", limiter.max, units::duration(limiter.duration))
}

fn show_group(group: &Group) -> String {
    let concurrency = group.concurrency.map(|most| format!("{most} at once"));
    let limits = concurrency
        .into_iter()
        .chain(group.limiter.map(show_limiter));
    let limits: Vec<String> = limits.collect();
    format!("by {}: {}", group.by, limits.join(", "))
}

fn show_backoff(backoff: Backoff) -> String {
    let kind = match backoff.kind {
        BackoffKind::Fixed => "fixed",
        BackoffKind::Exponential => "exponential",
    };
    let jitter = match backoff.jitter {
        0.0 => String::new(),
        share => format!(", jitter {share}"),
    };
    format!("{kind} {}{jitter}", units::duration(backoff.delay))
}

fn show_keep(keep: Option<Keep>) -> String {
    let Keep { age, count, limit } = keep.unwrap_or_default();
    let age = age.map(|seconds| units::duration(Duration::from_secs(seconds)));
    let kept = match (count, age) {
        (Some(0), _) => "keep none".to_owned(),
        (None, None) => "keep all".to_owned(),
        (Some(count), None) => format!("keep the last {count}"),
        (None, Some(age)) => format!("keep for {age}"),
        (Some(count), Some(age)) => format!("keep the last {count}, for {age}"),
    };
    match limit {
        Some(limit) => format!("{kept}, at most {limit} removed at once"),
        None => kept,
    }
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
    }
}
