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

use super::{Cli, Exit, Result, output, target};
use crate::config::Loaded;
use crate::verbs::cover::Cover;
use crate::verbs::jobs;
use crate::verbs::search::Target;

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
        let loaded = cli.load_or_default()?;
        let name = match self {
            Command::Get(job) | Command::Logs(job) | Command::Duplicate(job) => &job.queue,
            Command::List(args) => &args.queue,
            Command::Search(args) => &args.queue,
            Command::Retry(args) => &args.queue,
            Command::Promote(args) => &args.queue,
            Command::Rm(args) => &args.queue,
            Command::Cancel(args) => &args.queue,
            Command::Edit(args) => &args.queue,
            Command::Wait(args) => &args.job.queue,
        };
        super::block_on(async {
            let one = async || one(cli, &loaded, name).await;
            let targets = async || targets(cli, &loaded, name).await;
            match self {
                Command::Get(job) => get::run(cli, &one().await?, job).await,
                Command::Logs(job) => logs::run(cli, &one().await?, job).await,
                Command::List(args) => args.run(cli, targets().await?).await,
                Command::Search(args) => args.run(cli, targets().await?).await,
                Command::Retry(args) => args.run(cli, one().await?).await,
                Command::Promote(args) => args.run(cli, one().await?).await,
                Command::Rm(args) => args.run(cli, one().await?).await,
                Command::Cancel(args) => args.run(cli, one().await?).await,
                Command::Edit(args) => args.run(cli, &one().await?.queue).await,
                Command::Duplicate(job) => duplicate(cli, &one().await?, job).await,
                Command::Wait(args) => args.run(&one().await?).await,
            }
        })
    }
}

/// A queue, and what is not shown of its jobs.
async fn one(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Target> {
    let here = target::here(cli, loaded).await?;
    Ok(Target {
        queue: here.known(name).await?,
        cover: Cover::of(&here.config, name),
    })
}

async fn duplicate(cli: &Cli, target: &Target, job: &Job) -> Result {
    let added = jobs::duplicate(&target.queue, &job.id).await?;
    match cli.json {
        true => output::json(&added),
        false => output::line(added.id),
    }
    Ok(())
}

/// Whether this may be the name of several queues.
fn is_several(queue: &str) -> bool {
    queue.contains('*')
}

/// The queue of this name, or those of the pattern.
async fn targets(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Vec<Target>> {
    let here = target::here(cli, loaded).await?;
    Ok(Target::of(&here, &here.named(name).await?, false))
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
