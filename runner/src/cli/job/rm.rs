//! `runner job rm`: remove jobs.

use super::which::{Narrow, Which};
use crate::cli::args::one_of;
use crate::cli::remote::Place;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result};
use crate::queue::State;
use crate::verbs::jobs::Act;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job rm orders 42 43")]
#[command(
    override_usage = "runner job rm [OPTIONS] <QUEUE> <ID>...\n       runner job rm [OPTIONS] <QUEUE> --all\n       runner job rm [OPTIONS] <QUEUE> --filter <QUERY>"
)]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    #[command(flatten)]
    which: Which,
    /// Only jobs in this state; repeat it for several states.
    #[arg(long, value_name = "STATE", conflicts_with = "ids", value_parser = one_of(State::ALL))]
    state: Vec<State>,
    /// Keep the children of the jobs.
    #[arg(long)]
    keep_children: bool,
    /// Only count the jobs.
    #[arg(long, conflicts_with = "ids")]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let act = Act::Remove {
            keep_children: self.keep_children,
        };
        let narrow = Narrow {
            states: &self.state,
            name: None,
            dry_run: self.dry_run,
            confirm: Some(&self.confirm),
        };
        self.which
            .run(cli, (place, &self.queue), &act, narrow)
            .await
    }
}
