//! `runner job get`: one job in full.

use std::time::Duration;

use serde_json::value::RawValue;

use super::Job;
use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
use crate::cost::{HostCall, Spent};
use crate::units;
use crate::verbs::jobs;
use crate::verbs::search::Target;
use crate::verbs::view::View;

pub(super) async fn run(cli: &Cli, place: &Place, args: &Job) -> Result {
    let verb = async |of: &Target| jobs::get(of, &args.id, true).await;
    let route = routes::job(&args.queue, &args.id);
    let job: View = super::ask(place, &args.queue, route, verb).await?;
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
    for attempt in job.stored.iter().flat_map(|stored| &stored.spent) {
        output::field("cost", &cost(attempt));
        for call in &attempt.calls {
            output::field("", &line(call));
        }
        if attempt.more_calls > 0 {
            output::field("", &format!("and {} further calls", attempt.more_calls));
        }
    }
    Ok(())
}

/// `attempt 2: 1.2 ms CPU, 1.1 MiB, timeout after 30s in otp@a1b2c3d4e5f6`.
fn cost(spent: &Spent) -> String {
    let Spent {
        attempt, cpu_ms, ..
    } = spent;
    let memory = units::size(spent.peak_memory);
    let mut text = format!("attempt {attempt}: {cpu_ms} ms CPU, {memory}");
    if let (Some(outcome), Some(ran)) = (&spent.outcome, spent.ran_ms) {
        let ran = units::duration(Duration::from_millis(ran));
        text.push_str(&format!(", {outcome} after {ran}"));
    }
    if let Some(plugin) = &spent.plugin {
        text.push_str(&format!(" in {plugin}"));
    }
    text
}

/// `http POST https://api.example.com: 202, 35.2 ms, 120 bytes out, 20 in`.
fn line(call: &HostCall) -> String {
    let HostCall {
        kind,
        target,
        ms,
        sent,
        received,
        ..
    } = call;
    let method = call
        .method
        .iter()
        .map(|method| format!(" {method}"))
        .collect::<String>();
    let end = match call.status {
        Some(status) => status.to_string(),
        None => call.outcome.clone(),
    };
    format!("{kind}{method} {target}: {end}, {ms} ms, {sent} bytes out, {received} in")
}
