//! `runner job list`: the jobs of a queue.

use super::scan::table;
use super::window::Window;
use crate::cli::terminal::cover::Cover;
use crate::cli::{Cli, Result, output};
use crate::config::Pattern;
use crate::queue::Queue;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job list orders --state failed --name 'invoice-*'")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    #[command(flatten)]
    window: Window,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue, cover: &Cover) -> Result {
        let pattern = self.name.clone().map(Pattern);
        let scan = self.window.scan();
        let fits = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(name));
        let seen = scan.run(queue, cover, |job| fits(&job.name)).await?;
        if cli.json {
            let jobs = seen.jobs.iter().map(|job| super::document(queue, job));
            output::json(&jobs.collect::<Vec<_>>());
        } else {
            table(&seen.jobs);
        }
        if pattern.is_some() {
            seen.say();
        } else if seen.more {
            output::hint("there are more: raise --limit, or narrow with --state");
        }
        Ok(())
    }
}
