//! The plugin of README.md, word for word.

use runner_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Greeting {
    name: String,
}

fn greet(job: Job) -> Result<String> {
    let greeting: Greeting = job.data()?;
    log::info!("greeting {}", greeting.name);
    Ok(format!("hello {}", greeting.name))
}

runner_sdk::handler!(greet);
