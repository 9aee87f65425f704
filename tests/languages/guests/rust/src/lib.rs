//! The guest in Rust of the conformance suite: does by the job's name what
//! `tests/languages/README.md` says.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "what this guest is for"
)]

mod calls;
mod ends;
mod machine;

use runner_sdk::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

runner_sdk::contract!({
    path: ["../../../../wit/runner", "../../wit/shop.wit"],
    world: "suite:shop/shop",
});
use exports::suite::shop::orders::{Guest, Order, Receipt};
use runner_sdk::typed::Failure as TypedFailure;

struct Shop;

impl Guest for Shop {
    fn place(data: Order) -> Result<Receipt, TypedFailure> {
        Ok(Receipt {
            id: data.id,
            pieces: data.items.iter().map(|item| u64::from(item.quantity)).sum(),
            channel: data.channel,
            note: data.note,
        })
    }
}

// Long because it is one match: an arm for each name.
fn handle(job: Job) -> Result<Box<RawValue>> {
    let value = match job.name.as_str() {
        "raw" => return job.data(),
        "echo" => job.data::<Value>()?,
        "nothing" => Value::Null,
        "numbers" => return numbers(&job),
        "text" => {
            let text = text(&job, "text")?;
            json!({ "bytes": text.len(), "text": text })
        }
        "length" => json!({ "length": text(&job, "blob")?.len() }),
        "make" => json!({ "blob": "x".repeat(number(&job, "bytes")? as usize) }),
        "deep" => {
            let levels = number(&job, "levels")? as usize;
            let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            return RawValue::from_string(text).map_err(reject);
        }
        "job" => calls::job(&job),
        "log" => {
            log::trace!(order = 7, note = "two words", "a line of trace");
            log::debug!(order = 7, note = "two words", "a line of debug");
            log::info!(order = 7, note = "two words", "a line of info");
            log::warn!(order = 7, note = "two words", "a line of warn");
            log::error!(order = 7, note = "two words", "a line of error");
            Value::Null
        }
        "print" => {
            println!("one\ntwo");
            eprintln!("three");
            Value::Null
        }
        "flood" => {
            for line in 0..number(&job, "lines")? {
                log::info!("line {line}");
            }
            Value::Null
        }
        "progress" => {
            progress::set(25.0);
            Value::Null
        }
        "progress-message" => {
            progress::describe(40.0, "page 2 of 5");
            Value::Null
        }
        "progress-json" => {
            progress::set_json(&json!({ "done": [1, 2] }))?;
            Value::Null
        }
        "http" => calls::http(&job)?,
        "sql" => calls::statements(&job)?,
        "config" => calls::settings()?,
        "leak" => {
            let token = config::require_secret("TOKEN")?;
            log::info!("the token is {token}");
            json!({ "token": token })
        }
        "leak-failure" => {
            let token = config::require_secret("TOKEN")?;
            return Err(reject(format!("bad token {token}")));
        }
        "add" => calls::add(&job)?,
        "add-bulk" => calls::add_bulk(&job)?,
        "add-flow" => calls::add_flow(&job)?,
        "children" | "children-fail" => calls::children(&job)?,
        "remove-children" => calls::remove_children(&job)?,
        "update" if job.attempt == 1 => {
            job.update_data(&json!({ "updated": true }))?;
            return Err(retry("the data is new"));
        }
        "update" => job.data()?,
        "step" => {
            let step = checkpoint::once("once", || Ok(job.attempt))?;
            if job.attempt == 1 {
                return Err(retry("after the step"));
            }
            json!({ "step": step, "attempt": job.attempt })
        }
        "childless" | "retry" | "retry-once" | "retry-after" | "reject" | "snooze"
        | "rate-limit" => ends::returned(&job)?,
        "throw" | "assert" | "exit" | "recurse" | "allocate" | "spin" => ends::trapped(&job)?,
        "sleep" => machine::sleep(number(&job, "ms")?),
        "random" => machine::random()?,
        "clock" => machine::clock(),
        "environment" => machine::environment()?,
        "count" => machine::count(),
        "hold" => calls::hold(&job)?,
        "read" => match std::fs::read_to_string(text(&job, "path")?) {
            Ok(text) => json!({ "text": text }),
            Err(error) => json!({ "error": error.to_string() }),
        },
        "version" => json!({ "version": "one" }),
        other => return Err(reject(format!("no job is named {other}"))),
    };
    to_raw_value(&value).map_err(reject)
}

/// A text of the payload.
fn text(job: &Job, field: &str) -> Result<String> {
    let value: Value = job.data()?;
    let text = value[field].as_str();
    let text = text.ok_or_else(|| reject(format!("data.{field} is not a string")))?;
    Ok(text.to_owned())
}

/// A whole number of the payload.
fn number(job: &Job, field: &str) -> Result<u64> {
    let value: Value = job.data()?;
    let number = value[field].as_u64();
    number.ok_or_else(|| reject(format!("data.{field} is not a whole number")))
}

/// The numbers as integers and as texts.
fn numbers(job: &Job) -> Result<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct Data {
        values: Vec<i128>,
    }
    #[derive(serde::Serialize)]
    struct Read {
        values: Vec<i128>,
        texts: Vec<String>,
    }
    let Data { values } = job.data()?;
    let texts = values.iter().map(i128::to_string).collect();
    to_raw_value(&Read { values, texts }).map_err(reject)
}

runner_sdk::handler!(handle);
runner_sdk::serve!(Shop);
