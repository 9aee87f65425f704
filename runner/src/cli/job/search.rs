//! `runner job search`: a text in jobs.

use serde_json::json;

use super::scan::table;
use super::window::Window;
use crate::cli::terminal::cover::Cover;
use crate::cli::{Cli, Result, output};
use crate::queue::Queue;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job search orders ada@example.com --state failed")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// The text; case is ignored.
    text: String,
    #[command(flatten)]
    window: Window,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue, cover: &Cover) -> Result {
        let wanted = self.text.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let seen = self
            .window
            .scan()
            .run(queue, cover, |job| {
                has(&job.name) || has(&job.data) || job.failed_reason.as_deref().is_some_and(has)
            })
            .await?;
        if cli.json {
            let jobs = seen.jobs.iter().map(|job| super::document(queue, job));
            output::json(&json!({
                "lookedAt": seen.looked,
                "total": seen.total,
                "jobs": jobs.collect::<Vec<_>>(),
            }));
        } else {
            table(&seen.jobs);
            seen.say();
        }
        Ok(())
    }
}
