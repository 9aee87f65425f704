//! Job schedulers, of `queues.toml` and of producers: when they run, and what became of
//! them. Asked by operators; knows them as Redis has them, and which are declared.

use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, Here, Kind, Result};
use crate::queue::{Next, Queue, SchedulerState};
use crate::units;

/// How many of its next runs are told.
const UPCOMING: usize = 5;

/// A job scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its id, unique in its queue.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// The name of its jobs.
    pub name: String,
    /// The cron pattern, if it has one.
    pub cron: Option<String>,
    /// The time zone of the pattern.
    pub timezone: Option<String>,
    /// Milliseconds from run to run, if it has no pattern.
    pub every: Option<i64>,
    /// When it runs, in short: `every 5m`, `0 3 * * * Europe/Berlin`.
    pub runs: String,
    /// When the last run began, ms since 1970.
    pub last: Option<i64>,
    /// When the next run is, ms since 1970.
    pub next: Option<i64>,
    /// The next five runs, this one first, if none is late.
    pub upcoming: Vec<i64>,
    /// Where the job of the next run is.
    pub state: Whereabouts,
    /// Milliseconds that the next run is late.
    pub overdue: i64,
    /// Runs that were due while nobody worked on the queue, and left out.
    pub missed: u64,
    /// Whether a `queues.toml` declared it; else it is a producer's.
    pub declared: bool,
    /// Whether the `queues.toml` in force has it: then it can be removed only there.
    pub kept: bool,
}

/// Where the job of the next run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whereabouts {
    /// Its time is to come.
    Delayed,
    /// Its time has come; no worker has taken it.
    Waiting,
    /// It runs, and the one after it is being made.
    Active,
    /// Nowhere: the limit or the end was reached.
    Ended,
    /// Nowhere, until a runner that consumes the queue adds it again.
    Lost,
    /// A repeatable job of an older BullMQ, which keeps another book.
    Legacy,
}

/// A scheduler that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleRemoved)]
pub struct Removed {
    /// Its queue.
    pub queue: String,
    /// Its id.
    pub id: String,
    /// Whether it was still there.
    pub removed: bool,
}

/// A job that was added as a scheduler would add it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The queue.
    pub queue: String,
    /// The id of the job.
    pub id: String,
}

/// The schedulers of one queue or of all, by queue and next run.
///
/// # Errors
/// When there is no such queue.
pub async fn list(here: &Here, queue: Option<&str>) -> Result<Vec<Schedule>> {
    let queues = queues(here, queue).await?;
    // One call of Redis a queue, all at once.
    let read = queues.iter().map(Queue::schedulers);
    let read = try_join_all(read).await?;
    let mut all = Vec::new();
    for (queue, (now, schedulers)) in std::iter::zip(&queues, read) {
        let of = schedulers
            .iter()
            .map(|of| schedule(here, queue.name(), of, now));
        all.extend(of);
    }
    Ok(all)
}

/// The one that is meant of those that there are; its queue need only be named if several
/// have one of this id.
///
/// # Errors
/// When there is no such scheduler, or several.
pub fn pick(all: Vec<Schedule>, queue: Option<&str>, id: &str) -> Result<Schedule> {
    let mut found: Vec<Schedule> = all.into_iter().filter(|known| known.id == id).collect();
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|known| known.queue.as_str()).collect();
        let text = format!(
            "the queues {} each have a scheduler {id:?}; pick one with --queue",
            names.join(", ")
        );
        return Err(Error::refused(Kind::InvalidRequest, text));
    }
    found.pop().ok_or_else(|| unknown(queue, id))
}

/// Refuse to remove what would come back.
///
/// # Errors
/// When the `queues.toml` in force declares it.
pub fn removable(schedule: &Schedule) -> Result {
    let text = || {
        let id = &schedule.id;
        format!("schedule {id:?} is declared in queues.toml; remove it there")
    };
    match schedule.kept {
        true => Err(Error::refused(Kind::Declared, text())),
        false => Ok(()),
    }
}

fn unknown(queue: Option<&str>, id: &str) -> Error {
    let place = match queue {
        Some(queue) => format!("queue {queue:?} has no scheduler"),
        None => "no queue has a scheduler".to_owned(),
    };
    let text = format!("{place} {id:?}; see runner schedule list");
    Error::refused(Kind::UnknownSchedule, text)
}

/// Add one job now, as the scheduler would; its schedule stays as it is.
///
/// # Errors
/// When there is no such scheduler, or several.
pub async fn run(here: &Here, queue: &str, id: &str) -> Result<Run> {
    let (queue, scheduler) = find(here, queue, id).await?;
    Ok(Run {
        id: queue.run_scheduler(&scheduler).await?,
        queue: queue.name().to_owned(),
    })
}

/// Remove a scheduler and its next job.
///
/// # Errors
/// When there is no such scheduler, or `queues.toml` declares it.
pub async fn remove(here: &Here, queue: &str, id: &str) -> Result<Removed> {
    let (queue, scheduler) = find(here, queue, id).await?;
    removable(&schedule(here, queue.name(), &scheduler, 0))?;
    Ok(Removed {
        removed: queue.remove_scheduler(id).await?,
        queue: queue.name().to_owned(),
        id: id.to_owned(),
    })
}

/// The queue of this name, or all.
async fn queues(here: &Here, name: Option<&str>) -> Result<Vec<Queue>> {
    if let Some(name) = name {
        return Ok(vec![here.known(name).await?]);
    }
    let names = here.names().await?;
    Ok(names.iter().map(|name| here.queue(name)).collect())
}

async fn find(here: &Here, queue: &str, id: &str) -> Result<(Queue, SchedulerState)> {
    let queue = here.known(queue).await?;
    let (_, schedulers) = queue.schedulers().await?;
    let known = schedulers.into_iter().find(|known| known.id == id);
    let known = known.ok_or_else(|| unknown(Some(queue.name()), id))?;
    Ok((queue, known))
}

fn schedule(here: &Here, queue: &str, scheduler: &SchedulerState, now: i64) -> Schedule {
    let (pattern, every) = scheduler.when();
    let mut declared = here.config.schedules.iter();
    let has_next = !matches!(scheduler.next, Next::Ended | Next::Lost);
    Schedule {
        id: scheduler.id.clone(),
        queue: queue.to_owned(),
        name: scheduler.name().to_owned(),
        cron: pattern.map(|(pattern, _)| pattern.to_owned()),
        timezone: pattern.and_then(|(_, zone)| zone).map(str::to_owned),
        every,
        runs: runs(scheduler),
        last: scheduler.last,
        next: has_next.then_some(scheduler.at),
        upcoming: scheduler.upcoming(UPCOMING),
        state: Whereabouts::from(scheduler.next),
        // Milliseconds that the next run is late.
        overdue: match scheduler.next {
            Next::Delayed | Next::Waiting => (now - scheduler.at).max(0),
            _ => 0,
        },
        missed: scheduler.missed,
        declared: scheduler.is_declared(),
        kept: scheduler.is_declared()
            && declared.any(|one| one.queue == queue && one.id == scheduler.id),
    }
}

fn runs(scheduler: &SchedulerState) -> String {
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

impl From<Next> for Whereabouts {
    fn from(next: Next) -> Whereabouts {
        match next {
            Next::Delayed => Whereabouts::Delayed,
            Next::Waiting => Whereabouts::Waiting,
            Next::Active => Whereabouts::Active,
            Next::Ended => Whereabouts::Ended,
            Next::Lost => Whereabouts::Lost,
            Next::Legacy => Whereabouts::Legacy,
        }
    }
}
