//! `runner dlq`: dead letter queues. One file per command, each over `verbs::letters`: it
//! parses, asks and prints.
//! Knows how what many calls answer becomes one answer.

mod list;
mod pick;
mod purge;
mod replay;
mod show;

use super::remote::Place;
use super::{Cli, Exit, Result};
use crate::verbs::{Class, Refused};

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
        super::block_on(async {
            let place = Place::of(cli, Cli::load).await?;
            match self {
                Command::List(args) => args.run(cli, &place).await,
                Command::Show(args) => args.run(cli, &place).await,
                Command::Replay(args) => args.run(cli, &place).await,
                Command::Purge(args) => args.run(cli, &place).await,
            }
        })
    }
}

/// What went wrong with some of many: 3 when all that failed are unknown, else 1.
fn refused(refused: Vec<Refused>) -> Result {
    if refused.is_empty() {
        return Ok(());
    }
    let unknown = |one: &Refused| one.kind.class() == Class::Unknown;
    let exit = match refused.iter().all(unknown) {
        true => Exit::not_found,
        false => Exit::failed,
    };
    let lines: Vec<String> = refused.into_iter().map(|one| one.detail).collect();
    Err(exit(lines.join("\n")))
}
