//! `runner queue clean`: remove old jobs of one state.

use std::time::Duration;

use crate::cli::args::one_of;
use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::queue::State;
use crate::units;
use crate::verbs::queues::{self, Clean};

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
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let queue = self.queue.as_str();
        let clean = |dry_run, cursor| Clean {
            state: self.state,
            older_than: self.older_than,
            limit: self.limit,
            dry_run,
            cursor,
        };
        let call = async |asked: &_| {
            let verb = async |of: &_| queues::clean(of, asked).await;
            super::ask(place, queue, routes::clean(queue, asked), verb).await
        };
        let there = call(&clean(true, None)).await?;
        let count = there.matched.unwrap_or_default();
        let jobs = |count| units::count(count, &format!("{} job", self.state.name()));
        // Others than sets of ended jobs are not sorted by age.
        let most = match self.state {
            State::Completed | State::Failed => "",
            _ => "at most ",
        };
        let what = format!("removes {most}{} of queue {:?}", jobs(count), queue);
        self.confirm.ask(queue, &what)?;
        let removed = super::to_end(count, async |cursor| call(&clean(false, cursor)).await);
        let removed = removed.await?;
        if cli.json {
            output::json(&removed);
        } else {
            output::line(format!("removed {}", jobs(removed.removed)));
        }
        Ok(())
    }
}
