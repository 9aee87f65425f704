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
    /// List the queues: the declared ones and all that Redis has.
    #[command(after_help = "Example: runner queue list")]
    List,
    /// Show a queue in figures: states, rates, waiting and running times.
    #[command(after_help = "Example: runner queue stats orders")]
    Stats(Name),
    /// Start no further jobs, in any worker.
    #[command(after_help = "Example: runner queue pause orders")]
    Pause(Name),
    /// Start jobs again.
    #[command(after_help = "Example: runner queue resume orders")]
    Resume(Name),
    /// Remove the jobs that wait.
    Drain(drain::Args),
    /// Remove old jobs of one state.
    Clean(clean::Args),
    /// Remove the queue with all its jobs, schedulers and settings.
    Obliterate(obliterate::Args),
    /// Show, set or lift how many jobs may be active at once, over all workers.
    Concurrency(concurrency::Args),
    /// Show, set or lift how many jobs may start within a time, over all workers.
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
