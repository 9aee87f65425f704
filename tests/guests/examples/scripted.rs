//! Does what the job's data says, in the order of the fields: for tests of what
//! the host makes of it.

use std::time::Duration;

use runner_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// The data of a job; an empty object completes with `null`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Script {
    /// Log lines.
    log: Vec<String>,
    /// Progress, one report each.
    progress: Vec<f64>,
    /// Milliseconds to compute without a pause.
    spin: u64,
    /// Milliseconds to sleep.
    sleep: u64,
    /// Fail with this reason, as a transient failure…
    retry: Option<String>,
    /// … in the first so many attempts; 0 for all of them.
    attempts: u32,
    /// Fail for good with this reason.
    reject: Option<String>,
    /// Return this.
    result: Value,
}

fn run(job: Job) -> Result<Value> {
    let script: Script = job.data()?;
    for line in &script.log {
        log::info!("{line}");
    }
    for percent in script.progress {
        progress::set(percent);
    }
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(script.spin) {
        std::hint::spin_loop();
    }
    std::thread::sleep(Duration::from_millis(script.sleep));
    if let Some(reason) = script.retry
        && (script.attempts == 0 || job.attempt <= script.attempts)
    {
        return Err(retry(reason));
    }
    if let Some(reason) = script.reject {
        return Err(reject(reason));
    }
    Ok(script.result)
}

runner_sdk::handler!(run);
