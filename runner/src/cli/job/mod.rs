//! `runner job`: inspect and manage jobs. One file per command, each over `verbs::jobs`
//! or `verbs::search`: it parses, asks and prints.
//! Knows how refusals of single jobs become an exit code.

mod cancel;
mod edit;
mod get;
mod list;
mod logs;
mod promote;
mod retry;
mod rm;
mod scan;
mod search;
mod wait;
mod which;
mod window;

use serde::de::DeserializeOwned;

use super::remote::{Call, Place, routes};
use super::{Cli, Exit, Result, output};
use crate::verbs::cover::Cover;
use crate::verbs::jobs::{self, Duplicated};
use crate::verbs::search::Target;
use crate::verbs::{self, Here};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show one job: its state, payload, result and errors.
    #[command(after_help = "Example: runner job get orders 42")]
    Get(Job),
    /// Print the log lines of a job.
    #[command(after_help = "Example: runner job logs orders 42")]
    Logs(Job),
    /// List jobs: those that run next come first, ended ones newest first.
    List(list::Args),
    /// Search the data, names and failure reasons of jobs for a text.
    Search(search::Args),
    /// Run completed or failed jobs again.
    Retry(retry::Args),
    /// Start delayed jobs now.
    Promote(promote::Args),
    /// Remove jobs and their children.
    Rm(rm::Args),
    /// Cancel waiting or running jobs: they fail without another attempt.
    Cancel(cancel::Args),
    /// Change the payload, delay or priority of a job.
    Edit(edit::Args),
    /// Add a job again: the same name, payload and options, and an id of its own.
    #[command(after_help = "Example: runner job duplicate orders 42")]
    Duplicate(Job),
    /// Wait for the end of a job: logs on stderr, the result on stdout.
    Wait(wait::Args),
}

/// One job of one queue.
#[derive(Debug, clap::Args)]
pub(super) struct Job {
    /// A queue, declared or in Redis.
    queue: String,
    /// The job's id.
    id: String,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        super::block_on(async {
            let place = &Place::of(cli, Cli::load_or_default).await?;
            match self {
                Command::Get(job) => get::run(cli, place, job).await,
                Command::Logs(job) => logs::run(cli, place, job).await,
                Command::List(args) => args.run(cli, place).await,
                Command::Search(args) => args.run(cli, place).await,
                Command::Retry(args) => args.run(cli, place).await,
                Command::Promote(args) => args.run(cli, place).await,
                Command::Rm(args) => args.run(cli, place).await,
                Command::Cancel(args) => args.run(cli, place).await,
                Command::Edit(args) => args.run(cli, place).await,
                Command::Duplicate(job) => duplicate(cli, place, job).await,
                Command::Wait(args) => args.run(place).await,
            }
        })
    }
}

/// A queue, and what is not shown of its jobs.
async fn target(here: &Here, name: &str) -> verbs::Result<Target> {
    Ok(Target {
        queue: here.known(name).await?,
        cover: Cover::of(&here.config, name),
    })
}

/// The answer of a verb about the jobs of a queue, or of its route.
async fn ask<T: DeserializeOwned>(
    place: &Place,
    queue: &str,
    route: Call,
    verb: impl AsyncFnOnce(&Target) -> verbs::Result<T>,
) -> Result<T> {
    let verb = async |here: &Here| verb(&target(here, queue).await?).await;
    place.ask(route, verb).await
}

async fn duplicate(cli: &Cli, place: &Place, job: &Job) -> Result {
    let verb = async |of: &Target| jobs::duplicate(&of.queue, &job.id).await;
    let route = routes::duplicate(&job.queue, &job.id);
    let added: Duplicated = ask(place, &job.queue, route, verb).await?;
    match cli.json {
        true => output::json(&added),
        false => output::line(added.id),
    }
    Ok(())
}

/// Whether this may be the names of several queues.
fn is_several(queue: &str) -> bool {
    queue.contains(['*', ','])
}

/// What went wrong with some of the jobs named: 3 when all that failed are
/// unknown, else 1.
pub(super) fn refused(refusals: Vec<Exit>) -> Result {
    if refusals.is_empty() {
        return Ok(());
    }
    let unknown = refusals.iter().all(|refusal| refusal.code == 3);
    let lines: Vec<String> = refusals
        .into_iter()
        .map(|refusal| refusal.message)
        .collect();
    let message = lines.join("\n");
    Err(if unknown {
        Exit::not_found(message)
    } else {
        Exit::failed(message)
    })
}
