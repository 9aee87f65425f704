//! How an attempt can end.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use runner_sdk::prelude::*;
use serde_json::{Value, json};

use super::number;

/// The failures that a handler returns.
pub(crate) fn returned(job: &Job) -> Result<Value> {
    let first = job.attempt == 1;
    let millis = || number(job, "ms").map(Duration::from_millis);
    // A job that was handed back is in its first attempt still.
    let fresh = |wait: Duration| {
        let waited = SystemTime::now().duration_since(job.added_at);
        waited.unwrap_or_default() < wait
    };
    match job.name.as_str() {
        "childless" => return Err(wait_children()),
        "retry" => return Err(retry("the other side is down")),
        "retry-once" if first => return Err(retry("the other side is down")),
        "retry-after" if first => return Err(retry_after(millis()?, "slow down")),
        "reject" => return Err(reject("no such user")),
        "snooze" if fresh(millis()?) => return Err(snooze(millis()?, "quiet hours")),
        "rate-limit" if fresh(millis()?) => return Err(rate_limit(millis()?, "429")),
        _ => {}
    }
    Ok(json!({ "attempt": job.attempt }))
}

/// The ends that a handler does not choose.
pub(crate) fn trapped(job: &Job) -> Result<Value> {
    match job.name.as_str() {
        "throw" => fall(),
        "assert" => assert_eq!(black_box(2), 1, "two is not one"),
        "exit" => std::process::exit(number(job, "code")? as i32),
        "recurse" => return Ok(json!(black_box(recurse(1)))),
        "allocate" => {
            let mib = number(job, "mib")?;
            black_box(vec![1u8; (mib << 20) as usize]);
            return Ok(json!({ "mib": mib }));
        }
        _ => loop {
            black_box(());
        },
    }
    Ok(Value::Null)
}

fn fall() {
    panic!("the sky is falling");
}

#[expect(unconditional_recursion, reason = "what this guest is for")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + depth
}
