//! Cron patterns as npm `cron-parser`, with which BullMQ schedules, reads them: the
//! same fields, macros and days, and the same times where clocks change. Any crate
//! may use it, and it knows only the calendar.
//!
//! `H` is refused: cron-parser picks its values at random, anew each time.
//!
//! Where clocks change, a pattern that names hours runs once. What would fall into
//! skipped hours runs in the hour after them at the same minute, and hours that come
//! twice count once. A pattern for every hour follows real time.

mod parse;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

pub use parse::Error;
use parse::Values;

/// A pattern that names no time in this many years names none: a leap day on a
/// certain weekday comes back after at most 40.
const YEARS: i16 = 40;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    second: Values,
    minute: Values,
    hour: Values,
    day: Values,
    month: Values,
    weekday: Values,
    /// Which of these weekdays of a month: the third of `5#3`.
    nth: Option<u32>,
    /// How many fields were written; a macro counts as 6.
    fields: usize,
}

impl Cron {
    /// How many fields were written; a macro counts as 6.
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The first time after this one, both in milliseconds since 1970; `None` if
    /// the pattern names no later time.
    pub fn next(&self, after: i64, zone: &TimeZone) -> Option<i64> {
        let after_second = Timestamp::from_second(after.div_euclid(1000)).ok()?;
        let mut from = after_second.checked_add(1.second()).ok()?;
        let until = from
            .checked_add((24 * 366 * i64::from(YEARS)).hours())
            .ok()?;
        let mut change = Change::None;
        // Between two changes of the clock local time and real time go together.
        while from < until {
            let offset = zone.to_offset(from);
            let next = zone
                .following(from)
                .map(|transition| (transition.timestamp(), transition.offset()))
                .find(|(_, to)| *to != offset);
            let end = next.map_or(until, |(at, _)| at);
            if let Some(found) = self.within(from, end, offset, change) {
                return Some(found.as_millisecond());
            }
            let (at, to) = next?;
            change = self.change(at, offset, to);
            from = at;
        }
        None
    }

    /// What a change of the clock does to a pattern that names hours.
    fn change(&self, at: Timestamp, from: Offset, to: Offset) -> Change {
        if self.hour.bits == (1 << 24) - 1 {
            return Change::None;
        }
        let (before, after) = (from.to_datetime(at), to.to_datetime(at));
        if to < from {
            return Change::Again { until: before };
        }
        let skipped_from = before.hour() as u32 + u32::from(before.minute() > 0);
        let landing = after.hour() as u32 + if after.date() > before.date() { 24 } else { 0 };
        let mut skipped = skipped_from..landing;
        // cron-parser jumps over a midnight from day to day, unless it comes
        // there hour by hour.
        let midnight = skipped_from.is_multiple_of(24);
        let seen = !midnight || {
            let eve = before.date().yesterday().unwrap_or(before.date());
            self.hour.has(23)
                && self.on(if before.hour() == 0 {
                    eve
                } else {
                    before.date()
                })
        };
        if seen && skipped.any(|hour| self.hour.has(hour % 24)) {
            return Change::Skipped { landing: after };
        }
        Change::None
    }

    /// The first time of the pattern from `from` to before `end`, all at this
    /// offset.
    fn within(
        &self,
        from: Timestamp,
        end: Timestamp,
        offset: Offset,
        change: Change,
    ) -> Option<Timestamp> {
        let (mut local, end) = (offset.to_datetime(from), offset.to_datetime(end));
        let mut hours = self.hour;
        match change {
            Change::Again { until } => {
                // All of the last repeated hour is over with it.
                local = local.max(until);
            }
            Change::Skipped { landing } => {
                let hour = landing.hour() as u32;
                hours.bits |= 1 << hour;
                if self.on(landing.date())
                    && let Some(time) = self.time(landing.time(), hours)
                    && time.hour() as u32 == hour
                {
                    let found = landing.date().to_datetime(time);
                    return (found < end).then(|| offset.to_timestamp(found).ok())?;
                }
            }
            Change::None => {}
        }
        while local < end {
            let date = local.date();
            if self.month.has(date.month() as u32) {
                if self.on(date)
                    && let Some(time) = self.time(local.time(), self.hour)
                {
                    let found = date.to_datetime(time);
                    return (found < end).then(|| offset.to_timestamp(found).ok())?;
                }
                local = date.tomorrow().ok()?.to_datetime(Time::midnight());
            } else {
                let next = date.last_of_month().tomorrow().ok()?;
                local = next.to_datetime(Time::midnight());
            }
        }
        None
    }

    /// Whether the pattern has this day. If it restricts both the day of the month
    /// and the day of the week, one of them is enough.
    fn on(&self, date: Date) -> bool {
        let (day, weekday) = (
            date.day() as u32,
            date.weekday().to_sunday_zero_offset() as u32,
        );
        let left = date.days_in_month() as u32 - day;
        let by_day = self.day.has(day) || (self.day.last && left == 0);
        let nth = self.nth.is_none_or(|nth| day.div_ceil(7) == nth);
        let last = left < 7 && self.weekday.last_of & (1 << weekday) != 0;
        let by_weekday = (self.weekday.has(weekday) && nth) || last;
        self.month.has(date.month() as u32)
            && match (self.day.any, self.weekday.any) {
                (_, true) => by_day,
                (true, false) => by_weekday,
                (false, false) => by_day || by_weekday,
            }
    }

    /// The first time of day from this one on.
    fn time(&self, from: Time, hours: Values) -> Option<Time> {
        let (hour, minute) = (from.hour() as u32, from.minute() as u32);
        let second = from.second() as u32;
        let at = |hour: u32, minute: u32, second: u32| {
            Time::new(hour as i8, minute as i8, second as i8, 0).ok()
        };
        if hours.has(hour) {
            if self.minute.has(minute)
                && let Some(second) = self.second.from(second)
            {
                return at(hour, minute, second);
            }
            if let Some(minute) = self.minute.from(minute + 1) {
                return at(hour, minute, self.second.first());
            }
        }
        let hour = hours.from(hour + 1)?;
        at(hour, self.minute.first(), self.second.first())
    }
}

/// The change of the clock before a stretch of time.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// None that matters.
    None,
    /// Local time until then comes for the second time.
    Again { until: DateTime },
    /// Hours that the pattern names were skipped; local time went on here.
    Skipped { landing: DateTime },
}

/// The zone of this name.
///
/// # Errors
/// When there is none; the error suggests the nearest name.
pub fn zone(name: &str) -> Result<TimeZone, Option<String>> {
    TimeZone::get(name).map_err(|_| {
        let names = jiff::tz::db().available();
        let lower = name.to_lowercase();
        names
            .map(|known| {
                (
                    strsim::jaro_winkler(&lower, &known.as_str().to_lowercase()),
                    known,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(pattern: &str, after: &str, zone: &str) -> Option<String> {
        let after: Timestamp = after.parse().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let next = Cron::parse(pattern)
            .unwrap()
            .next(after.as_millisecond(), &zone)?;
        Some(Timestamp::from_millisecond(next).unwrap().to_string())
    }

    #[test]
    fn the_next_time_is_after_this_one_and_in_the_zone() {
        let after = "2026-11-23T02:00:00Z";
        assert_eq!(
            next("0 3 * * *", after, "Europe/Berlin").unwrap(),
            "2026-11-24T02:00:00Z"
        );
        assert_eq!(
            next("*/10 * * * * *", after, "UTC").unwrap(),
            "2026-11-23T02:00:10Z"
        );
        assert_eq!(
            next("@monthly", after, "UTC").unwrap(),
            "2026-12-01T00:00:00Z"
        );
        assert_eq!(
            next("0 0 29 feb *", after, "UTC").unwrap(),
            "2028-02-29T00:00:00Z"
        );
        assert_eq!(
            next("0 0 L * *", after, "UTC").unwrap(),
            "2026-11-30T00:00:00Z"
        );
        assert_eq!(
            next("0 0 * * 5L", after, "UTC").unwrap(),
            "2026-11-27T00:00:00Z"
        );
        assert_eq!(
            next("0 0 * * fri#2", after, "UTC").unwrap(),
            "2026-12-11T00:00:00Z"
        );
    }

    #[test]
    fn where_clocks_change_a_named_hour_runs_once() {
        let spring = "2026-03-29T00:00:00Z";
        assert_eq!(
            next("30 2 * * *", spring, "Europe/Berlin").unwrap(),
            "2026-03-29T01:30:00Z"
        );
        let autumn = "2026-10-25T00:30:00Z";
        assert_eq!(
            next("30 2 * * *", autumn, "Europe/Berlin").unwrap(),
            "2026-10-26T01:30:00Z"
        );
        // Every hour is every hour.
        assert_eq!(
            next("30 * * * *", autumn, "Europe/Berlin").unwrap(),
            "2026-10-25T01:30:00Z"
        );
    }
}
