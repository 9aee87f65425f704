//! `runner queue concurrency`: BullMQ's global concurrency.

use crate::cli::args::Bound;
use crate::cli::{Cli, Result, output};
use crate::queue::Queue;
use crate::verbs::queues;

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
        let answer = match self.jobs {
            Some(Bound(jobs)) => queues::set_concurrency(queue, jobs).await?,
            None => queues::concurrency(queue).await?,
        };
        if cli.json {
            output::json(&answer);
        } else {
            let jobs = answer.concurrency;
            output::line(jobs.map_or("none".to_owned(), |jobs| jobs.to_string()));
        }
        Ok(())
    }
}
