//! `runner queue`: inspect and manage queues. One file per command, each over
//! `verbs::queues`: it parses, asks and prints.
//! Knows how a sweep that answers call by call is carried to its end.

mod clean;
mod concurrency;
mod drain;
mod limit;
mod list;
mod obliterate;
mod pause;
mod stats;

use super::{Cli, Result, output, target};
use crate::verbs::queues::{self, Removed};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List all queues, declared or found in Redis.
    #[command(after_help = "Example: runner queue list")]
    List,
    /// Show statistics of a queue: states, rates, waiting and running times.
    #[command(after_help = "Example: runner queue stats orders")]
    Stats(Name),
    /// Pause a queue: no worker starts further jobs.
    #[command(after_help = "Example: runner queue pause orders")]
    Pause(Name),
    /// Resume a paused queue.
    #[command(after_help = "Example: runner queue resume orders")]
    Resume(Name),
    /// Remove the waiting jobs of a queue.
    Drain(drain::Args),
    /// Remove old jobs in one state.
    Clean(clean::Args),
    /// Remove a queue with all its jobs, schedulers and settings.
    Obliterate(obliterate::Args),
    /// Show, set or lift the limit on active jobs, across all workers.
    Concurrency(concurrency::Args),
    /// Show, set or lift the limit on job starts per time, across all workers.
    Limit(limit::Args),
}

/// One queue.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Name {
    /// A queue, declared or in Redis.
    queue: String,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load_or_default()?;
        super::block_on(async {
            let here = target::here(cli, &loaded).await?;
            let queue = async |name: &str| here.known(name).await;
            match self {
                Command::List => list::run(cli, &here).await?,
                Command::Stats(Name { queue: name }) => {
                    stats::say(cli, &queues::stats(&queue(name).await?).await?);
                }
                Command::Pause(Name { queue: name }) => {
                    pause::say(cli, &queues::pause(&queue(name).await?).await?);
                }
                Command::Resume(Name { queue: name }) => {
                    pause::say(cli, &queues::resume(&queue(name).await?).await?);
                }
                Command::Drain(args) => args.run(cli, &queue(&args.queue).await?).await?,
                Command::Clean(args) => args.run(cli, &queue(&args.queue).await?).await?,
                Command::Obliterate(args) => args.run(cli, &queue(&args.queue).await?).await?,
                Command::Concurrency(args) => args.run(cli, &queue(&args.queue).await?).await?,
                Command::Limit(args) => args.run(cli, &queue(&args.queue).await?).await?,
            }
            Ok(())
        })
    }
}

/// Call again, from where the last call stopped, until all is removed; what was
/// removed in all. `all` is how many jobs there are, for the bar.
async fn to_end(
    all: u64,
    call: impl AsyncFn(Option<String>) -> Result<Removed>,
) -> Result<Removed> {
    let bar = output::bar(all);
    let mut removed = 0;
    let mut cursor = None;
    loop {
        let part = call(cursor).await?;
        removed += part.removed;
        bar.inc(part.removed);
        cursor = part.cursor.clone();
        if cursor.is_none() {
            bar.finish_and_clear();
            return Ok(Removed { removed, ..part });
        }
    }
}
