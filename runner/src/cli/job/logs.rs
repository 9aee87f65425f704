//! `runner job logs`: the log lines of one job.

use super::Job;
use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
use crate::verbs::jobs::{self, LINES, Lines, Logs};
use crate::verbs::search::Target;

pub(super) async fn run(cli: &Cli, place: &Place, args: &Job) -> Result {
    let mut lines = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let verb = async |of: &Target| jobs::logs(of, &args.id, Lines::From(start, LINES)).await;
        let route = routes::logs(&args.queue, &args.id, start, LINES);
        let some: Logs = super::ask(place, &args.queue, route, verb).await?;
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
