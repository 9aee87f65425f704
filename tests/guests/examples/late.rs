//! Waits an hour in a host call before it takes a job.

use std::time::Duration;

use runner_sdk::prelude::*;

/// Called when an instance is made.
#[expect(
    unsafe_code,
    reason = "the name is the linker's, and nothing else has it"
)]
#[unsafe(export_name = "_initialize")]
extern "C" fn initialize() {
    std::thread::sleep(Duration::from_secs(3600));
}

fn handle(_: Job) -> Result {
    Ok(())
}

runner_sdk::handler!(handle);
