//! `runner job edit`: change a job where it is.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Exit, Result, output};
use crate::verbs::jobs::{self, Changed, Changes};
use crate::verbs::search::Target;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job edit orders 42 --delay 10m --priority 1")]
#[group(id = "changes", required = true, multiple = true, args = ["data", "delay", "priority"])]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// The job's id.
    id: String,
    /// Its payload, JSON. It must fit the contract of the queue.
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// How long a delayed job waits from now on: 30s, 5m.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    delay: Option<Duration>,
    /// From 0, the highest, to 2097151, the lowest.
    #[arg(long, value_name = "N")]
    priority: Option<u32>,
    /// With --priority: put it before the jobs that have it already.
    #[arg(long, requires = "priority")]
    lifo: bool,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let data = self.data.clone().map(RawValue::from_string).transpose();
        let data =
            data.map_err(|error| Exit::usage(format!("the payload is not JSON: {error}")))?;
        let millis = |delay: Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let changes = Changes {
            data,
            delay: self.delay.map(millis),
            priority: self.priority,
            lifo: self.lifo,
        };
        let verb = async |of: &Target| jobs::change(&of.queue, &self.id, &changes).await;
        let route = routes::change(&self.queue, &self.id, &changes);
        let changed: Changed = super::ask(place, &self.queue, route, verb).await?;
        if cli.json {
            output::json(&changed);
        } else {
            output::line(format!("changed {}", changed.changed.join(", ")));
        }
        Ok(())
    }
}
