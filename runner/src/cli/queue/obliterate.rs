//! `runner queue obliterate`: remove a queue.

use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::queues::{self, Obliterate};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue obliterate old-orders --yes")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Even with active jobs; their results can no longer be saved.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let queue = self.queue.as_str();
        let obliterate = |dry_run, cursor| Obliterate {
            force: self.force,
            dry_run,
            cursor,
        };
        let call = async |asked: &_| {
            let verb = async |of: &_| queues::obliterate(of, asked).await;
            super::ask(place, queue, routes::obliterate(queue, asked), verb).await
        };
        let there = call(&obliterate(true, None)).await?;
        let all = there.matched.unwrap_or_default();
        let jobs = units::count(all, "job");
        self.confirm.ask(
            queue,
            &format!(
                "removes queue {queue:?} with {jobs}, its schedulers, its settings and what \
                 plugins keep in it"
            ),
        )?;
        let removed = super::to_end(all, async |cursor| call(&obliterate(false, cursor)).await);
        let removed = removed.await?;
        if cli.json {
            output::json(&removed);
        } else {
            output::line(format!(
                "removed the queue and {}",
                units::count(removed.removed, "job")
            ));
        }
        Ok(())
    }
}
