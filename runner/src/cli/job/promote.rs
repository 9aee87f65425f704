//! `runner job promote`: delayed jobs start now.

use super::put_back::{Kind, promote_all};
use crate::cli::{Cli, Result};
use crate::queue::Queue;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job promote orders 42 43")]
#[command(
    override_usage = "runner job promote [OPTIONS] <QUEUE> <ID>...\n       runner job promote [OPTIONS] <QUEUE> --all"
)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["ids", "all"])))]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Ids of jobs.
    ids: Vec<String>,
    /// Promote all jobs that are delayed now, the next due first.
    #[arg(long)]
    all: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let kind = Kind::Promote;
        let (promoted, refusals) = match self.all {
            true => (promote_all(queue).await?, Vec::new()),
            false => kind.named(queue, &self.ids).await?,
        };
        kind.tell(cli, queue, promoted, refusals)
    }
}
