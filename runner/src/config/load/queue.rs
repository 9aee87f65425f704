//! `[defaults.*]` and `[queues.*]`: each value is the narrowest one that is
//! set: job pattern, queue, `[defaults]`, built in.

mod contract;
mod dead_letter;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::job_defaults::{LARGEST_STRING, job_defaults};
use crate::config::decode::{Decoder, Entry, Table};
use crate::config::keys;
use crate::config::origins::join;
use crate::config::problem::nearest;
use crate::config::value::{self, Fault, Raw, fault};
use crate::config::{
    Group, JobDefaults, JobSettings, Limiter, Overrides, Pattern, Queue, Redis, Unrouted, tag,
};
use crate::contract::Library;

/// What 32-bit linear memory can address.
const LARGEST_MEMORY: usize = 4 << 30;

const NARROWED: [&str; 13] = [
    "plugin",
    "timeout",
    "expires",
    "memory",
    "max_payload",
    "max_result",
    "max_logs",
    "max_adds",
    "max_depth",
    "max_requests",
    "max_held",
    "max_sent",
    "dead_letter",
];

/// A day, as BullMQ counts: one point per minute.
const BUILT_IN_METRICS: u32 = 1440;
/// A year: BullMQ's own constants end at two weeks, and Redis holds the list.
const LONGEST_METRICS: u32 = 366 * 1440;

const BUILT_IN_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not zero");

pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    overrides: &Overrides,
    redis: &Redis,
    library: &Library,
) -> BTreeMap<String, Arc<Queue>> {
    let defaults = decoder.table(root, "defaults", keys::DEFAULTS);
    let defaults = defaults.as_ref();
    let table = defaults.and_then(|t| decoder.table(t, "queue", keys::QUEUE_DEFAULTS));
    let mut base = narrow(
        decoder,
        table.as_ref(),
        "defaults.queue",
        "",
        &JobSettings::default(),
    );
    base.plugin = None;
    let table = table.as_ref();
    let concurrency = table.and_then(|t| decoder.value(t, "concurrency", value::positive));
    let concurrency = decoder
        .env_value(
            "defaults.queue.concurrency",
            &["QUEUE_CONCURRENCY"],
            value::positive,
        )
        .or(concurrency)
        .unwrap_or(BUILT_IN_CONCURRENCY);

    let metrics = table.and_then(|t| decoder.value(t, "metrics", metrics));
    let metrics = metrics.unwrap_or(Some(BUILT_IN_METRICS));

    let table = defaults.and_then(|t| decoder.table(t, "job", keys::JOB_DEFAULTS));
    let job = job_defaults(
        decoder,
        table.as_ref(),
        "defaults.job",
        "",
        &JobDefaults::default(),
    );
    let job = super::environment::job_defaults(decoder, job);
    let common = Common {
        base,
        concurrency,
        override_concurrency: override_concurrency(decoder, overrides),
        job,
        metrics,
    };

    let mut queues = BTreeMap::new();
    let Some(table) = decoder.free_table(root, "queues") else {
        return BTreeMap::new();
    };
    for entry in &table.entries {
        if let Err(fault) = queue_name(entry.key, redis) {
            decoder.refuse(entry.key_span.clone(), &join("queues", entry.key), fault);
        }
        let Some(table) = decoder.as_table(entry, join("queues", entry.key)) else {
            continue;
        };
        decoder.only(&table, keys::QUEUE);
        let mut queue = read(decoder, entry, &table, &common);
        contract::read(decoder, &table, library, &mut queue);
        queues.insert(queue.name.clone(), queue);
    }
    dead_letter::resolve(decoder, root, redis, &mut queues);
    moves(decoder, &table, redis, &queues);
    queues
        .into_iter()
        .map(|(name, queue)| (name, Arc::new(queue)))
        .collect()
}

/// What all queues start from.
struct Common {
    base: JobSettings,
    concurrency: NonZeroUsize,
    override_concurrency: Option<(NonZeroUsize, &'static str)>,
    job: JobDefaults,
    metrics: Option<u32>,
}

fn override_concurrency(
    decoder: &mut Decoder<'_>,
    overrides: &Overrides,
) -> Option<(NonZeroUsize, &'static str)> {
    // The origin under `RUNNER_CONCURRENCY` is copied to each queue.
    let path = "RUNNER_CONCURRENCY";
    let from_env = decoder.env_value(path, &["RUNNER_CONCURRENCY"], value::positive);
    let Some(flag) = overrides.concurrency else {
        return from_env.map(|n| (n, path));
    };
    decoder
        .flag_value(path, "--concurrency", &flag.to_string(), value::positive)
        .map(|n| (n, path))
}

fn read(decoder: &mut Decoder<'_>, entry: &Entry<'_>, table: &Table<'_>, common: &Common) -> Queue {
    let path = table.path.as_str();
    let base = narrow(decoder, Some(table), path, "defaults.queue", &common.base);

    let concurrency_path = join(path, "concurrency");
    let mut concurrency = decoder.value(table, "concurrency", value::positive);
    decoder
        .origins
        .inherit(&concurrency_path, "defaults.queue.concurrency");
    if let Some((n, from)) = common.override_concurrency {
        decoder
            .origins
            .set(concurrency_path, decoder.origins.of(from));
        concurrency = Some(n);
    }

    let metrics = decoder.value(table, "metrics", metrics);
    decoder
        .origins
        .inherit(&join(path, "metrics"), "defaults.queue.metrics");
    let limiter = decoder
        .table(table, "limiter", keys::LIMITER)
        .and_then(|table| limiter(decoder, &table));
    let group = decoder
        .table(table, "group", keys::GROUP)
        .and_then(|table| group(decoder, &table));
    let jobs = jobs(decoder, table, &base);
    let unrouted = decoder.value(table, "unrouted", unrouted);
    if unrouted.is_some() && base.plugin.is_some() {
        let text = format!("`{path}.unrouted` has no effect: its plugin handles every name");
        decoder.warn(
            table
                .get("unrouted")
                .map_or(0, |entry| entry.key_span.start),
            text,
        );
    }
    let starts = decoder.value(table, "max_started_attempts", value::at_least_one);
    let defaults = decoder.table(table, "defaults", keys::JOB_DEFAULTS);
    let defaults_path = join(path, "defaults");
    let defaults = job_defaults(
        decoder,
        defaults.as_ref(),
        &defaults_path,
        "defaults.job",
        &common.job,
    );

    let queue = Queue {
        name: entry.key.to_owned(),
        concurrency: concurrency.unwrap_or(common.concurrency),
        limiter,
        group,
        unrouted: unrouted.unwrap_or_default(),
        max_started_attempts: starts,
        base,
        jobs,
        defaults,
        metrics: metrics.unwrap_or(common.metrics),
    };
    if !queue.is_consumed() {
        warn_unused(decoder, table);
    }
    queue
}

/// A queue without plugin is not consumed; what says how has no effect.
fn warn_unused(decoder: &mut Decoder<'_>, table: &Table<'_>) {
    for entry in &table.entries {
        if ![
            "plugin", "defaults", "max_adds", "contract", "names", "strict",
        ]
        .contains(&entry.key)
        {
            let text = format!(
                "`{}` has no effect: no plugin handles this queue",
                join(&table.path, entry.key)
            );
            decoder.warn(entry.key_span.start, text);
        }
    }
}

/// BullMQ builds keys as `prefix:queue:…`, so it refuses a colon in a name.
fn queue_name(name: &str, redis: &Redis) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(fault("is not a queue name: it is empty", "name the queue"));
    }
    if name.contains(':') {
        return Err(fault(
            "is not a queue name: BullMQ allows no colon in it",
            "a prefix may have colons: [redis] prefix",
        ));
    }
    if redis.by_queue && tag(name).is_none() {
        let prefix = &redis.prefix;
        return Err(fault(
            "has no {tag}: on a Cluster all keys of a queue must be in one slot",
            format!(
                "put braces round the prefix or the queue's name, here and in the producers: \
                 prefix = \"{{{prefix}}}\", or [queues.\"{{{name}}}\"]"
            ),
        ));
    }
    Ok(())
}

/// Why a script cannot move or copy jobs between two queues of a Cluster.
fn apart(to: &str, redis: &Redis) -> Fault {
    let prefix = &redis.prefix;
    fault(
        format!("names the queue {to:?}, which is in another slot of the Cluster"),
        format!(
            "give both the same tag, as in \"{{shop}}-orders\" and \"{{shop}}-dead\", or all \
             queues one: prefix = \"{{{prefix}}}\""
        ),
    )
}

/// The settings of `wider` with what this table sets. `from` is the path of
/// `wider`.
fn narrow(
    decoder: &mut Decoder<'_>,
    table: Option<&Table<'_>>,
    path: &str,
    from: &str,
    wider: &JobSettings,
) -> JobSettings {
    let mut settings = wider.clone();
    if let Some(table) = table {
        let set = &mut settings;
        if let Some(plugin) = decoder.value(table, "plugin", super::plugin::name) {
            set.plugin = Some(plugin);
        }
        if let Some(timeout) = decoder.value(table, "timeout", value::duration_above_zero) {
            set.timeout = timeout;
        }
        let expires = decoder.value(table, "expires", expires);
        set.expires = expires.unwrap_or(set.expires);
        let memory = decoder.value(table, "memory", |raw| value::size(raw, LARGEST_MEMORY));
        set.memory = memory.unwrap_or(set.memory);
        limits(decoder, table, set);
        let dead_letter = decoder.value(table, "dead_letter", dead_letter::name);
        set.dead_letter = dead_letter.unwrap_or_else(|| set.dead_letter.take());
    }
    if !from.is_empty() {
        for key in NARROWED {
            decoder.origins.inherit(&join(path, key), &join(from, key));
        }
    }
    settings
}

/// The keys that begin with `max_`.
fn limits(decoder: &mut Decoder<'_>, table: &Table<'_>, set: &mut JobSettings) {
    let text = |raw: Raw<'_>| value::size(raw, LARGEST_STRING);
    let bytes = |raw: Raw<'_>| value::size(raw, LARGEST_MEMORY);
    let number = |raw: Raw<'_>| value::count(raw).map(|n| n as usize);
    let positive = |raw: Raw<'_>| value::positive(raw).map(NonZeroUsize::get);
    let max_payload = decoder.value(table, "max_payload", text);
    set.max_payload = max_payload.unwrap_or(set.max_payload);
    let max_result = decoder.value(table, "max_result", text);
    set.max_result = max_result.unwrap_or(set.max_result);
    let max_logs = decoder.value(table, "max_logs", number);
    set.max_logs = max_logs.unwrap_or(set.max_logs);
    let max_adds = decoder.value(table, "max_adds", number);
    set.max_adds = max_adds.unwrap_or(set.max_adds);
    let max_depth = decoder.value(table, "max_depth", positive);
    set.max_depth = max_depth.unwrap_or(set.max_depth);
    let max_requests = decoder.value(table, "max_requests", positive);
    set.max_requests = max_requests.unwrap_or(set.max_requests);
    let max_held = decoder.value(table, "max_held", bytes);
    set.max_held = max_held.unwrap_or(set.max_held);
    let max_sent = decoder.value(table, "max_sent", bytes);
    set.max_sent = max_sent.unwrap_or(set.max_sent);
}

fn jobs(
    decoder: &mut Decoder<'_>,
    queue: &Table<'_>,
    base: &JobSettings,
) -> Vec<(Pattern, JobSettings)> {
    let Some(table) = decoder.free_table(queue, "jobs") else {
        return Vec::new();
    };
    let mut jobs: Vec<(Pattern, JobSettings)> = Vec::new();
    for entry in &table.entries {
        let path = join(&table.path, entry.key);
        if entry.key.is_empty() {
            let empty = fault("is not a job name", "write a name, or \"*\" for all");
            decoder.refuse(entry.key_span.clone(), &path, empty);
        }
        let Some(own) = decoder.as_table(entry, path.clone()) else {
            continue;
        };
        decoder.only(&own, keys::JOB);
        let mut settings = narrow(decoder, Some(&own), &path, &queue.path, base);
        settings.concurrency = decoder.value(&own, "concurrency", value::at_least_one);
        let covered = jobs.iter().find(|(earlier, _)| earlier.matches(entry.key));
        if let Some((earlier, _)) = covered {
            let text = format!(
                "`{path}` is never used: {:?} stands before it and matches the same names",
                earlier.0
            );
            decoder.warn(entry.key_span.start, text);
        }
        jobs.push((Pattern(entry.key.to_owned()), settings));
    }
    jobs
}

/// A duration, or `false` for none where a wider table has one.
fn expires(raw: Raw<'_>) -> Result<Option<Duration>, Fault> {
    if value::boolean(raw) == Ok(false) {
        return Ok(None);
    }
    value::duration_above_zero(raw).map(Some)
}

fn unrouted(raw: Raw<'_>) -> Result<Unrouted, Fault> {
    let found = value::text(raw).ok();
    match found.as_deref() {
        Some("reject") => Ok(Unrouted::Reject),
        Some("delay") => Ok(Unrouted::Delay),
        Some(text)
            if text
                .strip_prefix("move:")
                .is_some_and(|queue| !queue.is_empty()) =>
        {
            Ok(Unrouted::Move(text["move:".len()..].to_owned()))
        }
        _ => Err(raw.is_not(
            "\"reject\", \"delay\" or \"move:<queue>\"",
            "write \"move:other\" to send these jobs to queue \"other\"",
        )),
    }
}

/// Jobs are moved to queues that are declared, and not to their own.
fn moves(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    redis: &Redis,
    queues: &BTreeMap<String, Queue>,
) {
    for entry in &table.entries {
        let Some(Unrouted::Move(to)) = queues.get(entry.key).map(|queue| &queue.unrouted) else {
            continue;
        };
        let fault = if to == entry.key {
            fault(
                format!("moves jobs from queue {to:?} to itself"),
                "name another queue, or write \"delay\"",
            )
        } else if queues.contains_key(to) {
            match redis.parts(entry.key, to) {
                true => apart(to, redis),
                false => continue,
            }
        } else {
            let hint = match nearest(to, queues.keys().map(String::as_str)) {
                Some(near) => format!("did you mean \"move:{near}\"?"),
                None => format!("declare it: [queues.{to}]"),
            };
            fault(format!("names queue {to:?}, which is not declared"), hint)
        };
        let path = join("queues", entry.key);
        if let Some(queue) = decoder.as_table(entry, path.clone())
            && let Some(unrouted) = queue.get("unrouted")
        {
            decoder.refuse(unrouted.span.clone(), &join(&path, "unrouted"), fault);
        }
    }
}

/// As BullMQ's `maxDataPoints`; `true` is the built-in number.
fn metrics(raw: Raw<'_>) -> Result<Option<u32>, Fault> {
    if let Ok(wanted) = value::boolean(raw) {
        return Ok(wanted.then_some(BUILT_IN_METRICS));
    }
    match value::count(raw) {
        Ok(points @ 1..=LONGEST_METRICS) => Ok(Some(points)),
        _ => Err(raw.is_not(
            &format!("true, false or a number from 1 to {LONGEST_METRICS}"),
            "1440 keeps a day, a point per minute",
        )),
    }
}

fn limiter(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<Limiter> {
    let max = decoder.value(table, "max", value::at_least_one);
    let duration = decoder.value(table, "duration", value::duration_above_zero);
    decoder.both(table, "max", "duration");
    decoder.whole(table);
    Some(Limiter {
        max: max?,
        duration: duration?,
    })
}

fn group(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<Group> {
    let by = decoder.value(table, "by", field);
    let concurrency = decoder.value(table, "concurrency", value::at_least_one);
    let limiter = decoder
        .table(table, "limiter", keys::LIMITER)
        .and_then(|table| limiter(decoder, &table));
    let missing = if table.get("by").is_none() {
        Some(fault(
            "has no `by`",
            "name the field of the payload: by = \"shopId\"",
        ))
    } else if table.get("concurrency").is_none() && table.get("limiter").is_none() {
        Some(fault(
            "limits nothing",
            "add concurrency = 1 or limiter = { max = 5, duration = \"1s\" }",
        ))
    } else {
        None
    };
    if let Some(missing) = missing {
        decoder.refuse(table.span.clone(), &table.path, missing);
    }
    decoder.whole(table);
    Some(Group {
        by: by?,
        concurrency,
        limiter,
    })
}

/// The way to a field of the payload.
fn field(raw: Raw<'_>) -> Result<String, Fault> {
    let path = value::text(raw)?;
    if path.split('.').any(str::is_empty) {
        return Err(raw.is_not(
            "a field of the payload",
            "write \"shopId\", or \"shop.id\" for a field of a field",
        ));
    }
    Ok(path)
}
