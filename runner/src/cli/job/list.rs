//! `runner job list`: the jobs of a queue.

use super::scan::{Scan, table};
use crate::cli::args::one_of;
use crate::cli::terminal::cover::Cover;
use crate::cli::{Cli, Result, output};
use crate::config::Pattern;
use crate::queue::{Queue, State};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job list orders --state failed --name 'invoice-*'")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Only jobs in this state; may be given several times.
    #[arg(long, value_name = "STATE", value_parser = one_of(State::ALL))]
    state: Vec<State>,
    /// Only jobs whose name matches; * stands for any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Show at most N jobs.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Look through at most N jobs for a name.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    scan: usize,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue, cover: &Cover) -> Result {
        let pattern = self.name.clone().map(Pattern);
        let scan = Scan::new(&self.state, self.limit, self.scan);
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
            output::hint("there are more: raise --limit, or name a --state");
        }
        Ok(())
    }
}
