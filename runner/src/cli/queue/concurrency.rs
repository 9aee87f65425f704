//! `runner queue concurrency`: BullMQ's global concurrency.

use serde_json::json;

use crate::cli::{Cli, Result, output};
use crate::queue::Queue;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue concurrency orders 10")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Jobs that may be active at once, or none to lift it.
    #[arg(value_name = "N|none", value_parser = bound)]
    jobs: Option<Bound>,
}

/// A number of jobs; `None` lifts it.
#[derive(Debug, Clone, Copy)]
struct Bound(Option<u64>);

fn bound(text: &str) -> std::result::Result<Bound, String> {
    match text {
        "none" => Ok(Bound(None)),
        _ => match text.parse() {
            Ok(jobs) if jobs > 0 => Ok(Bound(Some(jobs))),
            _ => Err("write a number from 1, or none; runner queue pause stops a queue".into()),
        },
    }
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        if let Some(Bound(jobs)) = self.jobs {
            queue.set_concurrency(jobs).await?;
        }
        let concurrency = queue.bounds().await?.concurrency;
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "concurrency": concurrency }));
        } else {
            output::line(concurrency.map_or("none".to_owned(), |jobs| jobs.to_string()));
        }
        Ok(())
    }
}
