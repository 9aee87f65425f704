//! `runner dlq`: dead letter queues. One file per command.

mod list;
mod pick;
mod purge;
mod replay;
mod show;

use super::{Cli, Exit, Result, target};
use crate::config::{Config, Loaded};
use crate::queue::Queue;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the dead letter queues, or the letters in one, the oldest first.
    List(list::Args),
    /// Show one letter: where it comes from, why it failed, its payload.
    Show(show::Args),
    /// Move letters back to the queue they failed in, or to another one.
    Replay(replay::Args),
    /// Remove letters for good.
    Purge(purge::Args),
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load()?;
        super::block_on(async {
            match self {
                Command::List(args) => args.run(cli, &loaded).await,
                Command::Show(args) => args.run(cli, &loaded).await,
                Command::Replay(args) => args.run(cli, &loaded).await,
                Command::Purge(args) => args.run(cli, &loaded).await,
            }
        })
    }
}

/// The queues whose failed jobs come to this one.
fn sources<'a>(config: &'a Config, name: &str) -> Vec<&'a str> {
    let sends = |queue: &crate::config::Queue| {
        let jobs = queue.jobs.iter().map(|(_, settings)| settings);
        jobs.chain([&queue.base])
            .filter_map(|settings| settings.dead_letter.as_ref())
            .any(|to| to.queue == name)
    };
    let queues = config.queues.values().filter(|queue| sends(queue));
    queues.map(|queue| queue.name.as_str()).collect()
}

/// A dead letter queue by its name.
async fn connect(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Queue> {
    let queue = target::declared(loaded, name)?;
    if sources(&loaded.config, name).is_empty() {
        return Err(Exit::usage(match &queue.base.dead_letter {
            Some(to) => format!(
                "queue {name:?} is not a dead letter queue; its dead letters are in {:?}",
                to.queue
            ),
            None => format!(
                "queue {name:?} is not a dead letter queue: no `dead_letter` names it; \
                 what failed in it is retried with: runner job retry {name}"
            ),
        }));
    }
    target::connect(cli, loaded, name).await
}

fn missing(queue: &Queue, id: &str) -> Exit {
    Exit::not_found(format!(
        "queue {:?} has no letter {id:?}; it may have been replayed or removed",
        queue.name()
    ))
}

fn active(id: &str) -> Exit {
    Exit::failed(format!(
        "a worker is running letter {id:?}; wait for its end"
    ))
}
