//! `runner job cancel`: end jobs, waiting or running, from anywhere.

use super::which::{Narrow, Which};
use crate::cli::remote::Place;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result};
use crate::verbs::jobs::Act;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job cancel orders 42 --reason \"customer called\"")]
#[command(
    override_usage = "runner job cancel [OPTIONS] <QUEUE> <ID>...\n       runner job cancel [OPTIONS] <QUEUE> --all\n       runner job cancel [OPTIONS] <QUEUE> --filter <QUERY>"
)]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    #[command(flatten)]
    which: Which,
    /// Recorded as the reason for the failure.
    #[arg(long)]
    reason: Option<String>,
    /// Only count the jobs.
    #[arg(long, conflicts_with = "ids")]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let act = Act::Cancel {
            reason: self.reason.clone(),
            wait: true,
        };
        let narrow = Narrow {
            states: &[],
            name: None,
            dry_run: self.dry_run,
            confirm: Some(&self.confirm),
        };
        self.which
            .run(cli, (place, &self.queue), &act, narrow)
            .await
    }
}
