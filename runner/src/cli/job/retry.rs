//! `runner job retry`: completed or failed jobs run again.

use serde_json::json;

use crate::cli::args::one_of;
use crate::cli::{Cli, Exit, Result, output};
use crate::config::Pattern;
use crate::queue::{Back, Queue, State};
use crate::units;

/// Ids in one call.
const CALL: usize = 1000;

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
    /// All jobs of the state that have ended by now, the oldest first.
    #[arg(long)]
    all: bool,
    /// Which jobs are meant by --all.
    #[arg(
        long,
        value_name = "STATE",
        default_value = "failed",
        value_parser = one_of([State::Failed, State::Completed])
    )]
    state: State,
    /// With --all, only jobs whose name matches; * stands for any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Count their attempts from zero again.
    #[arg(long)]
    reset_attempts: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let (retried, refusals) = if self.all {
            (self.retry_all(queue).await?, Vec::new())
        } else {
            self.retry_named(queue).await?
        };
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "retried": retried }));
        } else {
            output::line(format!("retried {}", units::count(retried, "job")));
        }
        super::refused(refusals)
    }

    async fn retry_named(&self, queue: &Queue) -> Result<(u64, Vec<Exit>)> {
        let mut refusals = Vec::new();
        let mut retried = 0;
        for ids in self.ids.chunks(CALL) {
            let ends = queue.retry(ids, self.reset_attempts).await?;
            for (id, end) in std::iter::zip(ids, ends) {
                match end {
                    Back::Done => retried += 1,
                    Back::Missing => refusals.push(super::missing(queue, id)),
                    Back::Elsewhere => refusals.push(Exit::failed(format!(
                        "job {id:?} is {}; only completed and failed jobs can be retried",
                        queue.state(id).await?
                    ))),
                }
            }
        }
        Ok((retried, refusals))
    }

    async fn retry_all(&self, queue: &Queue) -> Result<u64> {
        let pattern = self.name.clone().map(Pattern);
        let until = queue.now().await?;
        let bar = output::bar(queue.count(self.state).await?);
        let (mut retried, mut kept) = (0, 0);
        loop {
            let page = queue.ended(self.state, until, kept, CALL).await?;
            let ids = match &pattern {
                None => page.clone(),
                Some(pattern) => queue.named(&page, |name| pattern.matches(name)).await?,
            };
            kept += page.len() - ids.len();
            if !ids.is_empty() {
                let ends = queue.retry(&ids, self.reset_attempts).await?;
                retried += ends.iter().filter(|end| **end == Back::Done).count() as u64;
                // Ids without a job stay where they are.
                kept += ends.iter().filter(|end| **end == Back::Missing).count();
            }
            bar.inc(page.len() as u64);
            if page.len() < CALL {
                bar.finish_and_clear();
                return Ok(retried);
            }
        }
    }
}
