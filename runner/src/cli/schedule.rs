//! `runner schedule`: look at job schedulers, run one now, remove one.

use std::time::Duration;

use serde_json::{Value, json};

use super::confirm::Confirm;
use super::{Cli, Exit, Result, connect, output};
use crate::config::Loaded;
use crate::queue::{Next, Queue, SchedulerState};
use crate::units;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the schedulers of all queues: what, last run, next run, missed runs.
    #[command(after_help = "Example: runner schedule list")]
    List(List),
    /// Add one job now, as the scheduler would; its schedule stays as it is.
    #[command(after_help = "Example: runner schedule run housekeeping/cleanup")]
    Run(One),
    /// Remove a scheduler with its next job.
    #[command(after_help = "Example: runner schedule rm nightly-report --queue reports --yes")]
    Rm(Rm),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those of this queue.
    queue: Option<String>,
}

/// One scheduler.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// Its id, as `runner schedule list` shows it.
    id: String,
    /// Its queue, where several have a scheduler with this id.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rm {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    confirm: Confirm,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load_or_default()?;
        super::block_on(async {
            match self {
                Command::List(args) => list(cli, &loaded, args).await,
                Command::Run(one) => run(cli, &loaded, one).await,
                Command::Rm(args) => remove(cli, &loaded, args).await,
            }
        })
    }
}

/// The queue of this name, or all.
async fn queues(cli: &Cli, loaded: &Loaded, name: Option<&str>) -> Result<Vec<Queue>> {
    if let Some(name) = name {
        return Ok(vec![connect::any(cli, loaded, name).await?]);
    }
    let redis = connect::redis(cli, loaded).await?;
    let names = connect::all(&redis, loaded).await?;
    let names = names.iter();
    Ok(names
        .map(|name| connect::over(redis.clone(), loaded, name))
        .collect())
}

async fn list(cli: &Cli, loaded: &Loaded, args: &List) -> Result {
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for queue in queues(cli, loaded, args.queue.as_deref()).await? {
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
        Next::Lost => "lost its next job: a runner that consumes the queue gives it one".to_owned(),
        Next::Legacy => "repeatable job of BullMQ 5 or older".to_owned(),
        // A second is the time it takes to be seen.
        _ if overdue(scheduler, now) < 1000 => String::new(),
        _ => {
            let late = Duration::from_millis(overdue(scheduler, now) as u64);
            format!("overdue by {}", units::rough_duration(late))
        }
    }
}

/// The one scheduler that is meant.
async fn find(cli: &Cli, loaded: &Loaded, one: &One) -> Result<(Queue, SchedulerState)> {
    let mut found = Vec::new();
    for queue in queues(cli, loaded, one.queue.as_deref()).await? {
        let (_, schedulers) = queue.schedulers().await?;
        let known = schedulers.into_iter().find(|known| known.id == one.id);
        found.extend(known.map(|known| (queue, known)));
    }
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|(queue, _)| queue.name()).collect();
        return Err(Exit::usage(format!(
            "the queues {} have a scheduler {:?}; say which with --queue",
            names.join(", "),
            one.id
        )));
    }
    found.pop().ok_or_else(|| {
        let place = match &one.queue {
            Some(queue) => format!("queue {queue:?} has no scheduler"),
            None => "no queue has a scheduler".to_owned(),
        };
        Exit::not_found(format!("{place} {:?}; see runner schedule list", one.id))
    })
}

async fn run(cli: &Cli, loaded: &Loaded, one: &One) -> Result {
    let (queue, scheduler) = find(cli, loaded, one).await?;
    let id = queue.run_scheduler(&scheduler).await?;
    if cli.json {
        output::json(&json!({ "queue": queue.name(), "id": id }));
    } else {
        output::line(id);
    }
    Ok(())
}

async fn remove(cli: &Cli, loaded: &Loaded, args: &Rm) -> Result {
    let (queue, scheduler) = find(cli, loaded, &args.one).await?;
    let mut declared = loaded.config.schedules.iter();
    if declared.any(|one| one.queue == queue.name() && one.id == scheduler.id)
        && scheduler.is_declared()
    {
        return Err(Exit::usage(format!(
            "schedule {:?} is declared in queues.toml; remove it there",
            scheduler.id
        )));
    }
    let what = format!("removes the scheduler {:?} and its next job", scheduler.id);
    args.confirm.ask(queue.name(), &what)?;
    let removed = queue.remove_scheduler(&scheduler.id).await?;
    if cli.json {
        output::json(&json!({ "queue": queue.name(), "id": scheduler.id, "removed": removed }));
    } else if removed {
        output::line(format!(
            "{} of queue {} is removed",
            scheduler.id,
            queue.name()
        ));
    }
    Ok(())
}
