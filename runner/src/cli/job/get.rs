//! `runner job get`: one job in full.

use std::time::Duration;

use super::Job;
use crate::cli::output;
use crate::cli::{Cli, Result};
use crate::queue::Queue;
use crate::units;
use crate::verbs::cover::Cover;
use crate::verbs::view::View;

/// A job with what only the command looks for.
#[derive(serde::Serialize)]
struct InFull {
    #[serde(flatten)]
    view: View,
    gate: Option<String>,
}

pub(super) async fn run(cli: &Cli, queue: &Queue, cover: &Cover, args: &Job) -> Result {
    let mut job = queue
        .find(&args.id)
        .await?
        .ok_or_else(|| super::missing(queue, &args.id))?;
    cover.job(&mut job);
    let gate = queue.gate_of(&args.id).await?;
    if cli.json {
        let view = View::of(queue.name(), job);
        output::json(&InFull { view, gate });
        return Ok(());
    }
    output::field("id", &job.id);
    output::field("name", &job.name);
    output::field("state", job.state.name());
    output::field("gate", gate.as_deref().unwrap_or_default());
    output::field(
        "attempts",
        &format!("{} of {}", job.attempts_made, job.attempts),
    );
    output::field("added", &output::instant(Some(job.added_at)));
    let after = |earlier: Option<u64>, later: Option<u64>| match (earlier, later) {
        (Some(earlier), Some(later)) => {
            let took = Duration::from_millis(later.saturating_sub(earlier));
            format!(
                "{}, after {}",
                output::instant(Some(later)),
                units::duration(took)
            )
        }
        _ => output::instant(later),
    };
    output::field("started", &after(Some(job.added_at), job.processed_on));
    output::field("ended", &after(job.processed_on, job.finished_on));
    output::field("plugin", job.plugin.as_deref().unwrap_or_default());
    output::field("runner", job.processed_by.as_deref().unwrap_or_default());
    output::field("progress", job.progress.as_deref().unwrap_or_default());
    output::field("data", &job.data);
    output::field("result", job.returnvalue.as_deref().unwrap_or_default());
    output::field("reason", job.failed_reason.as_deref().unwrap_or_default());
    for trace in &job.stacktrace {
        output::field("trace", trace);
    }
    Ok(())
}
