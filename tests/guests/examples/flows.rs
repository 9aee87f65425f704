//! A job of a flow, on both sides: reads its children, adds some and waits for
//! them, adds flows, limits its queue.

use std::time::Duration;

use runner_sdk::prelude::*;
use serde_json::{Value, json};

fn run(job: Job) -> Result<Value> {
    let data: Value = job.data()?;
    let seen = job.dependencies()?;
    match job.name.as_str() {
        "parent" => {
            if data["alone"] == true {
                job.remove_unprocessed_children()?;
            }
        }
        // Adds two children to the queue `beside` and goes on with their values.
        "wait" => {
            if seen == Default::default() {
                let children =
                    [1, 2].map(|n| queue::add("beside", "child", &json!({ "result": n })));
                queue::add_children(children)?;
            }
            if job.dependencies()?.unprocessed > 0 {
                return Err(wait_children());
            }
        }
        "childless" => return Err(wait_children()),
        "flow" => {
            let line = queue::add("node", "line", &json!({ "result": "line" }));
            let page = queue::add("node", "page", &json!({ "reject": "torn" }));
            let sum = queue::add("node", "sum", &json!({ "result": "sum" })).child(line);
            let root = queue::add("runner", "parent", &json!({}))
                .child(sum.fail_parent_on_failure())
                .child(page.ignore_dependency_on_failure());
            return Ok(root.send()?.into());
        }
        "limit" if job.attempt == 1 && data["done"].is_null() => {
            job.update_data(&json!({ "done": true }))?;
            return Err(rate_limit(
                Duration::from_millis(data["limit"].as_u64().unwrap_or(1)),
                "429",
            ));
        }
        _ => return Ok(data["result"].clone()),
    }
    let seen = job.dependencies()?;
    Ok(json!({
        "values": job.children_values::<Value>()?,
        "ignored": job.ignored_failures()?,
        "failed": job.failed_children()?,
        "counts": [seen.processed, seen.unprocessed, seen.failed, seen.ignored],
        "attempt": job.attempt,
    }))
}

runner_sdk::handler!(run);
