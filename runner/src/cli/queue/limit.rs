//! `runner queue limit`: BullMQ's global rate limit.

use std::time::Duration;

use crate::cli::args::Bound;
use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
use crate::config::Limiter;
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
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let queue = self.queue.as_str();
        let answer = match self.limit {
            Some(Bound(limit)) => {
                let limit = limit.map(Limit::from);
                let verb = async |of: &_| queues::set_limit(of, limit).await;
                super::ask(place, queue, routes::set_limit(queue, limit), verb).await?
            }
            None => {
                let verb = async |of: &_| queues::limit(of).await;
                super::ask(place, queue, routes::limit(queue), verb).await?
            }
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
