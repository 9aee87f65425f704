//! Which route answers which verb.

use http::Method;
use serde_json::json;

use super::call::Call;
use crate::verbs::audit::Question;
use crate::verbs::filter::Filter;
use crate::verbs::letters::{ReplayAsked, Which};
use crate::verbs::queues::{Clean, Drain, Limit, Obliterate};

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
