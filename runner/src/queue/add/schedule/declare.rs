//! `[[schedules]]` in Redis: a scheduler is written when its schedule is new or
//! another one, and removed when it is no longer declared.
//!
//! What a runner declared carries the digest of the schedule in its own hash: a
//! producer that upserts the same id drops it and owns the scheduler from then
//! on, and nothing without it is ever changed here. The hash `runner:schedules`
//! has the digests, too: it says what to look at, however many schedulers a queue
//! has, and is empty for what was withdrawn, so that a runner with an older file
//! brings nothing back.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::Run;
use super::plan::Plan;
use super::read::{Next, SchedulerState};
use crate::config::{JobDefaults, Schedule};
use crate::queue::add::NewJob;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::text;
use crate::queue::wire::script::checked;

checked!(ARM, "arm", "add/schedule/scheduler", "add/schedule/arm");

/// Tries to find a time at which no older job of the scheduler is kept.
const TRIES: usize = 32;

/// What declaring has changed: ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Written: new or changed.
    pub written: Vec<String>,
    /// Removed: no longer declared.
    pub removed: Vec<String>,
    /// Not touched: the id belongs to a scheduler of a producer.
    pub foreign: Vec<String>,
}

/// Options of all jobs of the schedule, as BullMQ stores them.
fn template(schedule: &Schedule) -> Map<String, Json> {
    let job = NewJob {
        priority: schedule.priority,
        options: schedule.options.clone(),
        ..NewJob::default()
    };
    let options = job.options(&JobDefaults::default());
    serde_json::from_str(&options).unwrap_or_default()
}

/// What tells one schedule from another under the same id.
fn digest(schedule: &Schedule) -> String {
    let plan = Plan::of(schedule).repeat(0);
    let all = json!([schedule.name, schedule.data, plan, template(schedule)]);
    let digest = Sha256::digest(all.to_string());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Each id with the digest of its schedule.
pub(super) fn digests<'s>(schedules: &[&'s Schedule]) -> Vec<(&'s str, String)> {
    let pair = |schedule: &&'s Schedule| (schedule.id.as_str(), digest(schedule));
    schedules.iter().map(pair).collect()
}

/// `repeat:<id>`, as BullMQ's `storeJobScheduler` writes it, and our digest.
fn fields(schedule: &Schedule, plan: &Plan, at: i64, count: i64) -> Vec<(&'static str, String)> {
    let offset = plan.every.map(|every| match plan.offset {
        0 => at % every,
        offset => offset,
    });
    let number = |n: Option<i64>| n.map(|n| n.to_string());
    let data = (schedule.data != "{}").then(|| schedule.data.clone());
    let all = [
        ("name", Some(schedule.name.clone())),
        ("tz", plan.zone.clone()),
        ("limit", number(plan.limit)),
        ("pattern", plan.pattern.clone()),
        ("startDate", number(plan.start)),
        ("endDate", number(plan.end)),
        ("every", number(plan.every)),
        ("offset", number(offset)),
        ("opts", Some(Json::Object(template(schedule)).to_string())),
        ("data", data),
        ("ic", Some(count.to_string())),
        ("runner", Some(digest(schedule))),
    ];
    let set = all.into_iter();
    set.filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

impl Queue {
    /// Make the schedulers of this queue what the file declares. What is so
    /// already is not touched.
    ///
    /// # Errors
    /// When Redis does not answer, after some of them may have been written.
    pub async fn declare(&self, schedules: &[&Schedule]) -> Result<Declared, Error> {
        let reading = self
            .read_schedulers("declared", &digests(schedules))
            .await?;
        let mut done = Declared::default();
        for schedule in schedules {
            let known = reading
                .schedulers
                .iter()
                .find(|known| known.id == schedule.id);
            match known.map(SchedulerState::digest) {
                Some(None) => done.foreign.push(schedule.id.clone()),
                Some(Some(known)) if known == digest(schedule) => {}
                _ if self.write_scheduler(schedule, known, reading.now).await? => {
                    done.written.push(schedule.id.clone());
                }
                _ => {}
            }
        }
        for known in reading
            .schedulers
            .iter()
            .filter(|known| known.is_declared())
        {
            let declared = schedules.iter().any(|schedule| schedule.id == known.id);
            if !declared && self.unschedule(&known.id, "declared").await? {
                done.removed.push(known.id.clone());
            }
        }
        Ok(done)
    }

    /// Write the scheduler, in the place of `known`, with its first job. Whether
    /// that was done: not when the schedule is over, and not when another runner
    /// was faster.
    pub(super) async fn write_scheduler(
        &self,
        schedule: &Schedule,
        known: Option<&SchedulerState>,
        now: i64,
    ) -> Result<bool, Error> {
        let plan = Plan::of(schedule);
        let wrong = |reason| Error::Invalid(format!("schedule {:?}: {reason}", schedule.id));
        // Other data or options begin neither the times nor the count anew.
        let same = known.filter(|known| {
            let before = known.plan();
            let moved = plan.offset != 0 && before.offset != plan.offset;
            (&before.pattern, &before.zone) == (&plan.pattern, &plan.zone)
                && before.every == plan.every
                && before.start == plan.start
                && (plan.every.is_some() || before.end == plan.end)
                && !moved
        });
        let mut count = 1;
        let mut at = match same {
            // That of a run that has not begun, even if it is late.
            Some(known) if matches!(known.next, Next::Delayed | Next::Waiting) => {
                if known.plan().limit == plan.limit {
                    count = known.count();
                }
                Some(known.at)
            }
            Some(known) => plan.after(known.at, 1, now).map_err(wrong)?,
            None => plan.first(now).map_err(wrong)?,
        };
        let expected = known.map(|known| known.at.to_string()).unwrap_or_default();
        for _ in 0..TRIES {
            let Some(time) = at else {
                // Over before it began: what was there before it is over, too.
                self.unschedule(&schedule.id, "declared").await?;
                return Ok(false);
            };
            let id = format!("repeat:{}:{time}", schedule.id);
            let repeat = plan.repeat(count);
            let run = Run::new(template(schedule), &schedule.id, id, repeat, time, now);
            let fields = fields(schedule, &plan, time, count);
            let reply = ARM
                .run(self.redis(), self.base(), |command| {
                    command.arg(&schedule.id).arg(&expected);
                    command.arg(&run.arguments()).arg(0);
                    command.arg(digest(schedule)).arg(&fields);
                })
                .await?;
            match text(reply).as_deref() {
                Some("taken") => at = plan.after(time, 1, now.max(time)).map_err(wrong)?,
                answer => return Ok(answer.is_some_and(|id| id.starts_with("repeat:"))),
            }
        }
        Ok(false)
    }
}
