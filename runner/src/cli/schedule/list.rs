//! `runner schedule list`: the schedulers of all queues.

use std::time::Duration;

use crate::cli::remote::Place;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::schedules::{Schedule, Whereabouts};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Only schedulers of this queue.
    queue: Option<String>,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let all = super::all(place, self.queue.as_deref()).await?;
        if cli.json {
            output::json(&all);
            return Ok(());
        }
        let head = [
            "id", "queue", "name", "runs", "last", "next", "missed", "by", "",
        ];
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        output::table(&head, &rows);
        Ok(())
    }
}

fn row(schedule: &Schedule) -> Vec<String> {
    let instant = |millis: i64| output::instant(u64::try_from(millis).ok());
    let owner = match schedule.declared {
        true => "queues.toml",
        false => "producer",
    };
    vec![
        output::cell(&schedule.id),
        schedule.queue.clone(),
        output::cell(&schedule.name),
        output::cell(&schedule.runs),
        schedule.last.map(instant).unwrap_or_default(),
        schedule.next.map(instant).unwrap_or_default(),
        schedule.missed.to_string(),
        owner.to_owned(),
        note(schedule),
    ]
}

fn note(schedule: &Schedule) -> String {
    match schedule.state {
        Whereabouts::Ended => "ended".to_owned(),
        Whereabouts::Lost => {
            "lost its next job: a runner that consumes the queue will add one".to_owned()
        }
        Whereabouts::Legacy => "repeatable job of BullMQ 5 or older".to_owned(),
        // A second is the time it takes to be seen.
        _ if schedule.overdue < 1000 => String::new(),
        _ => {
            let late = Duration::from_millis(schedule.overdue as u64);
            format!("overdue by {}", units::rough_duration(late))
        }
    }
}
