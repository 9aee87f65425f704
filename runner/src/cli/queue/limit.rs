//! `runner queue limit`: BullMQ's global rate limit.

use std::time::Duration;

use crate::cli::args::Bound;
use crate::cli::{Cli, Result, output};
use crate::config::Limiter;
use crate::queue::Queue;
use crate::units;
use crate::verbs::queues::{self, Limit};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue limit orders 100/10s")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// How many jobs may start in a time, such as 100/10s, or none to lift the limit.
    #[arg(value_name = "MAX/DURATION|none")]
    limit: Option<Bound<Limiter>>,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let answer = match self.limit {
            Some(Bound(limit)) => queues::set_limit(queue, limit.map(Limit::from)).await?,
            None => queues::limit(queue).await?,
        };
        if cli.json {
            output::json(&answer);
        } else {
            output::line(answer.limit.as_ref().map_or("none".to_owned(), text));
        }
        Ok(())
    }
}

/// As it is written: `100/10s`.
pub(super) fn text(limit: &Limit) -> String {
    let time = Duration::from_millis(limit.duration);
    format!("{}/{}", limit.max, units::duration(time))
}
