//! The plugin of README.md, word for word.

use runner_sdk::{Failure, Job, handler, log};

#[derive(serde::Deserialize)]
struct Greeting {
    name: String,
}

fn handle(job: Job) -> Result<String, Failure> {
    let greeting: Greeting = job.data()?;
    log::info!("greeting {}", greeting.name);
    Ok(format!("hello {}", greeting.name))
}

handler!(handle);
