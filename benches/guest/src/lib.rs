//! The plugin that the benches run: a handler that does nothing, except that a
//! job named `clock` returns the time it started, in microseconds since 1970.

use std::time::SystemTime;

use runner_sdk::bindings::exports::runner::plugin::handler::{Failure, Guest, Job};

struct Bench;

impl Guest for Bench {
    fn handle(job: Job) -> Result<Option<String>, Failure> {
        if job.name != "clock" {
            return Ok(None);
        }
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|error| Failure::Reject(error.to_string()))?;
        Ok(Some(since.as_micros().to_string()))
    }
}

runner_sdk::export!(Bench);
