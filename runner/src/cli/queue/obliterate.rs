//! `runner queue obliterate`: remove a queue.

use serde_json::json;

use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Exit, Result, output};
use crate::queue::{Obliteration, Queue};
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue obliterate old-orders --yes")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Even with active jobs; their results can no longer be saved.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let name = queue.name();
        let counts = queue.counts().await?;
        let jobs = units::count(counts.total(), "job");
        self.confirm.ask(
            name,
            &format!("removes queue {name:?} with {jobs}, its schedulers and its settings"),
        )?;
        let bar = output::bar(counts.total());
        let end = queue.obliterate(self.force, &|jobs| bar.inc(jobs)).await?;
        bar.finish_and_clear();
        let removed = match end {
            Obliteration::Done(removed) => removed,
            Obliteration::Active => {
                return Err(Exit::failed(format!(
                    "queue {name:?} has active jobs: it was paused, and nothing was removed; \
                     wait for them, or add --force"
                )));
            }
            Obliteration::Resumed(removed) => {
                return Err(Exit::failed(format!(
                    "queue {name:?} was resumed meanwhile: {} removed, the rest is still there",
                    units::count(removed, "job")
                )));
            }
        };
        if cli.json {
            output::json(&json!({ "queue": name, "removed": removed }));
        } else {
            output::line(format!(
                "removed the queue and {}",
                units::count(removed, "job")
            ));
        }
        Ok(())
    }
}
