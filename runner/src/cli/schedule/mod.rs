//! `runner schedule`: inspect and manage job schedulers. One file per command; here is
//! how the one that is meant is found.

mod list;
mod rm;
mod run;

use super::{Cli, Exit, Result, target};
use crate::config::Loaded;
use crate::queue::{Queue, SchedulerState};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List schedulers with their last, next and missed runs.
    #[command(after_help = "Example: runner schedule list")]
    List(list::Args),
    /// Add one job now, as the scheduler would; its schedule stays as it is.
    #[command(after_help = "Example: runner schedule run housekeeping/cleanup")]
    Run(One),
    /// Remove a scheduler and its next job.
    #[command(after_help = "Example: runner schedule rm nightly-report --queue reports --yes")]
    Rm(rm::Args),
}

/// One scheduler.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// Its id, as `runner schedule list` shows it.
    id: String,
    /// Its queue, if several have a scheduler with this id.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load_or_default()?;
        super::block_on(async {
            match self {
                Command::List(args) => args.run(cli, &loaded).await,
                Command::Run(one) => run::run(cli, &loaded, one).await,
                Command::Rm(args) => args.run(cli, &loaded).await,
            }
        })
    }
}

/// The queue of this name, or all.
async fn queues(cli: &Cli, loaded: &Loaded, name: Option<&str>) -> Result<Vec<Queue>> {
    let here = target::here(cli, loaded).await?;
    if let Some(name) = name {
        return Ok(vec![here.known(name).await?]);
    }
    let names = here.names().await?;
    Ok(names.iter().map(|name| here.queue(name)).collect())
}

/// The one scheduler that is meant.
async fn find(cli: &Cli, loaded: &Loaded, one: &One) -> Result<(Queue, SchedulerState)> {
    let mut found = Vec::new();
    for queue in queues(cli, loaded, one.queue.as_deref()).await? {
        let (_, schedulers) = queue.schedulers().await?;
        let known = schedulers.into_iter().find(|known| known.id == one.id);
        found.extend(known.map(|known| (queue, known)));
    }
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|(queue, _)| queue.name()).collect();
        return Err(Exit::usage(format!(
            "the queues {} each have a scheduler {:?}; pick one with --queue",
            names.join(", "),
            one.id
        )));
    }
    found.pop().ok_or_else(|| {
        let place = match &one.queue {
            Some(queue) => format!("queue {queue:?} has no scheduler"),
            None => "no queue has a scheduler".to_owned(),
        };
        Exit::not_found(format!("{place} {:?}; see runner schedule list", one.id))
    })
}
