//! What a scheduler repeats, and when its next run is: BullMQ's
//! `upsertJobScheduler` and the interval part of its scripts.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use crate::config::{Schedule, When};
use crate::cron::{self, Cron};

/// Missed runs are counted up to this number; more are "many".
const MOST_MISSED: usize = 10_000;

/// When a scheduler runs. Times are ms since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) pattern: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) every: Option<i64>,
    pub(super) offset: i64,
    pub(super) limit: Option<i64>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

impl Plan {
    /// Of `repeat` in a job's options.
    pub(super) fn of_options(repeat: &Map<String, Json>) -> Plan {
        let word = |name: &str| repeat.get(name).and_then(Json::as_str).map(str::to_owned);
        let whole = |name: &str| repeat.get(name).and_then(whole);
        Plan {
            pattern: word("pattern").or_else(|| word("cron")),
            zone: word("tz"),
            every: whole("every"),
            offset: whole("offset").unwrap_or(0),
            limit: whole("limit"),
            start: instant(repeat.get("startDate")),
            end: instant(repeat.get("endDate")),
        }
    }

    /// Of a scheduler's hash.
    pub(super) fn of_hash(hash: &HashMap<String, String>) -> Plan {
        let word = |name: &str| hash.get(name).cloned();
        let whole = |name: &str| {
            let number: f64 = hash.get(name)?.parse().ok()?;
            Some(number as i64)
        };
        Plan {
            pattern: word("pattern"),
            zone: word("tz"),
            every: whole("every"),
            offset: whole("offset").unwrap_or(0),
            limit: whole("limit"),
            start: whole("startDate"),
            end: whole("endDate"),
        }
    }

    /// Of `[[schedules]]`.
    pub(super) fn of(schedule: &Schedule) -> Plan {
        let plan = Plan {
            limit: schedule.limit.map(i64::from),
            start: schedule.start,
            end: schedule.end,
            ..Plan::default()
        };
        match &schedule.when {
            When::Cron { pattern, zone } => Plan {
                pattern: Some(pattern.clone()),
                zone: Some(zone.clone()),
                ..plan
            },
            When::Every { every, offset } => Plan {
                every: Some(every.as_millis() as i64),
                offset: offset.as_millis() as i64,
                ..plan
            },
        }
    }

    /// `repeat` of the run with this number, from 1.
    pub(super) fn repeat(&self, count: i64) -> Map<String, Json> {
        let words = [("pattern", &self.pattern), ("tz", &self.zone)];
        let words = words.map(|(name, word)| (name, word.clone().map(Json::from)));
        let offset = (self.every.is_some() && self.offset > 0).then_some(self.offset);
        let numbers = [
            ("every", self.every),
            ("offset", offset),
            ("limit", self.limit),
            ("startDate", self.start),
            ("endDate", self.end),
            ("count", Some(count)),
        ];
        let numbers = numbers.map(|(name, number)| (name, number.map(Json::from)));
        let all = words.into_iter().chain(numbers);
        all.filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    /// The time of the first run; none if the schedule is over already.
    ///
    /// # Errors
    /// When the pattern or the zone is none.
    pub(super) fn first(&self, now: i64) -> Result<Option<i64>, String> {
        if self.pattern.is_some() {
            return self.occurrence(now);
        }
        let every = self.interval()?;
        if self.is_over(1, now) {
            return Ok(None);
        }
        Ok(Some(match self.start {
            Some(start) => start.max(now),
            None if self.offset > 0 => self.slot(every, now),
            None => now,
        }))
    }

    /// The time of the run after the one at `previous`, if `count` is within the
    /// limit and the end is not reached.
    ///
    /// # Errors
    /// When the pattern or the zone is none.
    pub(super) fn after(&self, previous: i64, count: i64, now: i64) -> Result<Option<i64>, String> {
        if self.is_over(count, now) {
            return Ok(None);
        }
        if self.pattern.is_some() {
            return self.occurrence(now.max(previous));
        }
        let every = self.interval()?;
        let at = previous + every;
        // Runs were missed: the next slot from now on.
        Ok(Some(if at >= now { at } else { self.slot(every, now) }))
    }

    /// How many runs after the one at `previous` should have been before now.
    pub(super) fn missed(&self, previous: i64, now: i64) -> u64 {
        if let Some(every) = self.every.filter(|every| *every > 0) {
            let late = (now - previous - 1).max(0);
            return (late / every) as u64;
        }
        let Ok((cron, zone)) = self.clock() else {
            return 0;
        };
        let times = std::iter::successors(Some(previous), |at| self.next_of(&cron, &zone, *at));
        let missed = times.skip(1).take_while(|at| *at < now);
        missed.take(MOST_MISSED).count() as u64
    }

    /// Whether the run with this number is one too many, or too late.
    pub(super) fn is_over(&self, count: i64, now: i64) -> bool {
        self.limit.is_some_and(|limit| count > limit) || self.end.is_some_and(|end| now > end)
    }

    /// The next whole multiple of the interval, plus the offset.
    fn slot(&self, every: i64, now: i64) -> i64 {
        let slot = now / every * every + self.offset;
        if slot <= now { slot + every } else { slot }
    }

    fn interval(&self) -> Result<i64, String> {
        let every = self.every.filter(|every| *every > 0);
        every.ok_or_else(|| "neither pattern nor every".to_owned())
    }

    /// The first time of the pattern after `from` that start and end leave.
    fn occurrence(&self, from: i64) -> Result<Option<i64>, String> {
        let (cron, zone) = self.clock()?;
        Ok(self.next_of(&cron, &zone, from))
    }

    fn clock(&self) -> Result<(Cron, TimeZone), String> {
        let pattern = self.pattern.as_deref().unwrap_or_default();
        let cron = Cron::parse(pattern).map_err(|error| format!("pattern {pattern:?}: {error}"))?;
        let zone = match &self.zone {
            Some(name) => cron::zone(name).map_err(|_| format!("no time zone {name:?}"))?,
            None => TimeZone::system(),
        };
        Ok((cron, zone))
    }

    fn next_of(&self, cron: &Cron, zone: &TimeZone, from: i64) -> Option<i64> {
        let from = self.start.map_or(from, |start| start.max(from));
        let at = cron.next(from, zone);
        at.filter(|at| self.end.is_none_or(|end| *at <= end))
    }
}

fn whole(value: &Json) -> Option<i64> {
    value.as_f64().map(|n| n as i64)
}

/// Milliseconds, or a date as text.
fn instant(value: Option<&Json>) -> Option<i64> {
    match value? {
        Json::String(date) => date
            .parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_millisecond),
        other => whole(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(offset: i64) -> Plan {
        Plan {
            every: Some(1000),
            offset,
            ..Plan::default()
        }
    }

    #[test]
    fn an_interval_goes_on_from_the_previous_run() {
        assert_eq!(every(0).after(5_000, 2, 5_003), Ok(Some(6_000)));
        assert_eq!(every(0).missed(5_000, 5_003), 0);
    }

    #[test]
    fn missed_runs_are_left_out_and_counted_and_the_offset_is_kept() {
        assert_eq!(every(0).after(5_000, 2, 9_500), Ok(Some(10_000)));
        assert_eq!(every(0).missed(5_000, 9_500), 4);
        assert_eq!(every(200).after(5_200, 2, 9_100), Ok(Some(9_200)));
        assert_eq!(every(200).after(5_200, 2, 9_500), Ok(Some(10_200)));
    }

    #[test]
    fn the_first_run_is_now_in_the_slot_or_at_the_start() {
        assert_eq!(every(0).first(5_003), Ok(Some(5_003)));
        assert_eq!(every(200).first(5_003), Ok(Some(5_200)));
        let later = Plan {
            start: Some(9_000),
            ..every(0)
        };
        assert_eq!(later.first(5_003), Ok(Some(9_000)));
    }

    #[test]
    fn limit_and_end_end_the_schedule() {
        let limited = Plan {
            limit: Some(2),
            ..every(0)
        };
        assert_eq!(limited.after(0, 3, 1), Ok(None));
        let ended = Plan {
            end: Some(5),
            ..every(0)
        };
        assert_eq!(ended.after(0, 2, 6), Ok(None));
        assert_eq!(ended.first(6), Ok(None));
        // BullMQ's patterns end with the last time before the end.
        let pattern = Plan {
            pattern: Some("* * * * *".to_owned()),
            zone: Some("UTC".to_owned()),
            end: Some(119_999),
            ..Plan::default()
        };
        assert_eq!(pattern.after(0, 2, 1), Ok(Some(60_000)));
        assert_eq!(pattern.after(60_000, 3, 60_001), Ok(None));
        assert_eq!(pattern.missed(0, 500_000), 1);
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error_that_names_it() {
        let plan = Plan {
            pattern: Some("soon".to_owned()),
            ..Plan::default()
        };
        let error = plan.after(0, 2, 1).unwrap_err();
        assert_eq!(
            error,
            "pattern \"soon\": the day of week is \"soon\": it may be 0 to 7, or sun to sat"
        );
    }
}
