//! `runner job`: look at jobs.

use serde_json::{Value, json};

use super::output::{self, DIM};
use super::{Cli, Exit, Result};
use crate::queue::Record;

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
        let (Command::Get(args) | Command::Logs(args)) = self;
        super::block_on(async {
            let queue = super::connect(&loaded, &args.queue).await?;
            let job = queue.job(&args.id).await?.ok_or_else(|| {
                Exit::not_found(format!(
                    "queue {:?} has no job {:?}; it may have been removed when it ended",
                    args.queue, args.id
                ))
            })?;
            match self {
                Command::Get(_) if cli.json => output::json(&document(&args.queue, &job)),
                Command::Get(_) => describe(&args.queue, &job),
                Command::Logs(_) => {
                    let lines = queue.logs(&args.id, 0).await?;
                    match cli.json {
                        true => output::json(&lines),
                        false => lines.iter().for_each(|line| output::line(line)),
                    }
                }
            }
            Ok(())
        })
    }
}

/// The job with BullMQ's names.
fn document(queue: &str, job: &Record) -> Value {
    let text = |name| job.field(name).map(Value::from);
    let number = |name| job.field(name).and_then(|text| text.parse::<u64>().ok());
    let stored = |name| job.field(name).map(stored);
    json!({
        "id": job.id,
        "queue": queue,
        "name": text("name"),
        "state": job.state,
        "data": stored("data"),
        "opts": stored("opts"),
        "progress": stored("progress"),
        "returnvalue": stored("returnvalue"),
        "failedReason": text("failedReason"),
        "stacktrace": stored("stacktrace"),
        "attemptsMade": number("atm").unwrap_or(0),
        "attemptsStarted": number("ats").unwrap_or(0),
        "timestamp": number("timestamp"),
        "processedOn": number("processedOn"),
        "finishedOn": number("finishedOn"),
        "processedBy": text("pb"),
        "plugin": text("rv"),
    })
}

/// The job for people: what is there, in the order of its life.
fn describe(queue: &str, job: &Record) {
    let show = |name: &str, value: &str| {
        if !value.is_empty() {
            output::line(&format!("{DIM}{name:<9}{DIM:#} {value}"));
        }
    };
    let text = |name| job.field(name).unwrap_or_default();
    let time = |name| output::instant(text(name).parse().ok());
    let attempts = job.field("opts").map(stored).unwrap_or_default();
    let attempts = attempts["attempts"].as_u64().unwrap_or(1);
    let made = job.field("atm").unwrap_or("0");
    show("job", &format!("{queue} {} {}", job.id, text("name")));
    show("state", job.state);
    show("added", &time("timestamp"));
    show("started", &time("processedOn"));
    show("ended", &time("finishedOn"));
    show("attempts", &format!("{made} of {attempts}"));
    show("plugin", text("rv"));
    show("runner", text("pb"));
    show("data", text("data"));
    show("progress", text("progress"));
    show("result", text("returnvalue"));
    show("reason", text("failedReason"));
    let traces: Vec<String> = serde_json::from_str(text("stacktrace")).unwrap_or_default();
    traces.iter().for_each(|trace| show("trace", trace));
}

/// Stored JSON as it is; a text that is not JSON as a string.
fn stored(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
