//! `runner dlq purge`: letters are thrown away.

use serde_json::json;

use super::pick::Pick;
use crate::cli::job::refused;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::config::Loaded;
use crate::queue::Removal;
use crate::units;

/// Ids in one call.
const CALL: usize = 100;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner dlq purge otp-dead --all --older-than 30d --yes")]
pub(in crate::cli) struct Args {
    /// A dead letter queue.
    queue: String,
    #[command(flatten)]
    pick: Pick,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        let queue = super::connect(cli, loaded, &self.queue).await?;
        let (ids, mut refusals) = self.pick.ids(&queue).await?;
        if self.pick.is_all() && !ids.is_empty() {
            let what = format!(
                "removes {} of queue {:?}",
                units::count(ids.len() as u64, "letter"),
                queue.name()
            );
            self.confirm.ask(queue.name(), &what)?;
        }
        let mut removed = 0;
        for ids in ids.chunks(CALL) {
            let ends = queue.remove(ids, false).await?;
            for (id, end) in std::iter::zip(ids, ends) {
                match end {
                    Removal::Done => removed += 1,
                    // Somebody else was faster, and that is what was wanted.
                    Removal::Missing if self.pick.is_all() => {}
                    Removal::Missing => refusals.push(super::missing(&queue, id)),
                    Removal::Locked | Removal::NextRun => refusals.push(super::active(id)),
                }
            }
        }
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "removed": removed }));
        } else {
            output::line(format!(
                "removed {}",
                units::count(removed as u64, "letter")
            ));
        }
        refused(refusals)
    }
}
