//! What the guest asks of Runner.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runner_sdk::prelude::*;
use serde_json::{Map, Value, json};

/// All that is known of the job.
pub(crate) fn job(job: &Job) -> Value {
    let millis = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as u64
    };
    let parent = job.parent.as_ref();
    json!({
        "id": job.id,
        "queue": job.queue,
        "name": job.name,
        "attempt": job.attempt,
        "maxAttempts": job.max_attempts,
        "addedAt": millis(job.added_at),
        "startedAt": millis(job.started_at),
        "priority": job.priority,
        "delay": job.delay.as_millis() as u64,
        "requestId": job.request_id,
        "parent": parent.map(|parent| json!({ "id": parent.id, "queue": parent.queue })),
        "timeLeft": job.time_left().as_millis() as u64,
    })
}

/// Send the request of the payload.
pub(crate) fn http(job: &Job) -> Result<Value> {
    let data: Value = job.data()?;
    let method = data["method"].as_str().unwrap_or("GET");
    let url = data["url"].as_str().unwrap_or_default();
    let mut request = http::request(method, url);
    for (name, value) in data["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    if let Some(body) = data["body"].as_str() {
        request = request.body(body);
    }
    if let Some(ms) = data["timeout"].as_u64() {
        request = request.timeout(Duration::from_millis(ms));
    }
    if let Some(redirects) = data["redirects"].as_u64() {
        request = request.redirects(redirects as u8);
    }
    if data["idempotent"] == true {
        request = request.idempotent();
    }
    let kind = match request.send() {
        Ok(response) => {
            return Ok(json!({
                "status": response.status(),
                "body": response.text(),
                "answer": response.header("x-answer"),
            }));
        }
        Err(error) => {
            let kind = match &error {
                http::Error::Denied(_) => "denied",
                http::Error::Invalid(_) => "invalid",
                http::Error::Dns(_) => "dns",
                http::Error::Connect(_) => "connect",
                http::Error::Tls(_) => "tls",
                http::Error::Timeout(_) => "timeout",
                http::Error::TooLarge(_) => "too-large",
                _ => "protocol",
            };
            (kind, error.to_string())
        }
    };
    Ok(json!({ "error": kind.0, "message": kind.1 }))
}

/// Keep the number in a global while the other side takes its time.
pub(crate) fn hold(job: &Job) -> Result<Value> {
    static HELD: AtomicU64 = AtomicU64::new(0);
    let data: Value = job.data()?;
    HELD.store(data["n"].as_u64().unwrap_or(0), Ordering::Relaxed);
    http::get(data["url"].as_str().unwrap_or_default()).send()?;
    let held = HELD.load(Ordering::Relaxed);
    log::info!("holds {held}");
    Ok(json!({ "n": held }))
}

/// What `queues.toml` grants.
pub(crate) fn settings() -> Result<Value> {
    let all = config::all().into_iter();
    Ok(json!({
        "sender": config::get("sender"),
        "limits": config::json::<Value>("limits")?,
        "missing": config::get("missing"),
        "all": all.map(|(key, value)| (key, value.into())).collect::<Map<String, Value>>(),
        "token": config::secret("TOKEN").map(|token| token.len()),
        "absent": config::secret("ABSENT"),
    }))
}

fn refused(error: &queue::Error) -> Value {
    let kind = match error {
        queue::Error::UnknownQueue(_) => "unknown-queue",
        queue::Error::Invalid(_) => "invalid",
        queue::Error::Limit(_) => "limit",
        queue::Error::Lost(_) => "lost",
        _ => "unavailable",
    };
    json!({ "error": kind, "message": error.to_string() })
}

/// Add the job of the payload.
pub(crate) fn add(job: &Job) -> Result<Value> {
    let data: Value = job.data()?;
    let text = |field: &str| data[field].as_str().unwrap_or_default();
    let mut new = queue::add(text("queue"), text("name"), &data["data"]);
    if data["id"].is_string() {
        new = new.id(text("id"));
    }
    if let Some(ms) = data["delay"].as_u64() {
        new = new.delay(Duration::from_millis(ms));
    }
    if let Some(priority) = data["priority"].as_u64() {
        new = new.priority(priority as u32);
    }
    if let Some(attempts) = data["attempts"].as_u64() {
        new = new.attempts(attempts as u32);
    }
    Ok(match new.send() {
        Ok(id) => json!({ "id": id }),
        Err(error) => refused(&error),
    })
}

/// Add several jobs in one call.
pub(crate) fn add_bulk(job: &Job) -> Result<Value> {
    let data: Value = job.data()?;
    let queue = data["queue"].as_str().unwrap_or_default();
    let count = data["count"].as_u64().unwrap_or(0);
    let jobs = (0..count).map(|n| queue::add(queue, "bulk", &json!({ "n": n })));
    Ok(match queue::add_all(jobs) {
        Ok(ids) => json!({ "ids": ids }),
        Err(error) => refused(&error),
    })
}

/// Add a job with two children.
pub(crate) fn add_flow(job: &Job) -> Result<Value> {
    let data: Value = job.data()?;
    let queue = data["queue"].as_str().unwrap_or_default();
    let leaf = |n: u32| queue::add(queue, "leaf", &json!({ "n": n }));
    let root = queue::add(queue, "root", &json!({}))
        .child(leaf(1))
        .child(leaf(2).ignore_dependency_on_failure());
    Ok(json!({ "id": root.send()? }))
}

/// Add children once, and later tell what became of them.
pub(crate) fn children(job: &Job) -> Result<Value> {
    let counts = job.dependencies()?;
    if counts == Default::default() {
        let child = |name: &str, n: u32| queue::add("work", name, &json!({ "n": n }));
        queue::add_children(match job.name.as_str() {
            "children" => vec![
                child("echo", 1),
                child("echo", 2),
                child("reject", 3).ignore_dependency_on_failure(),
            ],
            _ => vec![child("reject", 3).fail_parent_on_failure()],
        })?;
        return Err(wait_children());
    }
    let values = job.children_values::<Value>()?;
    let ignored = job.ignored_failures()?;
    Ok(json!({
        "values": values.into_values().collect::<Vec<_>>(),
        "ignored": ignored.into_values().collect::<Vec<_>>(),
        "failed": job.failed_children()?,
        "counts": [counts.processed, counts.unprocessed, counts.failed, counts.ignored],
        "attempt": job.attempt,
    }))
}

/// Add a child that nobody works on, and remove it.
pub(crate) fn remove_children(job: &Job) -> Result<Value> {
    queue::add_children([queue::add("other", "late", &json!({}))])?;
    let before = job.dependencies()?.unprocessed;
    job.remove_unprocessed_children()?;
    let after = job.dependencies()?.unprocessed;
    Ok(json!({ "before": before, "after": after }))
}

/// Run the statements of the payload in one transaction.
pub(crate) fn statements(job: &Job) -> Result<Value> {
    let data: Value = job.data()?;
    let mut all = sql::transaction(data["database"].as_str().unwrap_or("main"));
    for of in data["statements"].as_array().into_iter().flatten() {
        let values = of["values"].as_array().into_iter().flatten();
        let values = values.map(|value| match value.as_i64() {
            Some(number) => number.into(),
            None => value.as_str().into(),
        });
        all = all.add(of["text"].as_str().unwrap_or_default(), values.collect());
        if let Some(rows) = of["expect"].as_u64() {
            all = all.expect(rows);
        }
    }
    let done = match all.commit() {
        Ok(done) => done,
        Err(error) => {
            let kind = format!("{:?}", error.kind).to_lowercase();
            let (message, statement) = (error.to_string(), error.statement);
            return Ok(json!({ "error": kind, "message": message, "statement": statement }));
        }
    };
    let last = done.last().ok_or_else(|| reject("no statements"))?;
    let text = |value: &sql::Value| match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(number) => number.to_string().into(),
        sql::Value::Text(text) => text.as_str().into(),
        other => format!("{other:?}").into(),
    };
    let rows = last.values().iter();
    let rows: Vec<Vec<Value>> = rows.map(|row| row.iter().map(text).collect()).collect();
    Ok(json!({ "affected": last.affected(), "rows": rows }))
}
