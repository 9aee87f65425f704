//! `runner schedule list`: the schedulers of all queues.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{Cli, Result, output};
use crate::config::Loaded;
use crate::queue::{Next, SchedulerState};
use crate::units;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Only schedulers of this queue.
    queue: Option<String>,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        let (mut rows, mut documents) = (Vec::new(), Vec::new());
        for queue in super::queues(cli, loaded, self.queue.as_deref()).await? {
            let (now, schedulers) = queue.schedulers().await?;
            for scheduler in &schedulers {
                rows.push(row(queue.name(), scheduler, now));
                documents.push(document(queue.name(), scheduler, now));
            }
        }
        if cli.json {
            output::json(&documents);
            return Ok(());
        }
        let head = [
            "id", "queue", "name", "runs", "last", "next", "missed", "by", "",
        ];
        output::table(&head, &rows);
        Ok(())
    }
}

fn row(queue: &str, scheduler: &SchedulerState, now: i64) -> Vec<String> {
    let next = has_next(scheduler).then_some(scheduler.at);
    let instant = |millis: i64| output::instant(u64::try_from(millis).ok());
    vec![
        output::cell(&scheduler.id),
        queue.to_owned(),
        output::cell(scheduler.name()),
        output::cell(&when(scheduler)),
        scheduler.last.map(instant).unwrap_or_default(),
        next.map(instant).unwrap_or_default(),
        scheduler.missed.to_string(),
        owner(scheduler).to_owned(),
        note(scheduler, now),
    ]
}

fn document(queue: &str, scheduler: &SchedulerState, now: i64) -> Value {
    let (pattern, every) = scheduler.when();
    json!({
        "id": scheduler.id,
        "queue": queue,
        "name": scheduler.name(),
        "cron": pattern.map(|(pattern, _)| pattern),
        "timezone": pattern.and_then(|(_, zone)| zone),
        "every": every,
        "last": scheduler.last,
        "next": has_next(scheduler).then_some(scheduler.at),
        "state": state(scheduler.next),
        "overdue": overdue(scheduler, now),
        "missed": scheduler.missed,
        "declared": scheduler.is_declared(),
    })
}

fn when(scheduler: &SchedulerState) -> String {
    match scheduler.when() {
        (Some((pattern, Some(zone))), _) => format!("{pattern} {zone}"),
        (Some((pattern, None)), _) => pattern.to_owned(),
        (None, Some(every)) => {
            let every = Duration::from_millis(u64::try_from(every).unwrap_or(0));
            format!("every {}", units::duration(every))
        }
        (None, None) => String::new(),
    }
}

fn owner(scheduler: &SchedulerState) -> &'static str {
    match scheduler.is_declared() {
        true => "queues.toml",
        false => "producer",
    }
}

fn has_next(scheduler: &SchedulerState) -> bool {
    !matches!(scheduler.next, Next::Ended | Next::Lost)
}

fn state(next: Next) -> &'static str {
    match next {
        Next::Delayed => "delayed",
        Next::Waiting => "waiting",
        Next::Active => "active",
        Next::Ended => "ended",
        Next::Lost => "lost",
        Next::Legacy => "legacy",
    }
}

/// Milliseconds that the next run is late.
fn overdue(scheduler: &SchedulerState, now: i64) -> i64 {
    match scheduler.next {
        Next::Delayed | Next::Waiting => (now - scheduler.at).max(0),
        _ => 0,
    }
}

fn note(scheduler: &SchedulerState, now: i64) -> String {
    match scheduler.next {
        Next::Ended => "ended".to_owned(),
        Next::Lost => "lost its next job: a runner that consumes the queue will add one".to_owned(),
        Next::Legacy => "repeatable job of BullMQ 5 or older".to_owned(),
        // A second is the time it takes to be seen.
        _ if overdue(scheduler, now) < 1000 => String::new(),
        _ => {
            let late = Duration::from_millis(overdue(scheduler, now) as u64);
            format!("overdue by {}", units::rough_duration(late))
        }
    }
}
