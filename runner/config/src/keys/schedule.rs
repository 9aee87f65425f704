//! `[[schedules]]`; besides, a schedule has the keys of [`super::job::JOB_DEFAULTS`].

use std::sync::LazyLock;

use jiff::Timestamp;
use toml::de::DeValue;

use super::{Keys, Kind, kind};
use crate::value::{self, Fault, Raw, fault};
use crate::{PRIORITY_LIMIT, Schedule, When};
use runner_text::units;

pub(crate) static SCHEDULE: LazyLock<Keys<Schedule>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("queue", "name", |_| None)
            .default("required")
            .help("\"housekeeping\"", "A queue of this file.");
        keys.value("name", kind::text(), |schedule| &mut schedule.name)
            .default("required")
            .help("\"cleanup\"", "The jobs' name.");
        keys.value(
            "id",
            Kind {
                read: Box::new(id),
                ..kind::text()
            },
            |schedule| &mut schedule.id,
        )
        .default("`<queue>/<name>`")
        .help(
            "\"nightly\"",
            "The scheduler's id, unique in the queue, without colons.",
        );
        let data = Kind::new("any value, as JSON", data, String::clone);
        keys.value("data", data, |schedule| &mut schedule.data)
            .help("{ days = 30 }", "The jobs' payload.");
        keys.elsewhere("cron", "pattern", |schedule| match &schedule.when {
            When::Cron { pattern, .. } => Some(pattern.clone()),
            When::Every { .. } => None,
        })
        .default("this or `every`")
        .help(
            "\"0 3 * * *\"",
            "The times: minute, hour, day of month, month, weekday; a sixth field in front is seconds. `L`, `5L`, `5#3`, names of months and days, and `@daily`, `@hourly`, `@weekly`, `@monthly`, `@yearly`, `@weekdays`, `@weekends` mean what they mean to npm's cron-parser.",
        );
        keys.elsewhere("timezone", "IANA name", |schedule| match &schedule.when {
            When::Cron { zone, .. } => Some(zone.clone()),
            When::Every { .. } => None,
        })
        .default("`\"UTC\"`")
        .help("\"Europe/Berlin\"", "The time zone of `cron`.");
        keys.elsewhere("every", "duration", |schedule| match &schedule.when {
            When::Every { every, .. } => Some(units::duration(*every)),
            When::Cron { .. } => None,
        })
        .default("this or `cron`")
        .help(
            "\"5m\"",
            "The time from run to run; the first run is at once.",
        );
        keys.elsewhere(
            "offset",
            "duration, less than `every`",
            |schedule| match &schedule.when {
                When::Every { offset, .. } => Some(units::duration(*offset)),
                When::Cron { .. } => None,
            },
        )
        .default("where the first run fell")
        .help(
            "\"30s\"",
            "Runs fall on whole multiples of `every` since 1970, in UTC, plus this.",
        );
        keys.value("limit", kind::from_one().optional(), |schedule| {
            &mut schedule.limit
        })
        .default("no limit")
        .help("10", "Runs in all.");
        let instant = || Kind::new("RFC 3339", instant, |at| show_instant(*at)).optional();
        keys.value("start", instant(), |schedule| &mut schedule.start)
            .help("2026-12-24T18:00:00Z", "No run before this time.");
        keys.value("end", instant(), |schedule| &mut schedule.end)
            .help("2027-01-01T00:00:00+01:00", "No run after this time.");
        let priority = Kind::new("count", priority, u32::to_string);
        keys.value("priority", priority, |schedule| &mut schedule.priority)
            .help(
                "10",
                "The jobs' priority: 1 is first, 2097151 last, and 0 goes before all.",
            );
    })
});

/// Scheduler ids are parts of keys; with five parts BullMQ takes one for a
/// repeatable job of old.
fn id(raw: Raw<'_>) -> Result<String, Fault> {
    let id = value::text(raw)?;
    if id.contains(':') {
        return Err(fault(
            "must not contain a colon",
            "use another separator, such as \"/\" or \"-\"",
        ));
    }
    Ok(id)
}

fn data(raw: Raw<'_>) -> Result<String, Fault> {
    match raw {
        Raw::Toml(of) => Ok(value::json(of)?.to_string()),
        Raw::Text(text) => Ok(text.to_owned()),
    }
}

/// A date of TOML or a text, with its offset.
pub(super) fn instant(raw: Raw<'_>) -> Result<i64, Fault> {
    let text = match raw {
        Raw::Toml(DeValue::Datetime(date)) => Some(date.to_string()),
        Raw::Toml(value) => value.as_str().map(str::to_owned),
        Raw::Text(text) => Some(text.to_owned()),
    };
    let hint = "write 2026-12-24T18:00:00Z, or +01:00 instead of Z";
    let refused = || raw.is_not("a time with its offset (RFC 3339)", hint);
    let text = text.ok_or_else(refused)?;
    let instant: Timestamp = text.parse().map_err(|_| refused())?;
    Ok(instant.as_millisecond())
}

pub(super) fn show_instant(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or(millis.to_string(), |at| at.to_string())
}

fn priority(raw: Raw<'_>) -> Result<u32, Fault> {
    let priority = value::count(raw)?;
    if priority > PRIORITY_LIMIT {
        return Err(fault(
            format!("must be at most {PRIORITY_LIMIT}"),
            "1 is first, 0 goes before all",
        ));
    }
    Ok(priority)
}
