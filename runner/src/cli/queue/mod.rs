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

use serde::de::DeserializeOwned;

use super::remote::{Call, Place, routes};
use super::{Cli, Result, output};
use crate::queue::Queue;
use crate::verbs::queues::{self, Removed};
use crate::verbs::{self, Here};

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
        super::block_on(async {
            let place = &Place::of(cli, Cli::load_or_default).await?;
            match self {
                Command::List => list::run(cli, place).await?,
                Command::Stats(Name { queue }) => {
                    let verb = async |of: &_| queues::stats(of).await;
                    stats::say(cli, &ask(place, queue, routes::queue(queue), verb).await?);
                }
                Command::Pause(Name { queue }) => {
                    let verb = async |of: &_| queues::pause(of).await;
                    pause::say(cli, &ask(place, queue, routes::pause(queue), verb).await?);
                }
                Command::Resume(Name { queue }) => {
                    let verb = async |of: &_| queues::resume(of).await;
                    pause::say(cli, &ask(place, queue, routes::resume(queue), verb).await?);
                }
                Command::Drain(args) => args.run(cli, place).await?,
                Command::Clean(args) => args.run(cli, place).await?,
                Command::Obliterate(args) => args.run(cli, place).await?,
                Command::Concurrency(args) => args.run(cli, place).await?,
                Command::Limit(args) => args.run(cli, place).await?,
            }
            Ok(())
        })
    }
}

/// The answer of a verb about a queue, or of its route.
async fn ask<T: DeserializeOwned>(
    place: &Place,
    queue: &str,
    route: Call,
    verb: impl AsyncFnOnce(&Queue) -> verbs::Result<T>,
) -> Result<T> {
    let verb = async |here: &Here| verb(&here.known(queue).await?).await;
    place.ask(route, verb).await
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
