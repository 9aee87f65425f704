//! `runner queue stats`: one queue in figures.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::output;
use crate::cli::{Cli, Result};
use crate::queue::{self, Bounds, Queue, Spread, State, Stats};
use crate::units;

pub(super) async fn run(cli: &Cli, queue: &Queue) -> Result {
    let stats = queue.stats().await?;
    let bounds = queue.bounds().await?;
    let workers = queue::workers(queue.redis()).await?;
    let workers = workers.map(|all| all.get(queue.name()).copied().unwrap_or_default());
    if !cli.json {
        show(&stats, &bounds, workers);
        return Ok(());
    }
    output::json(&json!({
        "queue": queue.name(),
        "paused": stats.counts.paused,
        "workers": workers,
        "counts": super::document(&stats.counts),
        "concurrency": bounds.concurrency,
        "limit": bounds.limit.as_ref().map(super::limit::document),
        "oldestWaiting": stats.oldest_waiting,
        "activeWithoutLock": stats.unlocked,
        "parked": stats.parked,
        "metrics": stats.metrics,
        "completedPerMinute": stats.completed,
        "failedPerMinute": stats.failed,
        "failedByCause": stats.causes.iter().cloned().collect::<BTreeMap<_, _>>(),
        "waited": stats.waited.map(document),
        "ran": stats.ran.map(document),
    }));
    Ok(())
}

fn show(stats: &Stats, bounds: &Bounds, workers: Option<u64>) {
    for state in State::ALL {
        let count = stats.counts.of(state);
        let more = match state {
            State::Active if stats.unlocked > 0 => format!(", {} without a lock", stats.unlocked),
            State::Delayed if stats.parked > 0 => format!(", {} parked at gates", stats.parked),
            State::Waiting if stats.counts.paused => ", paused".to_owned(),
            _ => String::new(),
        };
        field(state.name(), &format!("{count}{more}"));
    }
    match workers {
        Some(workers) => field("workers", &workers.to_string()),
        None => field("workers", "unknown: Redis refuses CLIENT LIST"),
    }
    if let Some(concurrency) = bounds.concurrency {
        field("concurrency", &format!("{concurrency} over all workers"));
    }
    if let Some(limit) = &bounds.limit {
        field(
            "limit",
            &format!("{} over all workers", super::limit::text(limit)),
        );
    }
    if let Some(oldest) = stats.oldest_waiting {
        field("oldest waiting", &duration(oldest));
    }
    field("per minute", &rates(stats));
    if !stats.causes.is_empty() {
        let causes = stats
            .causes
            .iter()
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

fn document(times: Spread) -> Value {
    json!({ "p50": times.p50, "p95": times.p95, "max": times.max })
}

/// The last minute and the mean of the minutes there are.
fn rates(stats: &Stats) -> String {
    if !stats.metrics {
        return "unknown: no worker of the queue keeps metrics".to_owned();
    }
    let rates = [(&stats.completed, "completed"), (&stats.failed, "failed")];
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
