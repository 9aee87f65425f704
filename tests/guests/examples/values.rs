//! Asks for values as the payload says, by the bindings themselves: `calls` is a list of
//! `[what, key, …]`, and so are the answers.

use runner_sdk::prelude::*;
use serde_json::{Value, json};

use runner_sdk::bindings::runner::plugin::kv::{self, Error};

fn handle(job: Job) -> Result<Value> {
    let data: Value = job.data()?;
    let calls = data["calls"].as_array().cloned().unwrap_or_default();
    let times = data["times"].as_u64().unwrap_or(1);
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.clear();
        for call in &calls {
            answers.push(ask(call).unwrap_or_else(|error| told(&error)));
        }
    }
    if data["insist"] == true {
        answers.push(insist());
    }
    Ok(json!(answers))
}

/// Write until that is refused.
fn insist() -> Value {
    loop {
        if let Err(error) = kv::set("insisted", b"1", None) {
            return told(&error);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn ask(call: &Value) -> std::result::Result<Value, Error> {
    let text = |at: usize| call[at].as_str();
    let key = match &call[1] {
        // A key of so many bytes.
        Value::Number(size) => "k".repeat(size.as_u64().unwrap_or(0) as usize),
        key => key.as_str().unwrap_or_default().to_owned(),
    };
    // A value, or one of so many bytes.
    let bytes = |at: usize| match &call[at] {
        Value::Number(size) => Some(vec![b'x'; size.as_u64().unwrap_or(0) as usize]),
        value => value.as_str().map(|value| value.as_bytes().to_vec()),
    };
    Ok(match text(0).unwrap_or_default() {
        "get" => match kv::get(&key)? {
            None => json!(null),
            Some(entry) => {
                let value = String::from_utf8_lossy(&entry.value).into_owned();
                json!([value, entry.ttl])
            }
        },
        "set" => {
            kv::set(&key, &bytes(2).unwrap_or_default(), call[3].as_u64())?;
            json!("set")
        }
        "swap" => {
            let (expected, value) = (bytes(2), bytes(3));
            let ttl = call[4].as_u64();
            json!(kv::compare_and_set(
                &key,
                expected.as_deref(),
                value.as_deref(),
                ttl
            )?)
        }
        "add" => json!(kv::increment(
            &key,
            call[2].as_i64().unwrap_or(1),
            call[3].as_u64()
        )?),
        "expire" => json!(kv::expire(&key, call[2].as_u64())?),
        "delete" => json!(kv::delete(&key)?),
        "list" => {
            let limit = call[3].as_u64().unwrap_or(1000) as u32;
            let page = kv::list_keys(&key, text(2), limit)?;
            json!([page.keys, page.cursor])
        }
        other => json!(format!("unknown call {other}")),
    })
}

fn told(error: &Error) -> Value {
    let (kind, why) = match error {
        Error::Denied(why) => ("denied", why),
        Error::Invalid(why) => ("invalid", why),
        Error::Limit(why) => ("limit", why),
        Error::Lost(why) => ("lost", why),
        Error::Unavailable(why) => ("unavailable", why),
    };
    json!({ kind: why })
}

runner_sdk::handler!(handle);
