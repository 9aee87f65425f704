//! Built from the host API as it was released with 0.1.0, `wit-0.1.0`: asks for each
//! thing in it once, and says what it got.

#![allow(missing_docs, unsafe_code, reason = "generated")]

use serde_json::{Value, json};

wit_bindgen::generate!({
    path: "wit-0.1.0",
    world: "plugin",
});

use exports::runner::plugin::handler::{Failure, Guest, Job};
use runner::plugin::{checkpoint, config, http, job, log, progress, queue};

struct Released;

impl Guest for Released {
    fn handle(job: Job) -> Result<Option<String>, Failure> {
        match job.name.as_str() {
            "everything" => Ok(Some(everything(&job).to_string())),
            "nothing" => Ok(None),
            "retry" => Err(Failure::Retry("again".into())),
            "retry-after" => Err(Failure::RetryAfter((60_000, "later".into()))),
            "reject" => Err(Failure::Reject("never".into())),
            "snooze" => Err(Failure::Snooze((60_000, "not now".into()))),
            "wait-children" => Err(Failure::WaitChildren),
            "rate-limit" => Err(Failure::RateLimit((60_000, "slow down".into()))),
            other => Err(Failure::Reject(format!("no job {other:?}"))),
        }
    }
}

// Long because it is one list: each function of the API, in the order of its files.
fn everything(job: &Job) -> Value {
    let failed = |error: String| format!("failed: {error}");
    let levels = [
        log::Level::Trace,
        log::Level::Debug,
        log::Level::Info,
        log::Level::Warn,
        log::Level::Error,
    ];
    json!({
        "job": [
            job::current().id == job.id,
            job.queue,
            job.data,
            job.attempt,
            job.max_attempts,
            job.added_at <= job.started_at,
            job.priority,
            job.delay,
            job.request_id,
            job.parent.as_ref().map(|parent| &parent.queue),
        ],
        "update-data": job::update_data("{\"new\":true}").map_err(failed),
        "children-values": job::children_values().map_err(failed),
        "ignored-failures": job::ignored_failures().map_err(failed),
        "failed-children": job::failed_children().map_err(failed),
        "dependencies": job::dependencies()
            .map(|of| [of.processed, of.unprocessed, of.failed, of.ignored])
            .map_err(failed),
        "time-left": job::time_left() > 0,
        "log": levels.map(|level| log::write(level, "a line", &[("a".into(), "b".into())])),
        "progress": [
            progress::set(40.0, Some("page 2")),
            progress::set_json("{\"done\":true}"),
        ],
        "http": match http::send(&http::Request {
            method: "GET".into(),
            url: "https://example.com".into(),
            headers: vec![("accept".into(), "text/plain".into())],
            body: Some(Vec::new()),
            timeout: Some(1_000),
            redirects: 0,
            idempotent: true,
        }) {
            Ok(response) => response.status.to_string(),
            Err(error) => format!("{error:?}"),
        },
        "config": [json!(config::get("word")), json!(config::get_all()), json!(config::secret("TOKEN"))],
        "checkpoint": [
            json!(checkpoint::put("step", "7").map_err(failed)),
            json!(checkpoint::get("step")),
        ],
        "add": text(queue::add("other", &new(Some("one")))),
        "add-bulk": text(queue::add_bulk("other", &[new(Some("two")), new(Some("three"))])),
        "add-flow": text(queue::add_flow(&[flow(None, "four"), flow(Some(0), "five")])),
        "add-children": text(queue::add_children(&[flow(None, "six")])),
        // Without its child the job can complete.
        "remove-unprocessed-children": job::remove_unprocessed_children().map_err(failed),
        "unknown": text(queue::add("nowhere", &new(None))),
    })
}

fn text<T: std::fmt::Debug>(added: Result<T, queue::Error>) -> String {
    match added {
        Ok(added) => format!("{added:?}"),
        Err(error) => format!("{error:?}"),
    }
}

fn new(id: Option<&str>) -> queue::NewJob {
    queue::NewJob {
        name: "child".into(),
        data: "{}".into(),
        options: queue::Options {
            id: id.map(str::to_owned),
            delay: Some(60_000),
            priority: None,
            lifo: false,
            attempts: Some(2),
            backoff: Some(queue::Backoff {
                kind: queue::BackoffKind::Exponential,
                delay: 1_000,
                jitter: 0.5,
            }),
            remove_on_complete: Some(queue::Keep::Count(10)),
            remove_on_fail: Some(queue::Keep::Age(60)),
            size_limit: Some(100),
            deduplication: None,
        },
    }
}

fn flow(parent: Option<u32>, id: &str) -> queue::FlowJob {
    queue::FlowJob {
        queue: "other".into(),
        job: new(Some(id)),
        parent,
        on_failure: Some(queue::ChildFailure::Ignore),
    }
}

#[cfg(target_family = "wasm")]
export!(Released);
