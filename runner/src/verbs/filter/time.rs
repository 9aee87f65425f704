//! Instants as a query writes them: how long ago, a date, or RFC 3339.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::units;

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So long before now.
    Ago(Duration),
    /// From the first to the last millisecond since 1970 of what was written: a day, or
    /// the same one twice.
    At(i64, i64),
}

impl When {
    /// `2h`, `2026-11-28`, `2026-11-28T10:00` (UTC), `2026-11-28T10:00:00+01:00`.
    pub(super) fn read(text: &str) -> Option<When> {
        if let Some(ago) = units::read_duration(text) {
            return Some(When::Ago(ago));
        }
        if let Some(at) = instant(text) {
            return Some(When::At(at, at));
        }
        let utc = |at: DateTime| {
            let at = at.to_zoned(TimeZone::UTC).ok()?;
            Some(at.timestamp().as_millisecond())
        };
        if text.len() == "2026-11-28".len()
            && let Ok(day) = text.parse::<Date>()
        {
            let next = day.tomorrow().ok()?;
            let (first, end) = (day.to_datetime(jiff::civil::Time::midnight()), next);
            let end = utc(end.to_datetime(jiff::civil::Time::midnight()))?;
            return Some(When::At(utc(first)?, end - 1));
        }
        let at = utc(text.parse::<DateTime>().ok()?)?;
        Some(When::At(at, at))
    }

    /// Its beginning, milliseconds since 1970.
    pub(super) fn first(self, now: u64) -> i64 {
        match self {
            When::Ago(ago) => before(now, ago),
            When::At(first, _) => first,
        }
    }

    /// Its end.
    pub(super) fn last(self, now: u64) -> i64 {
        match self {
            When::Ago(ago) => before(now, ago),
            When::At(_, last) => last,
        }
    }
}

fn before(now: u64, ago: Duration) -> i64 {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    now.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
}

/// RFC 3339, with its offset; milliseconds since 1970.
pub(super) fn instant(text: &str) -> Option<i64> {
    let at = text.parse::<jiff::Timestamp>().ok()?;
    Some(at.as_millisecond())
}
