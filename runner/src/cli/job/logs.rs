//! `runner job logs`: the log lines of one job.

use super::Job;
use crate::cli::{Cli, Result, output};
use crate::verbs::jobs::{self, LINES, Lines};
use crate::verbs::search::Target;

pub(super) async fn run(cli: &Cli, target: &Target, args: &Job) -> Result {
    let mut lines = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let some = jobs::logs(target, &args.id, Lines::From(start, LINES)).await?;
        from = some.next;
        lines.extend(some.lines);
    }
    if cli.json {
        output::json(&lines);
    } else {
        lines.iter().for_each(output::line);
    }
    Ok(())
}
