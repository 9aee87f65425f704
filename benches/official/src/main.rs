//! The official Rust worker with the handler of the benches: nothing, except
//! that a job named `clock` returns the time it started.
//!
//! Environment: REDIS_URL, QUEUE, CONCURRENCY.

use std::env::var;
use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use bullmq::options::RedisConnectionOptions;
use bullmq::{Job, Worker, WorkerOptions};
use serde_json::Value;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = WorkerOptions {
        connection: RedisConnectionOptions {
            url: var("REDIS_URL")?,
            ..Default::default()
        },
        concurrency: var("CONCURRENCY")?.parse()?,
        autorun: false,
        ..Default::default()
    };
    let worker = Worker::with_options(
        &var("QUEUE")?,
        |job: Job, _cancel| async move {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Ok(match since {
                Ok(since) if job.name() == "clock" => Value::from(since.as_micros() as u64),
                _ => Value::Null,
            })
        },
        options,
    )
    .await?;
    let worker = Arc::new(worker);
    // An undrained event channel grows without bound.
    let events = worker.clone();
    tokio::spawn(async move { while events.next_event().await.is_some() {} });
    worker.run().await?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
