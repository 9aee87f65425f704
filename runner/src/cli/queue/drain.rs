//! `runner queue drain`: remove the jobs that wait.

use serde_json::json;

use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::queue::Queue;
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue drain orders --delayed --yes")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Also remove delayed jobs, except the next runs of schedulers.
    #[arg(long)]
    delayed: bool,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let counts = queue.counts().await?;
        // For people, who waits for a gate waits.
        let parked = queue.parked().await?.min(counts.delayed);
        let waiting = counts.waiting + counts.prioritized + parked;
        let delayed = counts.delayed - parked;
        let jobs = match self.delayed {
            true => format!(
                "{delayed} delayed and {}",
                units::count(waiting, "waiting job")
            ),
            false => units::count(waiting, "waiting job"),
        };
        let what = format!("removes {jobs} of queue {:?}", queue.name());
        self.confirm.ask(queue.name(), &what)?;
        let all = waiting + if self.delayed { delayed } else { 0 };
        let bar = output::bar(all);
        let removed = queue.drain(self.delayed, &|jobs| bar.inc(jobs)).await?;
        bar.finish_and_clear();
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "removed": removed }));
        } else {
            output::line(format!("removed {}", units::count(removed, "job")));
        }
        Ok(())
    }
}
