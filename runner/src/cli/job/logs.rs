//! `runner job logs`: the log lines of one job.

use super::Job;
use crate::cli::output;
use crate::cli::{Cli, Result};
use crate::queue::Queue;
use crate::verbs::cover::Cover;

pub(super) async fn run(cli: &Cli, queue: &Queue, cover: &Cover, args: &Job) -> Result {
    let Some(job) = queue.find(&args.id).await? else {
        return Err(super::missing(queue, &args.id));
    };
    let says = cover.redactor(&job.name, &job.data);
    let lines = queue.logs(&args.id).await?;
    let lines: Vec<String> = lines.into_iter().map(|line| says.redact(line)).collect();
    if cli.json {
        output::json(&lines);
    } else {
        lines.iter().for_each(output::line);
    }
    Ok(())
}
