//! `runner queue limit`: BullMQ's global rate limit.

use serde_json::{Value, json};

use crate::cli::{Cli, Result, output};
use crate::config::Limiter;
use crate::queue::Queue;
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner queue limit orders 100/10s")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Jobs that may start in a time, as 100/10s, or none to lift it.
    #[arg(value_name = "MAX/DURATION|none", value_parser = bound)]
    limit: Option<Bound>,
}

/// A limit; `None` lifts it.
#[derive(Debug, Clone, Copy)]
struct Bound(Option<Limiter>);

fn bound(text: &str) -> std::result::Result<Bound, String> {
    if text == "none" {
        return Ok(Bound(None));
    }
    let limit = text.split_once('/').and_then(|(max, duration)| {
        let max = max.parse().ok().filter(|max| *max > 0)?;
        let duration = humantime::parse_duration(duration).ok()?;
        (duration.as_millis() > 0).then_some(Limiter { max, duration })
    });
    limit
        .map(|limit| Bound(Some(limit)))
        .ok_or_else(|| "write jobs and a time, as 100/10s, or none".to_owned())
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
