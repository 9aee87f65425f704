//! `runner job promote`: delayed jobs start now.

use serde_json::json;

use crate::cli::{Cli, Exit, Result, output};
use crate::queue::{Back, Queue, State};
use crate::units;

/// Ids in one call.
const CALL: usize = 1000;

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
    /// All jobs that are delayed now, the next due first.
    #[arg(long)]
    all: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let (promoted, refusals) = if self.all {
            (promote_all(queue).await?, Vec::new())
        } else {
            self.promote_named(queue).await?
        };
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "promoted": promoted }));
        } else {
            output::line(format!("promoted {}", units::count(promoted, "job")));
        }
        super::refused(refusals)
    }

    async fn promote_named(&self, queue: &Queue) -> Result<(u64, Vec<Exit>)> {
        let mut refusals = Vec::new();
        let mut promoted = 0;
        for ids in self.ids.chunks(CALL) {
            let ends = queue.promote(ids).await?;
            for (id, end) in std::iter::zip(ids, ends) {
                match end {
                    Back::Done => promoted += 1,
                    Back::Missing => refusals.push(super::missing(queue, id)),
                    Back::Elsewhere => refusals.push(Exit::failed(format!(
                        "job {id:?} is {}; only delayed jobs can be promoted",
                        queue.state(id).await?
                    ))),
                }
            }
        }
        Ok((promoted, refusals))
    }
}

/// No more than there are at first: those that fail and are delayed again have
/// had their turn.
async fn promote_all(queue: &Queue) -> Result<u64> {
    let mut left = queue.count(State::Delayed).await? as usize;
    let bar = output::bar(left as u64);
    let (mut promoted, mut kept) = (0, 0);
    while left > 0 {
        let ids = queue.page(State::Delayed, kept, left.min(CALL)).await?;
        if ids.is_empty() {
            break;
        }
        left -= ids.len();
        bar.inc(ids.len() as u64);
        let ends = queue.promote(&ids).await?;
        promoted += ends.iter().filter(|end| **end == Back::Done).count() as u64;
        // Ids without a job stay where they are.
        kept += ends.iter().filter(|end| **end == Back::Missing).count();
    }
    bar.finish_and_clear();
    Ok(promoted)
}
