//! `runner job`: look at jobs.

use std::time::Duration;

use serde_json::{Value, json};

use super::output;
use super::{Cli, Exit, Result};
use crate::queue::Queue;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show one job: state, payload, result, errors.
    Get(Args),
    /// Print the log lines of a job.
    Logs(Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A queue of queues.toml.
    queue: String,
    /// The job's id.
    id: String,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load()?;
        super::block_on(async {
            match self {
                Command::Get(args) => {
                    get(cli, &super::connect(cli, &loaded, &args.queue).await?, args).await
                }
                Command::Logs(args) => {
                    logs(cli, &super::connect(cli, &loaded, &args.queue).await?, args).await
                }
            }
        })
    }
}

fn missing(args: &Args) -> Exit {
    Exit::not_found(format!(
        "queue {:?} has no job {:?}; it may have been removed when it ended (removeOnComplete)",
        args.queue, args.id
    ))
}

async fn get(cli: &Cli, queue: &Queue, args: &Args) -> Result {
    let job = queue.find(&args.id).await?.ok_or_else(|| missing(args))?;
    if cli.json {
        output::json(&json!({
            "id": job.id,
            "queue": args.queue,
            "name": job.name,
            "state": job.state,
            "data": raw(&job.data),
            "attemptsMade": job.attempts_made,
            "attempts": job.attempts,
            "progress": job.progress.as_deref().map(raw),
            "returnvalue": job.returnvalue.as_deref().map(raw),
            "failedReason": job.failed_reason,
            "stacktrace": job.stacktrace,
            "timestamp": job.added_at,
            "processedOn": job.processed_on,
            "finishedOn": job.finished_on,
            "processedBy": job.processed_by,
            "plugin": job.plugin,
        }));
        return Ok(());
    }
    let field = |name: &str, value: &str| {
        if !value.is_empty() {
            output::line(&format!(
                "{}{name:<10}{:#} {value}",
                output::DIM,
                output::DIM
            ));
        }
    };
    field("id", &job.id);
    field("name", &job.name);
    field("state", job.state);
    field(
        "attempts",
        &format!("{} of {}", job.attempts_made, job.attempts),
    );
    field("added", &output::instant(Some(job.added_at)));
    let after = |earlier: Option<u64>, later: Option<u64>| match (earlier, later) {
        (Some(earlier), Some(later)) => {
            let took = Duration::from_millis(later.saturating_sub(earlier));
            format!("{}, after {took:?}", output::instant(Some(later)))
        }
        _ => output::instant(later),
    };
    field("started", &after(Some(job.added_at), job.processed_on));
    field("ended", &after(job.processed_on, job.finished_on));
    field("plugin", job.plugin.as_deref().unwrap_or_default());
    field("runner", job.processed_by.as_deref().unwrap_or_default());
    field("progress", job.progress.as_deref().unwrap_or_default());
    field("data", &job.data);
    field("result", job.returnvalue.as_deref().unwrap_or_default());
    field("reason", job.failed_reason.as_deref().unwrap_or_default());
    for trace in &job.stacktrace {
        field("trace", trace);
    }
    Ok(())
}

async fn logs(cli: &Cli, queue: &Queue, args: &Args) -> Result {
    if queue.find(&args.id).await?.is_none() {
        return Err(missing(args));
    }
    let lines = queue.logs(&args.id).await?;
    if cli.json {
        output::json(&lines);
    } else {
        lines.iter().for_each(|line| output::line(line));
    }
    Ok(())
}

/// Stored JSON as it is; a text that is not JSON as a string.
fn raw(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
