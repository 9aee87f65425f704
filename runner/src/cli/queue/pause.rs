//! `runner queue pause` and `runner queue resume`.

use serde_json::json;

use crate::cli::{Cli, Result, output};
use crate::queue::Queue;

pub(super) async fn pause(cli: &Cli, queue: &Queue) -> Result {
    let was = queue.pause().await?;
    let text = match was {
        false => "paused; jobs that run go on to their end",
        true => "was paused already",
    };
    say(cli, queue, true, was, text);
    Ok(())
}

pub(super) async fn resume(cli: &Cli, queue: &Queue) -> Result {
    let was = queue.resume().await?;
    let text = match was {
        true => "resumed",
        false => "was not paused",
    };
    say(cli, queue, false, was, text);
    Ok(())
}

fn say(cli: &Cli, queue: &Queue, paused: bool, was: bool, text: &str) {
    if cli.json {
        output::json(&json!({ "queue": queue.name(), "paused": paused, "wasPaused": was }));
    } else {
        output::line(text);
    }
}
