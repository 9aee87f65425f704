//! The next job of a scheduler, added when one of its jobs starts, as BullMQ's
//! workers do: a worker that did not would end the schedule.

use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use redis::Value;
use serde_json::{Map, Value as Json};

use super::Queue;
use super::job::{Job, Scheduler};
use super::redis::Error;
use super::script::SCHEDULE;
use super::settle::{list, text};

/// When a scheduler runs next, and what is stored with that job.
#[derive(Debug, PartialEq)]
struct Next {
    at: i64,
    options: Map<String, Json>,
}

/// What the scheduler's hash says about fixed intervals.
#[derive(Debug, Default)]
struct Interval {
    previous: i64,
    every: Option<i64>,
    offset: Option<i64>,
}

impl Queue {
    /// Add the next job of the scheduler that made this job, unless it is there
    /// already, the schedule has ended, or the scheduler was removed. Its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the schedule cannot be read: it stops here.
    pub async fn schedule_next(
        &self,
        job: &Job,
        scheduler: &Scheduler,
    ) -> Result<Option<String>, Error> {
        let wrong =
            |reason: String| Error::Invalid(format!("scheduler \"{}\": {reason}", scheduler.id));
        let number =
            |value: Option<String>| value.and_then(|v| v.parse::<f64>().ok()).map(|n| n as i64);

        let mut command = redis::cmd("ZSCORE");
        command.arg(self.key("repeat")).arg(&scheduler.id);
        let Some(previous) = number(text(self.redis().call(&command).await?)) else {
            return Ok(None);
        };
        // Only the job of the current run continues the schedule.
        if job.id != format!("repeat:{}:{previous}", scheduler.id) {
            return Ok(None);
        }
        let mut command = redis::cmd("HMGET");
        command
            .arg(self.key(&format!("repeat:{}", scheduler.id)))
            .arg("every")
            .arg("offset");
        let mut fields = list(self.redis().call(&command).await?).into_iter();
        let mut field = || number(fields.next().and_then(text));
        let interval = Interval {
            previous,
            every: field(),
            offset: field(),
        };
        let options: Map<String, Json> =
            serde_json::from_str(&scheduler.options).map_err(|e| wrong(e.to_string()))?;
        let now = i64::try_from(job.started_at).unwrap_or(i64::MAX);
        let Some(mut next) = next(options, &interval, now, &scheduler.id).map_err(wrong)? else {
            return Ok(None);
        };
        let delay = (next.at - now).max(0);
        let id = format!("repeat:{}:{}", scheduler.id, next.at);
        next.options.insert("delay".into(), delay.into());
        next.options.insert("jobId".into(), id.into());
        let priority = next
            .options
            .get("priority")
            .and_then(Json::as_u64)
            .unwrap_or(0);
        let lifo = next
            .options
            .get("lifo")
            .and_then(Json::as_bool)
            .unwrap_or(false);
        let deduplication = next
            .options
            .get("de")
            .and_then(|de| de["id"].as_str())
            .unwrap_or("")
            .to_owned();
        let options = Json::Object(next.options).to_string();
        let reply = SCHEDULE
            .run(self.redis(), &self.0.base, |command| {
                command
                    .arg(&scheduler.id)
                    .arg(previous)
                    .arg(next.at)
                    .arg(&options)
                    .arg(delay)
                    .arg(priority)
                    .arg(if lifo { "RPUSH" } else { "LPUSH" })
                    .arg(&deduplication);
            })
            .await?;
        Ok(match reply {
            Value::Nil => None,
            id => text(id),
        })
    }
}

/// BullMQ's `upsertJobScheduler` without override, and the interval part of its
/// `updateJobScheduler` script.
fn next(
    mut options: Map<String, Json>,
    interval: &Interval,
    now: i64,
    id: &str,
) -> Result<Option<Next>, String> {
    let mut repeat = match options.remove("repeat") {
        Some(Json::Object(repeat)) => repeat,
        _ => Map::new(),
    };
    let whole = |value: Option<&Json>| value.and_then(Json::as_f64).map(|n| n as i64);
    let count = whole(repeat.get("count")).unwrap_or(0) + 1;
    if whole(repeat.get("limit")).is_some_and(|limit| count > limit) {
        return Ok(None);
    }
    if instant(repeat.get("endDate")).is_some_and(|end| now > end) {
        return Ok(None);
    }
    let at = match repeat.get("pattern").and_then(Json::as_str) {
        Some(pattern) => {
            let last = whole(options.get("prevMillis")).unwrap_or(0);
            let from = now.max(last);
            let begin = instant(repeat.get("startDate")).map_or(from, |start| start.max(from));
            let zone = match repeat.get("tz").and_then(Json::as_str) {
                Some(name) => TimeZone::get(name).map_err(|e| e.to_string())?,
                None => TimeZone::system(),
            };
            let Some(at) = occurrence(pattern, begin, zone)? else {
                return Ok(None);
            };
            let at = at.max(from);
            options.insert("prevMillis".into(), at.into());
            at
        }
        None => {
            let every = interval.every.or(whole(repeat.get("every")));
            let every = every
                .filter(|every| *every > 0)
                .ok_or("neither pattern nor every")?;
            let offset = interval.offset.or(whole(repeat.get("offset"))).unwrap_or(0);
            let at = interval.previous + every;
            if at >= now {
                at
            } else {
                // Runs were missed: the next slot from now on.
                let slot = now / every * every + offset;
                if slot <= now { slot + every } else { slot }
            }
        }
    };
    repeat.remove("immediately");
    repeat.insert("count".into(), count.into());
    options.insert("repeat".into(), Json::Object(repeat));
    options.insert("timestamp".into(), now.into());
    options.insert("repeatJobKey".into(), id.into());
    Ok(Some(Next { at, options }))
}

/// The first time after `from` that the pattern of 5 or 6 fields names.
fn occurrence(pattern: &str, from: i64, zone: TimeZone) -> Result<Option<i64>, String> {
    let cron = Cron::from_str(pattern).map_err(|e| format!("pattern \"{pattern}\": {e}"))?;
    let from: Zoned = Timestamp::from_millisecond(from)
        .map_err(|e| e.to_string())?
        .to_zoned(zone);
    let at = cron.find_next_occurrence(&from, false).ok();
    Ok(at.map(|at| at.timestamp().as_millisecond()))
}

/// Milliseconds, or a date as text.
fn instant(value: Option<&Json>) -> Option<i64> {
    match value? {
        Json::Number(n) => n.as_f64().map(|n| n as i64),
        Json::String(date) => date
            .parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_millisecond),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(repeat: Json, interval: Interval, now: i64) -> Result<Option<i64>, String> {
        let Json::Object(options) = json!({ "repeat": repeat }) else {
            unreachable!()
        };
        next(options, &interval, now, "s").map(|next| next.map(|next| next.at))
    }

    fn every(previous: i64, offset: Option<i64>) -> Interval {
        Interval {
            previous,
            every: Some(1000),
            offset,
        }
    }

    #[test]
    fn an_interval_goes_on_from_the_previous_run() {
        assert_eq!(run(json!({}), every(5_000, None), 5_003), Ok(Some(6_000)));
    }

    #[test]
    fn missed_runs_are_left_out_and_the_offset_is_kept() {
        assert_eq!(run(json!({}), every(5_000, None), 9_500), Ok(Some(10_000)));
        assert_eq!(
            run(json!({}), every(5_200, Some(200)), 9_100),
            Ok(Some(9_200))
        );
        assert_eq!(
            run(json!({}), every(5_200, Some(200)), 9_500),
            Ok(Some(10_200))
        );
    }

    #[test]
    fn a_pattern_is_read_in_its_time_zone() {
        // 2026-11-23 00:00 UTC; 03:00 in Berlin is 02:00 UTC in winter.
        let midnight = 1_795_392_000_000;
        let repeat = json!({"pattern": "0 3 * * *", "tz": "Europe/Berlin"});
        let at = run(repeat, Interval::default(), midnight);
        assert_eq!(at, Ok(Some(midnight + 2 * 3_600_000)));
    }

    #[test]
    fn six_fields_have_seconds() {
        let at = run(
            json!({"pattern": "*/10 * * * * *"}),
            Interval::default(),
            1_000,
        );
        assert_eq!(at, Ok(Some(10_000)));
    }

    #[test]
    fn limit_and_end_date_end_the_schedule() {
        assert_eq!(
            run(json!({"limit": 2, "count": 2}), every(0, None), 1),
            Ok(None)
        );
        assert_eq!(run(json!({"endDate": 5}), every(0, None), 6), Ok(None));
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error_that_names_it() {
        let error = run(json!({"pattern": "soon"}), Interval::default(), 1).unwrap_err();
        assert!(error.starts_with("pattern \"soon\": "), "{error}");
    }
}
