//! `runner queue`: inspect and manage queues. One file per command.

mod clean;
mod concurrency;
mod drain;
mod limit;
mod list;
mod obliterate;
mod pause;
mod resume;
mod stats;

use serde_json::{Map, Value};

use super::{Cli, Result, target};
use crate::queue::{Counts, State};

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
            let queue = async |name: &str| target::any(cli, &loaded, name).await;
            match self {
                Command::List => list::run(cli, &loaded).await,
                Command::Stats(Name { queue: name }) => stats::run(cli, &queue(name).await?).await,
                Command::Pause(Name { queue: name }) => pause::run(cli, &queue(name).await?).await,
                Command::Resume(Name { queue: name }) => {
                    resume::run(cli, &queue(name).await?).await
                }
                Command::Drain(args) => args.run(cli, &queue(&args.queue).await?).await,
                Command::Clean(args) => args.run(cli, &queue(&args.queue).await?).await,
                Command::Obliterate(args) => args.run(cli, &queue(&args.queue).await?).await,
                Command::Concurrency(args) => args.run(cli, &queue(&args.queue).await?).await,
                Command::Limit(args) => args.run(cli, &queue(&args.queue).await?).await,
            }
        })
    }
}

/// Counts by the names of the states.
fn document(counts: &Counts) -> Value {
    let states = State::ALL.iter();
    let counts = states.map(|state| (state.name().to_owned(), counts.of(*state).into()));
    Value::Object(counts.collect::<Map<_, _>>())
}
