//! `[defaults.*]` and `[queues.*]`: each value is the narrowest one that is
//! set: job pattern, queue, `[defaults]`, built in.

mod contract;
mod dead_letter;
mod webhooks;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::decode::{Decoder, Table};
use crate::keys::DEFAULTS;
use crate::keys::job::JOB_DEFAULTS;
use crate::keys::queue::{JOB, JOB_NAME, QUEUE};
use crate::origins::join;
use crate::problem::nearest;
use crate::value::{self, Fault, fault};
use crate::{JobSettings, Overrides, Pattern, Queue, Redis, Unrouted, tag};
use runner_contract::Library;

type Concurrency = (NonZeroUsize, &'static str);

pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    overrides: &Overrides,
    redis: &Redis,
    library: &Library,
) -> BTreeMap<String, Arc<Queue>> {
    let common = common(decoder, root);
    let concurrency = override_concurrency(decoder, overrides);
    let mut queues = BTreeMap::new();
    let Some(table) = decoder.free_table(root, "queues") else {
        return BTreeMap::new();
    };
    for entry in &table.entries {
        let path = join("queues", entry.key);
        if let Err(fault) = queue_name(entry.key, redis) {
            decoder.refuse(entry.key_span.clone(), &path, fault);
        }
        let Some(table) = decoder.as_table(entry, path) else {
            continue;
        };
        let mut queue = Queue {
            name: entry.key.to_owned(),
            ..common.clone()
        };
        read(decoder, &table, concurrency, &mut queue);
        contract::read(decoder, &table, library, &mut queue);
        warn_unused(decoder, &table, &queue);
        queues.insert(queue.name.clone(), queue);
    }
    dead_letter::resolve(decoder, root, redis, &mut queues);
    moves(decoder, &table, redis, &queues);
    webhooks::declare(decoder, &table, redis, &mut queues);
    queues
        .into_iter()
        .map(|(name, queue)| (name, Arc::new(queue)))
        .collect()
}

/// What all queues start from: `[defaults]`, and the environment.
fn common(decoder: &mut Decoder<'_>, root: &Table<'_>) -> Queue {
    let mut common = Queue {
        backoffs: Arc::new(super::backoff::read_all(decoder, root)),
        ..Queue::default()
    };
    if let Some(defaults) = decoder.table(root, "defaults", DEFAULTS) {
        let all = JOB.abouts().chain(QUEUE.abouts());
        let inherited = all.filter(|key| key.inherited).map(|key| key.name);
        if let Some(table) = decoder.table(&defaults, "queue", inherited) {
            JOB.read(decoder, &table, &mut common.base);
            QUEUE.read(decoder, &table, &mut common);
            common.base.plugin = None;
        }
        if let Some(table) = decoder.table(&defaults, "job", JOB_DEFAULTS.names()) {
            JOB_DEFAULTS.read(decoder, &table, &mut common.defaults);
        }
    }
    JOB.read_env(decoder, "defaults.queue", &mut common.base);
    QUEUE.read_env(decoder, "defaults.queue", &mut common);
    JOB_DEFAULTS.read_env(decoder, "defaults.job", &mut common.defaults);
    super::environment::job_defaults(decoder, &mut common.defaults);
    common
}

fn override_concurrency(decoder: &mut Decoder<'_>, overrides: &Overrides) -> Option<Concurrency> {
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

/// The keys of a queue but those of its contract. `queue` starts as what all start from.
fn read(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    concurrency: Option<Concurrency>,
    queue: &mut Queue,
) {
    let path = table.path.as_str();
    decoder.only(table, JOB.names().chain(QUEUE.names()));
    JOB.read(decoder, table, &mut queue.base);
    JOB.inherit(decoder, path, "defaults.queue");
    QUEUE.read(decoder, table, queue);
    QUEUE.inherit(decoder, path, "defaults.queue");
    if let Some((n, from)) = concurrency {
        let origin = decoder.origins.of(from);
        decoder.origins.set(join(path, "concurrency"), origin);
        queue.concurrency = n;
    }
    if let Some(defaults) = decoder.table(table, "defaults", JOB_DEFAULTS.names()) {
        JOB_DEFAULTS.read(decoder, &defaults, &mut queue.defaults);
    }
    JOB_DEFAULTS.inherit(decoder, &join(path, "defaults"), "defaults.job");
    queue.jobs = jobs(decoder, table, &queue.base);
    queue.webhooks = webhooks::read(decoder, table);
}

fn warn_unused(decoder: &mut Decoder<'_>, table: &Table<'_>, queue: &Queue) {
    for entry in &table.entries {
        let mut all = JOB.abouts().chain(QUEUE.abouts());
        let about = all.find(|about| about.name == entry.key);
        if let Some(why) = about.and_then(|about| about.unused(queue)) {
            let path = join(&table.path, entry.key);
            let text = format!("`{path}` has no effect{why}");
            decoder.warn(entry.key_span.start, text);
        }
    }
}

/// A queue of the file.
pub(super) fn declared(name: &str, queues: &BTreeMap<String, Arc<Queue>>) -> Result<(), Fault> {
    if queues.contains_key(name) {
        return Ok(());
    }
    let hint = match nearest(name, queues.keys().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("declare it with [queues.{name}]"),
    };
    let what = format!("is {name:?}, which is not a queue in this file");
    Err(fault(what, hint))
}

/// BullMQ builds keys as `prefix:queue:…`, so it refuses a colon in a name.
fn queue_name(name: &str, redis: &Redis) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(fault("is not a queue name: it is empty", "name the queue"));
    }
    if name.contains(':') {
        return Err(fault(
            "is not a queue name: BullMQ does not allow a colon in it",
            "a prefix may contain colons: [redis] prefix",
        ));
    }
    if redis.by_queue && tag(name).is_none() {
        let prefix = &redis.prefix;
        return Err(fault(
            "has no {tag}: on a Cluster all keys of a queue must be in one slot",
            format!(
                "put braces around the prefix or the queue's name, here and in the producers: \
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

fn jobs(
    decoder: &mut Decoder<'_>,
    queue: &Table<'_>,
    base: &JobSettings,
) -> Vec<(Pattern, JobSettings)> {
    let mut jobs: Vec<(Pattern, JobSettings)> = Vec::new();
    for entry in decoder.free_entries(queue, "jobs") {
        let path = join(&join(&queue.path, "jobs"), entry.key);
        if entry.key.is_empty() {
            let empty = fault("is not a job name", "write a name, or \"*\" for all");
            decoder.refuse(entry.key_span.clone(), &path, empty);
        }
        let Some(own) = decoder.as_table(&entry, path) else {
            continue;
        };
        let mut settings = base.clone();
        decoder.only(&own, JOB.names().chain(JOB_NAME.names()));
        JOB.read(decoder, &own, &mut settings);
        JOB.inherit(decoder, &own.path, &queue.path);
        JOB_NAME.read(decoder, &own, &mut settings);
        let covered = jobs.iter().find(|(earlier, _)| earlier.matches(entry.key));
        if let Some((earlier, _)) = covered {
            let text = format!(
                "`{}` is never used: {:?} comes before it and matches the same names",
                own.path, earlier.0
            );
            decoder.warn(entry.key_span.start, text);
        }
        jobs.push((Pattern(entry.key.to_owned()), settings));
    }
    jobs
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
