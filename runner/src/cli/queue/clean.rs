//! `runner queue clean`: remove old jobs of one state.

use std::time::Duration;

use serde_json::json;

use crate::cli::args::one_of;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::queue::{Queue, State};
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue clean orders --state failed --older-than 7d --yes")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Which jobs to remove. Active jobs that a worker holds are kept.
    #[arg(
        long,
        value_name = "STATE",
        value_parser = one_of(State::ALL.into_iter().filter(|state| *state != State::WaitingChildren))
    )]
    state: State,
    /// Only jobs that ended (or else started, or else were added) at least this long ago: 30m, 7d.
    #[arg(long, value_name = "AGE", default_value = "0s", value_parser = humantime::parse_duration)]
    older_than: Duration,
    /// Remove at most N jobs, the oldest first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let finished = matches!(self.state, State::Completed | State::Failed);
        // Sets of ended jobs are sorted by their end; others must be looked through.
        let (most, count) = if finished {
            ("", queue.count_older(self.state, self.older_than).await?)
        } else {
            ("at most ", queue.count(self.state).await?)
        };
        let count = count.min(self.limit.unwrap_or(u64::MAX));
        let what = format!(
            "removes {most}{} of queue {:?}",
            units::count(count, &format!("{} job", self.state.name())),
            queue.name()
        );
        self.confirm.ask(queue.name(), &what)?;
        let bar = output::bar(count);
        let removed = queue
            .clean(self.state, self.older_than, self.limit, &|jobs| {
                bar.inc(jobs)
            })
            .await?;
        bar.finish_and_clear();
        if cli.json {
            output::json(&json!({
                "queue": queue.name(),
                "state": self.state.name(),
                "removed": removed,
            }));
        } else {
            output::line(format!(
                "removed {}",
                units::count(removed, &format!("{} job", self.state.name()))
            ));
        }
        Ok(())
    }
}
