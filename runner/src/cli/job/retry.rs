//! `runner job retry`: completed or failed jobs run again.

use super::put_back::{Kind, retry_all};
use crate::cli::args::one_of;
use crate::cli::{Cli, Result};
use crate::config::Pattern;
use crate::queue::{Queue, State};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: runner job retry orders --all --name 'invoice-*' --reset-attempts"
)]
#[command(
    override_usage = "runner job retry [OPTIONS] <QUEUE> <ID>...\n       runner job retry [OPTIONS] <QUEUE> --all"
)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["ids", "all"])))]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Ids of jobs.
    #[arg(conflicts_with_all = ["state", "name"])]
    ids: Vec<String>,
    /// Retry all jobs in the state, the oldest first.
    #[arg(long)]
    all: bool,
    /// Which jobs --all retries.
    #[arg(
        long,
        value_name = "STATE",
        default_value = "failed",
        value_parser = one_of([State::Failed, State::Completed])
    )]
    state: State,
    /// With --all, only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Count their attempts from zero again.
    #[arg(long)]
    reset_attempts: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let reset = self.reset_attempts;
        let kind = Kind::Retry { reset };
        let (retried, refusals) = if self.all {
            let pattern = self.name.clone().map(Pattern);
            let retried = retry_all(queue, self.state, pattern.as_ref(), reset).await?;
            (retried, Vec::new())
        } else {
            kind.named(queue, &self.ids).await?
        };
        kind.tell(cli, queue, retried, refusals)
    }
}
