//! `runner queue limit`: BullMQ's global rate limit.

use serde_json::{Value, json};

use crate::cli::args::Bound;
use crate::cli::{Cli, Result, output};
use crate::config::Limiter;
use crate::queue::Queue;
use crate::units;

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
        if let Some(Bound(limit)) = self.limit {
            queue.set_limit(limit).await?;
        }
        let limit = queue.bounds().await?.limit;
        if cli.json {
            let limit = limit.as_ref().map(document);
            output::json(&json!({ "queue": queue.name(), "limit": limit }));
        } else {
            output::line(limit.as_ref().map_or("none".to_owned(), text));
        }
        Ok(())
    }
}

/// As it is written: `100/10s`.
pub(super) fn text(limit: &Limiter) -> String {
    format!("{}/{}", limit.max, units::duration(limit.duration))
}

/// As BullMQ writes limits: the duration in milliseconds.
pub(super) fn document(limit: &Limiter) -> Value {
    json!({ "max": limit.max, "duration": limit.duration.as_millis() as u64 })
}
