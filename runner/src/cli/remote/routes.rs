//! Which route answers which verb.

use http::Method;
use serde_json::json;

use super::call::Call;
use crate::queue::State;
use crate::verbs::add::{New, Options};
use crate::verbs::audit::Question;
use crate::verbs::filter::Filter;
use crate::verbs::jobs::{Changes, Many};
use crate::verbs::letters::{ReplayAsked, Which};
use crate::verbs::queues::{Clean, Drain, Limit, Obliterate};
use crate::verbs::search::{Bounds, Order};

fn get(parts: &str, names: &[&str]) -> Call {
    Call::new(Method::GET, parts, names)
}

fn post(parts: &str, names: &[&str]) -> Call {
    Call::new(Method::POST, parts, names)
}

fn put(parts: &str, names: &[&str]) -> Call {
    Call::new(Method::PUT, parts, names)
}

fn delete(parts: &str, names: &[&str]) -> Call {
    Call::new(Method::DELETE, parts, names)
}

pub(in crate::cli) fn dead_queues() -> Call {
    get("/api/dlq", &[])
}

pub(in crate::cli) fn letters(
    queue: &str,
    filter: &Filter,
    limit: usize,
    cursor: Option<&str>,
) -> Call {
    let call = get("/api/dlq/{}/letters", &[queue]);
    let filter = (!filter.is_empty()).then_some(filter);
    call.query("q", filter)
        .query("limit", Some(limit))
        .query("cursor", cursor)
}

pub(in crate::cli) fn letter(queue: &str, id: &str) -> Call {
    get("/api/dlq/{}/letters/{}", &[queue, id])
}

pub(in crate::cli) fn replay(queue: &str, asked: &ReplayAsked) -> Call {
    post("/api/dlq/{}/replay", &[queue]).body(asked)
}

pub(in crate::cli) fn purge(queue: &str, which: &Which) -> Call {
    post("/api/dlq/{}/purge", &[queue]).body(which)
}

pub(in crate::cli) fn schedules(queue: Option<&str>) -> Call {
    get("/api/schedules", &[]).query("queue", queue)
}

pub(in crate::cli) fn run_schedule(queue: &str, id: &str) -> Call {
    post("/api/schedules/{}/{}/run", &[queue, id])
}

pub(in crate::cli) fn remove_schedule(queue: &str, id: &str) -> Call {
    delete("/api/schedules/{}/{}", &[queue, id])
}

pub(in crate::cli) fn hosts() -> Call {
    get("/api/hosts", &[])
}

pub(in crate::cli) fn audit(question: &Question, limit: usize, cursor: Option<&str>) -> Call {
    get("/api/audit", &[])
        .query("who", question.who.as_ref())
        .query("verb", question.verb.as_ref())
        .query("target", question.target.as_ref())
        .query("since", question.since)
        .query("limit", Some(limit.min(1000)))
        .query("cursor", cursor)
}

pub(in crate::cli) fn plugins() -> Call {
    get("/api/plugins", &[])
}

pub(in crate::cli) fn plugin(name: &str) -> Call {
    get("/api/plugins/{}", &[name])
}

pub(in crate::cli) fn reload_plugin(name: &str) -> Call {
    post("/api/plugins/{}/reload", &[name])
}

pub(in crate::cli) fn queues() -> Call {
    get("/api/queues", &[])
}

pub(in crate::cli) fn queue(queue: &str) -> Call {
    get("/api/queues/{}", &[queue])
}

pub(in crate::cli) fn pause(queue: &str) -> Call {
    post("/api/queues/{}/pause", &[queue])
}

pub(in crate::cli) fn resume(queue: &str) -> Call {
    post("/api/queues/{}/resume", &[queue])
}

pub(in crate::cli) fn drain(queue: &str, asked: &Drain) -> Call {
    post("/api/queues/{}/drain", &[queue])
        .query("delayed", Some(asked.delayed))
        .query("dryRun", Some(asked.dry_run))
        .query("cursor", asked.cursor.as_deref())
}

pub(in crate::cli) fn clean(queue: &str, asked: &Clean) -> Call {
    post("/api/queues/{}/clean", &[queue])
        .query("state", Some(asked.state))
        .query(
            "olderThan",
            Some(format!("{}ms", asked.older_than.as_millis())),
        )
        .query("limit", asked.limit)
        .query("dryRun", Some(asked.dry_run))
        .query("cursor", asked.cursor.as_deref())
}

pub(in crate::cli) fn obliterate(queue: &str, asked: &Obliterate) -> Call {
    post("/api/queues/{}/obliterate", &[queue])
        .query("confirm", (!asked.dry_run).then_some(queue))
        .query("force", Some(asked.force))
        .query("dryRun", Some(asked.dry_run))
        .query("cursor", asked.cursor.as_deref())
}

pub(in crate::cli) fn concurrency(queue: &str) -> Call {
    get("/api/queues/{}/concurrency", &[queue])
}

pub(in crate::cli) fn set_concurrency(queue: &str, jobs: Option<u64>) -> Call {
    match jobs {
        Some(jobs) => {
            put("/api/queues/{}/concurrency", &[queue]).body(&json!({ "concurrency": jobs }))
        }
        None => delete("/api/queues/{}/concurrency", &[queue]),
    }
}

pub(in crate::cli) fn limit(queue: &str) -> Call {
    get("/api/queues/{}/limit", &[queue])
}

pub(in crate::cli) fn set_limit(queue: &str, limit: Option<Limit>) -> Call {
    match limit {
        Some(limit) => put("/api/queues/{}/limit", &[queue]).body(&limit),
        None => delete("/api/queues/{}/limit", &[queue]),
    }
}

pub(in crate::cli) fn job(queue: &str, id: &str) -> Call {
    get("/api/queues/{}/jobs/{}", &[queue, id]).query("full", Some(true))
}

pub(in crate::cli) fn logs(queue: &str, id: &str, start: u64, limit: u64) -> Call {
    get("/api/queues/{}/jobs/{}/logs", &[queue, id])
        .query("start", Some(start))
        .query("limit", Some(limit))
}

pub(in crate::cli) fn change(queue: &str, id: &str, to: &Changes) -> Call {
    Call::new(Method::PATCH, "/api/queues/{}/jobs/{}", &[queue, id]).body(to)
}

pub(in crate::cli) fn duplicate(queue: &str, id: &str) -> Call {
    post("/api/queues/{}/jobs/{}/duplicate", &[queue, id])
}

pub(in crate::cli) fn act(queue: &str, many: &Many) -> Call {
    post("/api/queues/{}/jobs", &[queue]).body(many)
}

pub(super) fn job_events(queue: &str, id: &str) -> Call {
    get("/api/queues/{}/jobs/{}/events", &[queue, id])
}

pub(in crate::cli) fn search(
    queue: &str,
    filter: &Filter,
    (states, order): (&[State], Order),
    bounds: Bounds,
    cursor: Option<&str>,
) -> Call {
    let states: Vec<&str> = states.iter().map(|state| state.name()).collect();
    get("/api/search", &[])
        .query("queue", Some(queue))
        .query("q", (!filter.is_empty()).then_some(filter))
        .query("state", (!states.is_empty()).then(|| states.join(",")))
        .query("inTurn", Some(order == Order::InTurn))
        .query("limit", Some(bounds.limit))
        .query("scan", Some(bounds.scan))
        .query("time", Some(format!("{}ms", bounds.time.as_millis())))
        .query("full", Some(true))
        .query("cursor", cursor)
}

pub(in crate::cli) fn doctor() -> Call {
    get("/api/doctor", &[])
}

pub(super) fn add_jobs(queue: &str, name: Option<&str>) -> Call {
    post("/api/jobs/{}/bulk", &[queue]).query("name", name)
}

/// What the command line can say of a new job.
pub(in crate::cli) fn add(queue: &str, new: New) -> Call {
    let Options {
        job_id,
        delay,
        priority,
        lifo,
        attempts,
        backoff,
        size_limit,
        deduplication,
        ..
    } = new.options;
    let flag = |set: bool| set.then_some(true);
    let some = |number: u64| (number > 0).then_some(number);
    let backoff = backoff.map(|waits| {
        let (kind, delay) = (waits.0.kind.name(), waits.0.delay.as_millis());
        format!("{kind}:{delay}ms")
    });
    let call = post("/api/jobs/{}", &[queue])
        .json(new.data)
        .query("name", new.name)
        .query("jobId", job_id)
        .query("delay", some(delay.0))
        .query("priority", some(priority.into()))
        .query("lifo", flag(lifo))
        .query("attempts", attempts)
        .query("backoff", backoff)
        .query("sizeLimit", size_limit);
    let Some(same) = deduplication else {
        return call;
    };
    call.query("dedupId", Some(same.id))
        .query("dedupTtl", some(same.ttl.0))
        .query("dedupExtend", flag(same.extend))
        .query("dedupReplace", flag(same.replace))
        .query("dedupKeepLast", flag(same.keep_last_if_active))
        .query("dedupReschedule", flag(same.reschedule))
}
