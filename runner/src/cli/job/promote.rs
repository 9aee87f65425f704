//! `runner job promote`: delayed jobs start now.

use super::which::{Narrow, Which};
use crate::cli::remote::Place;
use crate::cli::{Cli, Result};
use crate::verbs::jobs::Act;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job promote orders 42 43")]
#[command(
    override_usage = "runner job promote [OPTIONS] <QUEUE> <ID>...\n       runner job promote [OPTIONS] <QUEUE> --all\n       runner job promote [OPTIONS] <QUEUE> --filter <QUERY>"
)]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    #[command(flatten)]
    which: Which,
    /// Only count the jobs.
    #[arg(long, conflicts_with = "ids")]
    dry_run: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let narrow = Narrow {
            states: &[],
            name: None,
            dry_run: self.dry_run,
            confirm: None,
        };
        self.which
            .run(cli, (place, &self.queue), &Act::Promote, narrow)
            .await
    }
}
