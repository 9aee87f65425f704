//! `runner queue stats`: one queue in figures.

use std::time::Duration;

use crate::cli::{Cli, output};
use crate::queue::State;
use crate::units;
use crate::verbs::queues::{Spread, Stats};

pub(super) fn say(cli: &Cli, stats: &Stats) {
    match cli.json {
        true => output::json(stats),
        false => show(stats),
    }
}

fn show(stats: &Stats) {
    for state in State::ALL {
        let count = stats.counts.of(state);
        let more = match state {
            State::Active if stats.active_without_lock > 0 => {
                format!(", {} without a lock", stats.active_without_lock)
            }
            State::Delayed if stats.parked > 0 => format!(", {} parked at gates", stats.parked),
            State::Waiting if stats.paused => ", paused".to_owned(),
            _ => String::new(),
        };
        field(state.name(), &format!("{count}{more}"));
    }
    match stats.workers {
        Some(workers) => field("workers", &workers.to_string()),
        None => field("workers", "unknown: Redis refuses CLIENT LIST"),
    }
    if let Some(concurrency) = stats.concurrency {
        field("concurrency", &format!("{concurrency} over all workers"));
    }
    if let Some(limit) = &stats.limit {
        field(
            "limit",
            &format!("{} over all workers", super::limit::text(limit)),
        );
    }
    if let Some(oldest) = stats.oldest_waiting {
        field("oldest waiting", &duration(oldest));
    }
    field("per minute", &rates(stats));
    if !stats.failed_by_cause.is_empty() {
        let mut causes: Vec<_> = stats.failed_by_cause.iter().collect();
        // The most frequent first; by name they are already.
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let causes = causes
            .into_iter()
            .map(|(cause, count)| format!("{cause} {count}"));
        field("failed by", &causes.collect::<Vec<_>>().join(", "));
    }
    for (name, times) in [("waited", stats.waited), ("ran", stats.ran)] {
        if let Some(Spread { p50, p95, max }) = times {
            let [p50, p95, max] = [p50, p95, max].map(duration);
            field(name, &format!("{p50} median, {p95} p95, {max} longest"));
        }
    }
}

fn field(name: &str, value: &str) {
    output::wide_field(16, name, value);
}

fn duration(millis: u64) -> String {
    units::duration(Duration::from_millis(millis))
}

/// The last minute and the mean of the minutes there are.
fn rates(stats: &Stats) -> String {
    if !stats.metrics {
        return "unknown: no worker of the queue keeps metrics".to_owned();
    }
    let rates = [
        (&stats.completed_per_minute, "completed"),
        (&stats.failed_per_minute, "failed"),
    ];
    let rates = rates.into_iter().filter_map(|(points, what)| {
        let last = points.first()?;
        let mean = points.iter().sum::<u64>() as f64 / points.len() as f64;
        let minutes = points.len();
        Some(format!("{last} (mean of {minutes} min: {mean:.1}) {what}"))
    });
    let rates: Vec<String> = rates.collect();
    match rates.is_empty() {
        true => "less than a full minute so far".to_owned(),
        false => rates.join(", "),
    }
}
