//! `runner queue concurrency`: BullMQ's global concurrency.

use serde_json::json;

use crate::cli::args::Bound;
use crate::cli::{Cli, Result, output};
use crate::queue::Queue;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue concurrency orders 10")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// How many jobs may be active at once, or none to lift the limit.
    #[arg(value_name = "N|none")]
    jobs: Option<Bound<u64>>,
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
