//! Does nothing and returns nothing.

use runner_sdk::prelude::*;

fn handle(_: Job) -> Result {
    Ok(())
}

runner_sdk::handler!(handle);
