//! `runner job logs`: the log lines of one job.

use super::Job;
use crate::cli::output;
use crate::cli::{Cli, Result};
use crate::queue::Queue;

pub(super) async fn run(cli: &Cli, queue: &Queue, args: &Job) -> Result {
    if queue.find(&args.id).await?.is_none() {
        return Err(super::missing(queue, &args.id));
    }
    let lines = queue.logs(&args.id).await?;
    if cli.json {
        output::json(&lines);
    } else {
        lines.iter().for_each(|line| output::line(line));
    }
    Ok(())
}
