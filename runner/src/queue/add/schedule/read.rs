//! Schedulers as they stand in Redis.

use std::collections::HashMap;

use redis::Value;
use serde_json::{Map, Value as Json};

use super::Run;
use super::plan::Plan;
use crate::queue::add::ADD;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, texts, whole};
use crate::queue::wire::script::{checked, script};

script!(
    SCHEDULERS,
    "schedulers",
    "lib/queue",
    "lib/enqueue",
    "lib/remove",
    "add/schedule/scheduler",
    "add/schedule/schedulers"
);
checked!(
    UNSCHEDULE,
    "unschedule",
    "add/schedule/scheduler",
    "add/schedule/unschedule"
);

/// A job that began so long ago has made the next one, whoever runs it: that is
/// the first thing a worker does, Node's as ours. Milliseconds.
const GRACE: u64 = 10_000;

/// Where the next job of a scheduler is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Its time is to come.
    Delayed,
    /// Its time has come; no worker has taken it.
    Waiting,
    /// It runs or has just ended, and the one after it is being made.
    Active,
    /// Nowhere: the limit or the end was reached.
    Ended,
    /// Nowhere: nothing would run again.
    Lost,
    /// A repeatable job of BullMQ 4 or 5, which keeps another book.
    Legacy,
}

/// One scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulerState {
    /// Id.
    pub id: String,
    /// When it runs next, ms since 1970.
    pub at: i64,
    /// Where that job is.
    pub next: Next,
    /// When the last run began, ms since 1970; none if there was none.
    pub last: Option<i64>,
    /// Runs that were due while nobody worked on the queue, and left out.
    pub missed: u64,
    /// `repeat:<id>`.
    pub(super) hash: HashMap<String, String>,
}

impl SchedulerState {
    /// Name of its jobs.
    pub fn name(&self) -> &str {
        self.field("name").unwrap_or_default()
    }

    /// What it repeats: a pattern with its zone, or milliseconds.
    pub fn when(&self) -> (Option<(&str, Option<&str>)>, Option<i64>) {
        let every = self.field("every").and_then(|every| every.parse().ok());
        (
            self.field("pattern")
                .map(|pattern| (pattern, self.field("tz"))),
            every,
        )
    }

    /// Whether a `queues.toml` declared it.
    pub fn is_declared(&self) -> bool {
        self.digest().is_some()
    }

    /// The next times at which it will run, at most so many, from the one that is to come;
    /// ms since 1970.
    pub fn upcoming(&self, most: usize) -> Vec<i64> {
        if matches!(self.next, Next::Ended | Next::Lost) {
            return Vec::new();
        }
        let (plan, mut count) = (self.plan(), self.count());
        let mut times = vec![self.at];
        while times.len() < most {
            count += 1;
            let last = times[times.len() - 1];
            // As if each run were on time.
            match plan.after(last, count, last) {
                Ok(Some(at)) if plan.end.is_none_or(|end| at <= end) => times.push(at),
                _ => break,
            }
        }
        times
    }

    pub(super) fn digest(&self) -> Option<&str> {
        self.field("runner")
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::of_hash(&self.hash)
    }

    /// `ic`: jobs it has made.
    pub(super) fn count(&self) -> i64 {
        let count = self.field("ic").and_then(|count| count.parse().ok());
        count.unwrap_or(1)
    }

    /// Options of its jobs.
    pub(super) fn template(&self) -> Map<String, Json> {
        let options = self.field("opts").unwrap_or("{}");
        serde_json::from_str(options).unwrap_or_default()
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.hash.get(name).map(String::as_str)
    }
}

/// What [`Queue::read_schedulers`] found.
pub(super) struct Reading {
    /// Redis' time.
    pub(super) now: i64,
    pub(super) schedulers: Vec<SchedulerState>,
    /// Declared ones that vanished.
    pub(super) gone: Vec<String>,
}

impl Queue {
    /// All schedulers of the queue, by their next run, and Redis' time.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn schedulers(&self) -> Result<(i64, Vec<SchedulerState>), Error> {
        let reading = self.read_schedulers("all", &[]).await?;
        Ok((reading.now, reading.schedulers))
    }

    /// Those that `which` says (`all`, `declared`, `lost`), and of the declared pairs of id and digest those
    /// that vanished.
    pub(super) async fn read_schedulers(
        &self,
        which: &str,
        declared: &[(&str, String)],
    ) -> Result<Reading, Error> {
        let reply = SCHEDULERS
            .run(self.redis(), self.base(), |command| {
                command.arg(which).arg(GRACE).arg(declared);
            })
            .await?;
        let mut reply = list(reply).into_iter();
        let mut part = || reply.next().unwrap_or(Value::Nil);
        let now = whole(&part());
        let rows = list(part()).into_iter();
        Ok(Reading {
            now,
            schedulers: rows.filter_map(|row| scheduler(row, now)).collect(),
            gone: texts(part()),
        })
    }

    /// Remove a scheduler and its next job, unless that has begun. Whether it
    /// was there.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn remove_scheduler(&self, id: &str) -> Result<bool, Error> {
        self.unschedule(id, "any").await
    }

    pub(super) async fn unschedule(&self, id: &str, which: &str) -> Result<bool, Error> {
        let reply = UNSCHEDULE
            .run(self.redis(), self.base(), |command| {
                command.arg(id).arg(which);
            })
            .await?;
        Ok(whole(&reply) == 1)
    }

    /// Add one job as the scheduler would, now and beside its schedule. Its id.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn run_scheduler(&self, scheduler: &SchedulerState) -> Result<String, Error> {
        let mut options = scheduler.template();
        for field in ["repeat", "repeatJobKey", "jobId", "delay", "prevMillis"] {
            options.remove(field);
        }
        let run = Run {
            at: 0,
            delay: 0,
            options,
        };
        let [_, options, delay, priority, push, _] = run.arguments();
        let reply = ADD
            .run(self.redis(), self.base(), |command| {
                command.arg("").arg(scheduler.name());
                command.arg(scheduler.field("data").unwrap_or("{}"));
                command.arg(&options).arg(&delay).arg(&priority).arg(&push);
                // Asked for by hand, it is no duplicate.
                command.arg("");
            })
            .await?;
        texts(reply).pop().ok_or(Error::Answer("add"))
    }
}

fn scheduler(row: Value, now: i64) -> Option<SchedulerState> {
    let mut row = list(row).into_iter();
    let mut part = || row.next().unwrap_or(Value::Nil);
    let id = text(part())?;
    let at = whole(&part());
    let state = text(part())?;
    let next = match state.as_str() {
        "delayed" => Next::Delayed,
        "waiting" => Next::Waiting,
        "active" | "done" => Next::Active,
        "legacy" => Next::Legacy,
        _ => Next::Lost,
    };
    let missed = whole(&part()).max(0) as u64;
    let added = text(part()).and_then(|added| added.parse::<f64>().ok());
    let mut fields = texts(part()).into_iter();
    let mut hash = HashMap::new();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        hash.insert(name, value);
    }
    let mut found = SchedulerState {
        id,
        at,
        next,
        last: None,
        missed,
        hash,
    };
    // The first job is added with the scheduler, each later one as the one
    // before it begins.
    found.last = added
        .map(|added| added as i64)
        .filter(|_| found.count() > 1);
    if matches!(state.as_str(), "lost" | "done")
        && found.resume(now).is_ok_and(|next| next.is_none())
    {
        found.next = Next::Ended;
    }
    Some(found)
}
