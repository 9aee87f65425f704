//! `runner job rm`: remove single jobs.

use serde_json::json;

use crate::cli::{Cli, Exit, Result, output};
use crate::queue::{Queue, Removal};
use crate::units;

/// Ids in one call: each may bring its children.
const CALL: usize = 100;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job rm orders 42 43")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Ids of jobs.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Keep the children of the jobs.
    #[arg(long)]
    keep_children: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let mut refusals = Vec::new();
        let mut removed = 0;
        for ids in self.ids.chunks(CALL) {
            let ends = queue.remove(ids, !self.keep_children).await?;
            for (id, end) in std::iter::zip(ids, ends) {
                match end {
                    Removal::Done => removed += 1,
                    Removal::Missing => refusals.push(super::missing(queue, id)),
                    Removal::Locked => refusals.push(Exit::failed(format!(
                        "a worker is running job {id:?} or one of its children; \
                         remove it when it has ended"
                    ))),
                    Removal::NextRun => refusals.push(super::next_run(queue, id)),
                }
            }
        }
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "removed": removed }));
        } else {
            output::line(format!("removed {}", units::count(removed, "job")));
        }
        super::refused(refusals)
    }
}
