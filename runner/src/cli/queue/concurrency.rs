//! `runner queue concurrency`: BullMQ's global concurrency.

use crate::cli::args::Bound;
use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
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
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let queue = self.queue.as_str();
        let answer = match self.jobs {
            Some(Bound(jobs)) => {
                let verb = async |of: &_| queues::set_concurrency(of, jobs).await;
                super::ask(place, queue, routes::set_concurrency(queue, jobs), verb).await?
            }
            None => {
                let verb = async |of: &_| queues::concurrency(of).await;
                super::ask(place, queue, routes::concurrency(queue), verb).await?
            }
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
