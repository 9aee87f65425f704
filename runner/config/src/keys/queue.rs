//! `[queues.<name>]`, `[defaults.queue]` and `[queues.<name>.jobs.<pattern>]`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::job::{keep, show_keep};
use super::{Keys, Kind, Needs, kind};
use crate::decode::{Decoder, Table};
use crate::queue::BUILT_IN_METRICS;
use crate::value::{self, Fault, LARGEST_MEMORY, LARGEST_STRING, Raw, fault};
use crate::{Contract, DeadLetter, Group, JobSettings, Limiter, Queue, Unrouted};
use runner_text::units;
use toml::de::DeValue;

/// A year: BullMQ's own constants end at two weeks, and Redis holds the list.
const LONGEST_METRICS: u32 = 366 * 1440;

/// What a job may use: keys of a queue and of the job names in it.
pub(crate) static JOB: LazyLock<Keys<JobSettings>> = LazyLock::new(|| {
    let mut keys = Keys::new(|keys: &mut Keys<JobSettings>| {
        let plugin = Kind::new(
            "name",
            |raw| plugin_name(raw).map(Some),
            |plugin| plugin.clone().unwrap_or("none".to_owned()),
        );
        keys.value("plugin", plugin, |job| &mut job.plugin).help(
            "\"otp-sender\"",
            "The plugin that handles the jobs. Without one, here or under `jobs`, the queue is only declared: jobs can be added to it, and another program consumes it.",
        );
        keys.value("timeout", kind::duration(), |job| &mut job.timeout)
            .help(
                "\"10s\"",
                "How long one attempt may take by the clock. Then it is stopped and has failed.",
            );
        let expires = Kind::new("duration, false", expires, |time: &Option<Duration>| {
            time.map_or("never".to_owned(), units::duration)
        });
        keys.value("expires", expires, |job| &mut job.expires)
            .default("never")
            .help(
                "\"60s\"",
                "A job that has not started within this time after it was added fails as `expired: not started within 1m` and never runs; this also holds while the queue is paused or limited, and then it stays in `failed` whatever its `removeOnFail`. A job that has started once, or was added with a `delay`, does not expire. `false` means none where a wider table sets one.",
            );
        keys.value("memory", kind::size(LARGEST_MEMORY), |job| &mut job.memory)
            .help(
                "\"256MiB\"",
                "Memory of one job's instance, all its linear memories together.",
            );
        let size = || kind::size(LARGEST_STRING);
        keys.value("max_payload", size(), |job| &mut job.max_payload)
            .help("\"1MiB\"", "A job with a larger payload fails at once.");
        keys.value("max_result", size(), |job| &mut job.max_result)
            .help("\"64KiB\"", "An attempt with a larger result has failed.");
        keys.value("max_logs", kind::count(), |job| &mut job.max_logs).help(
            "200",
            "How many log lines an attempt may write, and how many lines are kept per job, unless the job has `keepLogs`.",
        );
        keys.value("max_adds", kind::count(), |job| &mut job.max_adds)
            .help("10", "How many jobs one attempt may add.");
        keys.value("max_depth", kind::from_one(), |job| &mut job.max_depth).help(
            "1000",
            "Levels of arrays and objects in JSON that a plugin receives or returns: payloads, results, data, checkpoints, jobs added, children's values. A job with a deeper payload fails at once, with the place. Rust's serde_json also stops at 128; the parsers of Go, Python and QuickJS use up their stack at around 1000.",
        );
        keys.value("max_requests", kind::from_one(), |job| &mut job.max_requests).help(
            "32",
            "How many HTTP requests of one attempt may run at once. Further ones wait; the wait does not count towards the time of the request.",
        );
        let memory = || kind::size(LARGEST_MEMORY);
        keys.value("max_held", memory(), |job| &mut job.max_held).help(
            "\"256MiB\"",
            "What is held for one attempt besides its `memory`: content and header fields of its HTTP requests, responses it has not read yet, what its children left. A response waits until there is room for it, for as long as its request may take; what never fits is refused.",
        );
        keys.value("max_sent", memory(), |job| &mut job.max_sent).help(
            "\"1MiB\"",
            "What one attempt may write to Redis: jobs it adds, data it updates, checkpoints, progress, log lines. Beyond that, jobs and data are refused; progress and lines are dropped, and a line says so. The result counts towards `max_result` alone.",
        );
        keys.value("reuse", kind::from_one(), |job| &mut job.reuse).help(
            "100",
            "How many jobs of the queue one instance may serve, one after the other. `1` makes a fresh instance for each job. With more, what a job leaves in the plugin's memory is there for later jobs ([what is given up](reliability.md#instances-that-serve-several-jobs)). An instance is dropped after anything but a returned result or failure.",
        );
        keys.value("reuse_idle", kind::duration(), |job| &mut job.reuse_idle)
            .help(
                "\"1m\"",
                "How long an instance that may serve further jobs (`reuse`) is kept without one.",
            );
        keys.table(
            "keep_completed",
            "count, true, false or a table as for `remove_on_complete`",
            |decoder, table, job| keep(decoder, table, "keep_completed", false, &mut job.keep_completed),
            |job| Some(show_keep(job.keep_completed)),
        )
        .default("all")
        .help(
            "{ age = \"24h\", count = 1000 }",
            "Which completed jobs are kept whose producer does not say so, as BullMQ's worker option `removeOnComplete`; a producer's own `removeOnComplete` counts before it. `true` keeps all, `false` none.",
        );
        keys.table(
            "keep_failed",
            "as `keep_completed`",
            |decoder, table, job| keep(decoder, table, "keep_failed", false, &mut job.keep_failed),
            |job| Some(show_keep(job.keep_failed)),
        )
        .default("all")
        .help(
            "5000",
            "Which failed jobs are kept whose producer does not say so, as BullMQ's worker option `removeOnFail`.",
        );
        let dead_letter = Kind::new("name of a queue, false", dead_letter, |to| match to {
            Some(to) => to.queue.clone(),
            None => "none".to_owned(),
        });
        keys.value("dead_letter", dead_letter, |job| &mut job.dead_letter).help(
            "\"otp-dead\"",
            "A copy of a job that has failed for good goes to this queue, see [dead letters](dead-letters.md). The queue must be declared. `false` means none where `[defaults.queue]` names one.",
        );
        let fields = Kind::new("list of fields of the payload", trace_fields, show_fields);
        keys.value("trace_fields", fields, |job| &mut job.trace_fields)
            .default("none")
            .help(
                "[\"shopId\"]",
                "Fields of the payload that stand in the log lines `Job completed` and `Job failed`, beside `jobId`, `queue`, `duration` and `requestId` ([logs](observability.md#log-lines)); dots lead to a field of a field. With it, also if it is empty, each job that completed has its line; without it only those that failed have one. What a contract marks as `@sensitive` is covered.",
            );
    });
    for key in &mut keys.0 {
        key.about.inherited = key.about.name != "plugin";
        key.about.needs = match key.about.name {
            "memory" => Needs::PluginOrContract,
            _ => Needs::Plugin,
        };
    }
    keys
});

/// What a job name has besides.
pub(crate) static JOB_NAME: LazyLock<Keys<JobSettings>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("concurrency", kind::from_one().optional(), |job| &mut job.concurrency)
            .help(
                "2",
                "How many jobs that match the pattern may run at once, all together, over all Runners of the queue (the queue's own `concurrency` is per process).",
            );
    })
});

/// What a queue has besides.
pub(crate) static QUEUE: LazyLock<Keys<Queue>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("concurrency", kind::positive(), |queue| {
            &mut queue.concurrency
        })
        .env(&["QUEUE_CONCURRENCY"])
        .inherited()
        .needs(Needs::Plugin)
        .help("50", "How many jobs may run at once in this process.");
        let metrics = Kind::new(
            format!("true, false, count up to {LONGEST_METRICS}"),
            metrics,
            |minutes: &Option<u32>| {
                minutes.map_or("none".to_owned(), |n| format!("of {n} minutes"))
            },
        );
        keys.value("metrics", metrics, |queue| &mut queue.metrics)
            .inherited()
            .needs(Needs::Plugin)
            .default("`true`")
            .help(
                "20160",
                "For how many minutes the numbers of completed and failed jobs per minute are kept for BullMQ's `queue.getMetrics` (`maxDataPoints`); `true` is a day. This costs Redis about 2 µs per call of the worker, however many jobs end in it.",
            );
        keys.table("limiter", "table, see below", limiter, |queue| {
            Some(queue.limiter.map_or("none".to_owned(), show_limiter))
        })
        .needs(Needs::Plugin)
        .help(
            "{ max = 10, duration = \"1s\" }",
            "Limits how many jobs start, over all workers of the queue, as BullMQ's worker limiter does.",
        );
        keys.table("group", "table, see below", group, |queue| {
            Some(queue.group.as_ref().map_or("none".to_owned(), show_group))
        })
        .needs(Needs::Plugin)
        .help(
            "{ by = \"shopId\", concurrency = 1 }",
            "Limits for each group of jobs, over all Runners of the queue.",
        );
        keys.elsewhere("contract", "`namespace:package/interface`, also with `@version`", |queue| {
            Some(queue.base.contract.as_deref().map_or("none".to_owned(), show_contract))
        })
        .help(
            "\"fundify:otp/otp-queue\"",
            "The WIT interface whose functions are the queue's types of jobs, from a file in `contracts` or as the plugin exports it. See [contracts](contracts.md).",
        );
        keys.elsewhere("names", "table", |queue| {
            let names = &queue.base.contract.as_ref()?.names;
            let names: Vec<String> =
                names.iter().map(|(pattern, to)| format!("{} = {to}", pattern.0)).collect();
            (!names.is_empty()).then(|| names.join(", "))
        })
        .needs(Needs::Contract)
        .help(
            "{ cleanup = \"repeat\" }",
            "Sends jobs of a name or pattern (`*` stands for any characters) to a function of another name; the first that matches counts.",
        );
        keys.elsewhere("swap_check", "`\"sample\"` (the first hundred of each state), `\"all\"`, `\"off\"`", |queue| {
            Some(queue.base.contract.as_ref()?.swap_check.name().to_owned())
        })
        .needs(Needs::Contract)
        .default("`\"sample\"`")
        .help(
            "\"all\"",
            "Which jobs in Redis hold a changed contract back while they would fail under it ([when a contract changes](contracts.md#when-a-contract-changes)).",
        );
        keys.elsewhere("strict", "true, false", |queue| {
            Some(queue.base.contract.as_ref()?.strict.to_string())
        })
        .needs(Needs::Contract)
        .default("`false`")
        .help("true", "Refuse fields that the contract does not have.");
        let unrouted = Kind::new("reject, delay, move:…", unrouted, show_unrouted);
        keys.value("unrouted", unrouted, |queue| &mut queue.unrouted)
            .needs(Needs::Plugin)
            .default("`\"reject\"`")
            .help(
                "\"move:misc\"",
                "What happens to a job that no plugin handles, where only names under `jobs` have one (a BullMQ worker cannot skip a name): `\"reject\"` fails it at once, `\"delay\"` postpones it by 1 s, then 2 s, up to 60 s, without spending an attempt, `\"move:<queue>\"` moves it to another declared queue with its data, options and parent; `opts.movedFrom` there says where it was. Its deduplication moves with it, unless another job there stands for the same id.",
            );
        keys.value("max_started_attempts", kind::from_one().optional(), |queue| {
            &mut queue.max_started_attempts
        })
        .needs(Needs::Plugin)
        .help(
            "20",
            "A job that was started this many times is not retried, and one that was started more than this many times fails, as with BullMQ's worker option `maxStartedAttempts`: starts after stalls and hand-backs count, and so do rounds of `unrouted = \"delay\"`.",
        );
        let name = Kind::new("name", job_name, String::clone)
            .quoted()
            .optional();
        keys.value("default_job", name, |queue| &mut queue.default_job)
            .default("the only name that the contract or `jobs` has")
            .help(
                "\"send-notification\"",
                "The name of a job that is added without one: by `POST /api/jobs/{queue}` and `runner add --from`.",
            );
        keys.elsewhere("defaults", "table", |_| None)
            .default("`[defaults.job]`")
            .help(
                "{ attempts = 5 }",
                "Options of jobs that are added through Runner, as above.",
            );
        keys.elsewhere("jobs", "tables", |_| None)
            .needs(Needs::Plugin)
            .help(
                "[queues.mail.jobs.\"bulk-*\"]",
                "Narrower settings by job name, see below.",
            );
        keys.elsewhere("webhooks", "tables", |queue| {
            let names: Vec<_> = queue.webhooks.keys().cloned().collect();
            (!names.is_empty()).then(|| names.join(", "))
        })
        .needs(Needs::Plugin)
        .help(
            "[queues.mail.webhooks.crm]",
            "Who is told how its jobs have ended, see below.",
        );
    })
});

/// `limiter`
pub(crate) static LIMITER: LazyLock<Keys<Limiter>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("max", kind::from_one(), |limiter| &mut limiter.max)
            .default("required")
            .help("10", "How many jobs may start …");
        keys.value("duration", kind::duration(), |limiter| {
            &mut limiter.duration
        })
        .default("required")
        .help("\"1s\"", "… in this time.");
    })
});

/// `group`
pub(crate) static GROUP: LazyLock<Keys<Group>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("by", Kind::new("field", field, String::clone), |group| &mut group.by)
            .default("required")
            .help(
                "\"shopId\"",
                "The field of the payload whose value names the job's group; dots lead to a field of a field: `\"shop.id\"`. A number and its text (`7`, `\"7\"`) are one group. A job that has no text, number, true or false there is in no group and is not limited.",
            );
        keys.value("concurrency", kind::from_one().optional(), |group| &mut group.concurrency)
            .help(
                "1",
                "How many jobs of one group may run at once. With `1` the jobs of a group run one after the other, in the order in which they were queued.",
            );
        keys.table("limiter", "table, as above", group_limiter, |_| None).help(
            "{ max = 5, duration = \"1s\" }",
            "How many jobs of one group may start, `max` per `duration`; the time begins with the first of them.",
        );
    })
});

/// Of a job.
fn job_name(raw: Raw<'_>) -> Result<String, Fault> {
    let name = value::text(raw)?;
    match name.is_empty() {
        true => Err(fault("is not a job name: it is empty", "name the job")),
        false => Ok(name),
    }
}

/// The `plugin` of a queue: a name, not a file.
fn plugin_name(raw: Raw<'_>) -> Result<String, Fault> {
    let name = value::text(raw)?;
    check_plugin_name(&name)?;
    Ok(name)
}

/// The name is part of a file name, of keys in Redis and of metric labels.
pub(crate) fn check_plugin_name(name: &str) -> Result<(), Fault> {
    let hint = match name.strip_suffix(".wasm") {
        Some(stem) if check_plugin_name(stem).is_ok() => {
            format!("write {stem:?}; the file is `{stem}.wasm` in the plugins directory")
        }
        _ => "write letters, digits, `-` and `_`: \"otp-sender\"".to_owned(),
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(fault(
        format!("must be the name of a plugin, found {name:?}"),
        hint,
    ))
}

/// A duration, or `false` for none where a wider table has one.
fn expires(raw: Raw<'_>) -> Result<Option<Duration>, Fault> {
    match value::boolean(raw) {
        Ok(false) => Ok(None),
        _ => value::duration_above_zero(raw).map(Some),
    }
}

/// A queue's name, or `false` for none where a wider table names one.
fn dead_letter(raw: Raw<'_>) -> Result<Option<Arc<DeadLetter>>, Fault> {
    if value::boolean(raw) == Ok(false) {
        return Ok(None);
    }
    let hint = "name a queue, \"otp-dead\", or write false for none";
    let queue = value::text(raw).map_err(|_| raw.is_not("the name of a queue or false", hint))?;
    Ok(Some(Arc::new(DeadLetter {
        queue,
        ..DeadLetter::default()
    })))
}

/// The ways to fields of the payload.
fn trace_fields(raw: Raw<'_>) -> Result<Option<Arc<[String]>>, Fault> {
    let is_not = || raw.is_not("a list of fields of the payload", "write [\"shopId\"]");
    let Raw::Toml(DeValue::Array(items)) = raw else {
        return Err(is_not());
    };
    let fields: Vec<String> = items
        .iter()
        .map(|item| field(Raw::Toml(item.get_ref())))
        .collect::<Result<_, _>>()?;
    Ok(Some(fields.into()))
}

fn show_fields(fields: &Option<Arc<[String]>>) -> String {
    fields
        .as_deref()
        .map_or("none".to_owned(), |fields| fields.join(", "))
}

fn unrouted(raw: Raw<'_>) -> Result<Unrouted, Fault> {
    let text = value::text(raw).unwrap_or_default();
    match (text.as_str(), text.strip_prefix("move:")) {
        ("reject", _) => Ok(Unrouted::Reject),
        ("delay", _) => Ok(Unrouted::Delay),
        (_, Some(queue)) if !queue.is_empty() => Ok(Unrouted::Move(queue.to_owned())),
        _ => Err(raw.is_not(
            "\"reject\", \"delay\" or \"move:<queue>\"",
            "write \"move:other\" to send these jobs to queue \"other\"",
        )),
    }
}

fn show_unrouted(unrouted: &Unrouted) -> String {
    match unrouted {
        Unrouted::Reject => "reject".to_owned(),
        Unrouted::Delay => "delay".to_owned(),
        Unrouted::Move(to) => format!("move to {to}"),
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

fn limiter(decoder: &mut Decoder<'_>, queue: &Table<'_>, into: &mut Queue) {
    into.limiter = read_limiter(decoder, queue, "limiter");
}

fn group_limiter(decoder: &mut Decoder<'_>, group: &Table<'_>, into: &mut Group) {
    into.limiter = read_limiter(decoder, group, "limiter");
}

/// So many per duration, under this key.
pub(super) fn read_limiter(
    decoder: &mut Decoder<'_>,
    around: &Table<'_>,
    key: &str,
) -> Option<Limiter> {
    let table = decoder.table(around, key, LIMITER.names())?;
    let mut limiter = Limiter::default();
    LIMITER.read(decoder, &table, &mut limiter);
    decoder.both(&table, "max", "duration");
    decoder.whole(&table);
    Some(limiter)
}

pub(super) fn show_limiter(limiter: Limiter) -> String {
    format!("{} per {}", limiter.max, units::duration(limiter.duration))
}

fn group(decoder: &mut Decoder<'_>, queue: &Table<'_>, into: &mut Queue) {
    let Some(table) = decoder.table(queue, "group", GROUP.names()) else {
        return;
    };
    let has = |key| table.get(key).is_some();
    let missing = match (has("by"), has("concurrency") || has("limiter")) {
        (true, true) => None,
        (false, _) => Some(fault(
            "has no `by`",
            "name the field of the payload: by = \"shopId\"",
        )),
        (true, false) => Some(fault(
            "limits nothing",
            "add concurrency = 1 or limiter = { max = 5, duration = \"1s\" }",
        )),
    };
    GROUP.read(decoder, &table, into.group.insert(Group::default()));
    if let Some(missing) = missing {
        decoder.refuse(table.span.clone(), &table.path, missing);
    }
    decoder.whole(&table);
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

fn show_group(group: &Group) -> String {
    let concurrency = group.concurrency.map(|most| format!("{most} at once"));
    let limits = concurrency
        .into_iter()
        .chain(group.limiter.map(show_limiter));
    let limits: Vec<String> = limits.collect();
    format!("by {}: {}", group.by, limits.join(", "))
}

fn show_contract(contract: &Contract) -> String {
    match &contract.declared {
        Some(declared) => declared.id.clone(),
        None => format!("{} (of the plugin)", contract.id),
    }
}
