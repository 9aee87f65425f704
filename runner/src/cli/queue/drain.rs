//! `runner queue drain`: remove the jobs that wait.

use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::queues::{self, Drain};

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
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let queue = self.queue.as_str();
        let drain = |dry_run, cursor| Drain {
            delayed: self.delayed,
            dry_run,
            cursor,
        };
        let call = async |asked: &_| {
            let verb = async |of: &_| queues::drain(of, asked).await;
            super::ask(place, queue, routes::drain(queue, asked), verb).await
        };
        let there = call(&drain(true, None)).await?;
        let all = there.matched.unwrap_or_default();
        let waiting = units::count(all - there.delayed.unwrap_or_default(), "waiting job");
        let jobs = match there.delayed {
            Some(delayed) => format!("{delayed} delayed and {waiting}"),
            None => waiting,
        };
        let what = format!("removes {jobs} of queue {:?}", queue);
        self.confirm.ask(queue, &what)?;
        let removed = super::to_end(all, async |cursor| call(&drain(false, cursor)).await);
        let removed = removed.await?;
        if cli.json {
            output::json(&removed);
        } else {
            output::line(format!("removed {}", units::count(removed.removed, "job")));
        }
        Ok(())
    }
}
