//! `runner queue pause`: workers start no further jobs.

use serde_json::json;

use crate::cli::{Cli, Result, output};
use crate::queue::Queue;

pub(super) async fn run(cli: &Cli, queue: &Queue) -> Result {
    let was = queue.pause().await?;
    let text = match was {
        false => "paused; running jobs go on to their end",
        true => "was already paused",
    };
    say(cli, queue, true, was, text);
    Ok(())
}

/// What the queue is now, for `pause` and `resume` alike.
pub(super) fn say(cli: &Cli, queue: &Queue, paused: bool, was: bool, text: &str) {
    if cli.json {
        output::json(&json!({ "queue": queue.name(), "paused": paused, "wasPaused": was }));
    } else {
        output::line(text);
    }
}
