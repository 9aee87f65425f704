//! Schedulers that have lost their next job go on: its worker died between the
//! take and the next job, or somebody removed the job. Left alone they would
//! never run again.

use super::Run;
use super::read::{Next, SchedulerState};
use crate::config::Schedule;
use crate::queue::add::schedule::declare::ARM;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::text;

/// What a look at the schedulers has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guarded {
    /// Schedulers that go on: their id, the time of the next run, and the runs
    /// left out since the lost one.
    pub rearmed: Vec<(String, i64, u64)>,
    /// Declared ones that had vanished and are there again.
    pub restored: Vec<String>,
    /// What cannot be read: the id and the reason.
    pub unreadable: Vec<(String, String)>,
}

impl SchedulerState {
    /// The run to go on with when the next job is lost: that same one if its
    /// time is to come, else the one after it. None if there is to be none.
    pub(super) fn resume(&self, now: i64) -> Result<Option<(i64, i64)>, String> {
        if self.at > now {
            return Ok(Some((self.at, self.count())));
        }
        // Whether the lost one ran is not known: it counts as if it had.
        let count = self.count() + 1;
        let next = self.plan().after(self.at, count, now)?;
        Ok(next.map(|at| (at, count)))
    }
}

impl Queue {
    /// Re-arm what has lost its next job, and declare anew what vanished of
    /// `schedules`. Any runner may do so at any time; each scheduler is re-armed
    /// by one.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn guard_schedulers(&self, schedules: &[&Schedule]) -> Result<Guarded, Error> {
        let declared = super::declare::digests(schedules);
        let reading = self.read_schedulers("lost", &declared).await?;
        let mut done = Guarded::default();
        for scheduler in &reading.schedulers {
            if scheduler.next != Next::Lost {
                continue;
            }
            match scheduler.resume(reading.now) {
                Ok(Some((at, count))) => {
                    let missed = scheduler.plan().missed(scheduler.at, reading.now);
                    if self
                        .rearm(scheduler, at, count, missed, reading.now)
                        .await?
                    {
                        done.rearmed.push((scheduler.id.clone(), at, missed));
                    }
                }
                Ok(None) => {}
                Err(reason) => done.unreadable.push((scheduler.id.clone(), reason)),
            }
        }
        for id in reading.gone {
            let lost = schedules.iter().find(|schedule| schedule.id == id);
            if let Some(schedule) = lost
                && self.write_scheduler(schedule, None, reading.now).await?
            {
                done.restored.push(id);
            }
        }
        Ok(done)
    }

    async fn rearm(
        &self,
        scheduler: &SchedulerState,
        at: i64,
        count: i64,
        missed: u64,
        now: i64,
    ) -> Result<bool, Error> {
        let id = format!("repeat:{}:{at}", scheduler.id);
        let repeat = scheduler.plan().repeat(count);
        let run = Run::new(scheduler.template(), &scheduler.id, id, repeat, at, now);
        let reply = ARM
            .run(self.redis(), self.base(), |command| {
                command.arg(&scheduler.id).arg(scheduler.at);
                command.arg(&run.arguments()).arg(missed).arg("");
            })
            .await?;
        // A job that has this id from before ends soon enough: the next look
        // finds another time.
        Ok(text(reply).is_some_and(|id| id.starts_with("repeat:")))
    }
}
