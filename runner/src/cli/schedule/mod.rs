//! `runner schedule`: inspect and manage job schedulers. One file per command, each over
//! `verbs::schedules`: it parses, asks and prints.
//! Knows how the one that is meant is found.

mod list;
mod rm;

use super::remote::{Place, routes};
use super::{Cli, Result, output};
use crate::verbs::schedules::{self, Schedule};

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
        super::block_on(async {
            let place = Place::of(cli, Cli::load_or_default).await?;
            match self {
                Command::List(args) => args.run(cli, &place).await,
                Command::Run(one) => run(cli, &place, one).await,
                Command::Rm(args) => args.run(cli, &place).await,
            }
        })
    }
}

/// The schedulers of this queue, or of all.
async fn all(place: &Place, queue: Option<&str>) -> Result<Vec<Schedule>> {
    let verb = async |here: &_| schedules::list(here, queue).await;
    place.ask(routes::schedules(queue), verb).await
}

/// The one scheduler that is meant.
async fn find(place: &Place, one: &One) -> Result<Schedule> {
    let queue = one.queue.as_deref();
    Ok(schedules::pick(all(place, queue).await?, queue, &one.id)?)
}

async fn run(cli: &Cli, place: &Place, one: &One) -> Result {
    let Schedule { queue, id, .. } = &find(place, one).await?;
    let verb = async |here: &_| schedules::run(here, queue, id).await;
    let run = place.ask(routes::run_schedule(queue, id), verb).await?;
    match cli.json {
        true => output::json(&run),
        false => output::line(run.id),
    }
    Ok(())
}
