//! `runner job`: inspect and manage jobs. One file per command.

mod cancel;
mod get;
mod list;
mod logs;
mod promote;
mod put_back;
mod retry;
mod rm;
mod scan;
mod search;
mod wait;
mod window;

use super::{Cli, Exit, Result, target};
use crate::config::Loaded;
use crate::queue::Queue;
use crate::verbs::cover::Cover;
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
            Command::Get(job) | Command::Logs(job) => &job.queue,
            Command::List(args) => &args.queue,
            Command::Search(args) => &args.queue,
            Command::Retry(args) => &args.queue,
            Command::Promote(args) => &args.queue,
            Command::Rm(args) => &args.queue,
            Command::Cancel(args) => &args.queue,
            Command::Wait(args) => &args.job.queue,
        };
        super::block_on(async {
            let cover = Cover::of(&loaded.config, name);
            let queue = async || target::any(cli, &loaded, name).await;
            let targets = async || targets(cli, &loaded, name).await;
            match self {
                Command::Get(job) => get::run(cli, &queue().await?, &cover, job).await,
                Command::Logs(job) => logs::run(cli, &queue().await?, &cover, job).await,
                Command::List(args) => args.run(cli, targets().await?).await,
                Command::Search(args) => args.run(cli, targets().await?).await,
                Command::Retry(args) => args.run(cli, &queue().await?).await,
                Command::Promote(args) => args.run(cli, &queue().await?).await,
                Command::Rm(args) => args.run(cli, &queue().await?).await,
                Command::Cancel(args) => args.run(cli, &queue().await?).await,
                Command::Wait(args) => args.run(&queue().await?, &cover).await,
            }
        })
    }
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

fn missing(queue: &Queue, id: &str) -> Exit {
    Exit::not_found(format!(
        "queue {:?} has no job {id:?}; it may have been removed when it ended (removeOnComplete)",
        queue.name()
    ))
}

/// The id of such a job is `repeat:<scheduler>:<milliseconds>`.
fn next_run(queue: &Queue, id: &str) -> Exit {
    let scheduler = id
        .strip_prefix("repeat:")
        .and_then(|id| id.rsplit_once(':'));
    let scheduler = scheduler.map_or("ID", |(scheduler, _)| scheduler);
    Exit::failed(format!(
        "job {id:?} is the next run of a scheduler, which is removed with: \
         runner schedule rm {scheduler} --queue {}",
        queue.name()
    ))
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
