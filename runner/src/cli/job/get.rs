//! `runner job get`: one job in full.

use std::time::Duration;

use serde_json::value::RawValue;

use super::Job;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::jobs;
use crate::verbs::search::Target;

pub(super) async fn run(cli: &Cli, target: &Target, args: &Job) -> Result {
    let job = jobs::get(target, &args.id, true).await?;
    if cli.json {
        output::json(&job);
        return Ok(());
    }
    let json = |json: &Option<Box<RawValue>>| match json {
        Some(json) => json.get().to_owned(),
        None => String::new(),
    };
    output::field("id", &job.id);
    output::field("name", &job.name);
    output::field("state", &job.state);
    output::field("gate", job.gate.as_deref().unwrap_or_default());
    output::field(
        "attempts",
        &format!("{} of {}", job.attempts_made, job.attempts),
    );
    output::field("added", &output::instant(Some(job.timestamp)));
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
    output::field("started", &after(Some(job.timestamp), job.processed_on));
    output::field("ended", &after(job.processed_on, job.finished_on));
    output::field("plugin", job.plugin.as_deref().unwrap_or_default());
    output::field("runner", job.processed_by.as_deref().unwrap_or_default());
    output::field("progress", &json(&job.progress));
    output::field("data", job.data.get());
    output::field("result", &json(&job.returnvalue));
    output::field("reason", job.failed_reason.as_deref().unwrap_or_default());
    for trace in &job.stacktrace {
        output::field("trace", trace);
    }
    Ok(())
}
