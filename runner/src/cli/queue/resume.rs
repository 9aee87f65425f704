//! `runner queue resume`: workers start jobs again.

use super::pause::say;
use crate::cli::{Cli, Result};
use crate::queue::Queue;

pub(super) async fn run(cli: &Cli, queue: &Queue) -> Result {
    let was = queue.resume().await?;
    let text = match was {
        true => "resumed",
        false => "was not paused",
    };
    say(cli, queue, false, was, text);
    Ok(())
}
