//! Schedulers: jobs that come again and again, in BullMQ's layout.
//!
//! The next job is added before one of a scheduler starts, as BullMQ's workers do:
//! a worker that did not would end the schedule. [`declare`] keeps those of
//! `[[schedules]]`, [`guard`] finds those that lost their next job, and [`read`]
//! shows all. Each change is decided again inside its script, so that any number
//! of runners may do the same at once.

pub(in crate::queue) mod declare;
mod guard;
mod plan;
pub(in crate::queue) mod read;

pub use declare::Declared;
pub use guard::Guarded;
pub use read::{Next, SchedulerState};

use redis::Value;
use serde_json::{Map, Value as Json, json};

use self::plan::Plan;
use crate::queue::attempt::Attempt;
use crate::queue::handle::Queue;
use crate::queue::stored::job::Scheduler;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text};
use crate::queue::wire::script::checked;

checked!(
    SCHEDULE,
    "schedule",
    "add/schedule/scheduler",
    "add/schedule/schedule"
);

/// The job of a run: its options as stored, and what the scripts need of them.
struct Run {
    at: i64,
    delay: i64,
    options: Map<String, Json>,
}

impl Run {
    /// The run with this number of a scheduler. `template` has the options of
    /// all runs.
    fn new(
        mut template: Map<String, Json>,
        scheduler: &str,
        run: String,
        repeat: Map<String, Json>,
        at: i64,
        now: i64,
    ) -> Run {
        let delay = (at - now).max(0);
        // As npm does on the way; readers of the other kind lose all options.
        if let Some(Json::Number(wait)) = template.get("backoff") {
            let backoff = json!({ "delay": wait, "type": "fixed" });
            template.insert("backoff".into(), backoff);
        }
        if repeat.contains_key("pattern") {
            template.insert("prevMillis".into(), at.into());
        }
        template.insert("repeat".into(), repeat.into());
        template.insert("jobId".into(), run.into());
        template.insert("delay".into(), delay.into());
        template.insert("timestamp".into(), now.into());
        template.insert("repeatJobKey".into(), scheduler.into());
        Run {
            at,
            delay,
            options: template,
        }
    }

    /// Time, options, delay, priority, end of the list, deduplication id, as
    /// the scripts take them.
    fn arguments(&self) -> [String; 6] {
        let options = &self.options;
        let priority = options.get("priority").and_then(Json::as_u64).unwrap_or(0);
        let lifo = options.get("lifo").and_then(Json::as_bool) == Some(true);
        let deduplication = options.get("de").and_then(|de| de["id"].as_str());
        [
            self.at.to_string(),
            Json::Object(options.clone()).to_string(),
            self.delay.to_string(),
            priority.to_string(),
            if lifo { "RPUSH" } else { "LPUSH" }.to_owned(),
            deduplication.unwrap_or_default().to_owned(),
        ]
    }
}

/// What the next run of a scheduler follows from, beside the job of this one.
struct Current {
    /// The time of the run that is to come or has begun.
    at: i64,
    every: Option<i64>,
    offset: Option<i64>,
}

impl Queue {
    /// Before this attempt begins, add the next job of the scheduler that made its
    /// job, unless it is there already, the schedule has ended, or the scheduler
    /// was removed. Its id. If the lock is lost meanwhile, the attempt is stopped.
    ///
    /// Repeatable jobs of BullMQ 4 go on, too: they differ in the ids of their
    /// jobs, of which all but the time stays, and keep the payload in the job.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the schedule cannot be read: it stops here.
    pub async fn schedule_next(
        &self,
        attempt: &Attempt,
        scheduler: &Scheduler,
    ) -> Result<Option<String>, Error> {
        let wrong =
            |reason: String| Error::Invalid(format!("scheduler {:?}: {reason}", scheduler.id));
        let job = &attempt.job;
        let Some(current) = self.current_run(&scheduler.id).await? else {
            return Ok(None);
        };
        // Only the job of the current run continues the schedule.
        let Some((runs, _)) = job
            .id
            .rsplit_once(':')
            .filter(|(_, at)| at.parse() == Ok(current.at))
        else {
            return Ok(None);
        };
        let mut options: Map<String, Json> =
            serde_json::from_str(&scheduler.options).map_err(|e| wrong(e.to_string()))?;
        let mut repeat = match options.remove("repeat") {
            Some(Json::Object(repeat)) => repeat,
            _ => Map::new(),
        };
        let mut plan = Plan::of_options(&repeat);
        plan.every = current.every.or(plan.every);
        plan.offset = current.offset.unwrap_or(plan.offset);
        let count = repeat.get("count").and_then(Json::as_i64).unwrap_or(0) + 1;
        let now = i64::try_from(job.started_at).unwrap_or(i64::MAX);
        let next = plan.after(current.at, count, now).map_err(wrong)?;
        let Some(at) = next else {
            return Ok(None);
        };
        let missed = plan.missed(current.at, now);
        repeat.remove("immediately");
        repeat.insert("count".into(), count.into());
        let id = format!("{runs}:{at}");
        let run = Run::new(options, &scheduler.id, id, repeat, at, now);
        let reply = SCHEDULE
            .run(self.redis(), self.base(), |command| {
                command.arg(&scheduler.id).arg(&job.id).arg(current.at);
                command.arg(&run.arguments()).arg(missed);
                command.arg(&job.name).arg(&job.data).arg(&attempt.token);
            })
            .await?;
        let mut reply = list(reply).into_iter();
        if reply.next() == Some(Value::Int(0)) {
            self.lose(attempt).await;
        }
        Ok(reply.next().and_then(text).filter(|id| !id.is_empty()))
    }

    /// Of the scheduler with this id; none if there is no such scheduler.
    async fn current_run(&self, id: &str) -> Result<Option<Current>, Error> {
        let (mut time, mut rule) = (redis::cmd("ZSCORE"), redis::cmd("HMGET"));
        time.arg(self.key("repeat")).arg(id);
        rule.arg(self.key(&format!("repeat:{id}")))
            .arg("every")
            .arg("offset");
        let (time, rule) =
            futures::future::try_join(self.redis().call(&time), self.redis().call(&rule)).await?;
        let number =
            |value: Option<String>| value.and_then(|v| v.parse::<f64>().ok()).map(|n| n as i64);
        let mut fields = list(rule).into_iter();
        let mut field = || number(fields.next().and_then(text));
        let (every, offset) = (field(), field());
        Ok(number(text(time)).map(|at| Current { at, every, offset }))
    }
}
