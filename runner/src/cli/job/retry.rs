//! `runner job retry`: completed or failed jobs run again.

use super::which::{Narrow, Which};
use crate::cli::args::one_of;
use crate::cli::remote::Place;
use crate::cli::{Cli, Result};
use crate::queue::State;
use crate::verbs::jobs::Act;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: runner job retry orders --all --name 'invoice-*' --reset-attempts"
)]
#[command(
    override_usage = "runner job retry [OPTIONS] <QUEUE> <ID>...\n       runner job retry [OPTIONS] <QUEUE> --all\n       runner job retry [OPTIONS] <QUEUE> --filter <QUERY>"
)]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    #[command(flatten)]
    which: Which,
    /// Only jobs in this state [default: failed, unless the query names states].
    #[arg(
        long,
        value_name = "STATE",
        conflicts_with = "ids",
        value_parser = one_of([State::Failed, State::Completed])
    )]
    state: Option<State>,
    /// Only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN", conflicts_with = "ids")]
    name: Option<String>,
    /// Only count the jobs.
    #[arg(long, conflicts_with = "ids")]
    dry_run: bool,
    /// Count their attempts from zero again.
    #[arg(long)]
    reset_attempts: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let act = Act::Retry {
            reset: self.reset_attempts,
        };
        let narrow = Narrow {
            states: self.state.as_slice(),
            name: self.name.as_deref(),
            dry_run: self.dry_run,
            confirm: None,
        };
        self.which
            .run(cli, (place, &self.queue), &act, narrow)
            .await
    }
}
