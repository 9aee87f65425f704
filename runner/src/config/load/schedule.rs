//! `[[schedules]]`

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use toml::de::DeValue;

use crate::config::decode::{Decoder, Entry, Table};
use crate::config::keys;
use crate::config::problem::nearest;
use crate::config::value::{self, Fault, Raw, fault};
use crate::config::{Queue, Schedule, When};
use crate::cron::{self, Cron};
use crate::units;

/// The lowest priority (BullMQ's `PRIORITY_LIMIT`).
const LOWEST_PRIORITY: u32 = 2_097_151;

pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    queues: &BTreeMap<String, Arc<Queue>>,
) -> Vec<Arc<Schedule>> {
    let mut schedules: Vec<Arc<Schedule>> = Vec::new();
    let mut lines = Vec::new();
    for (at, table) in decoder.tables(root, "schedules").iter().enumerate() {
        decoder.only(table, keys::SCHEDULE);
        let Some(schedule) = read(decoder, table, queues) else {
            continue;
        };
        let same = |other: &Arc<Schedule>| other.queue == schedule.queue && other.id == schedule.id;
        if let Some(other) = schedules.iter().position(same) {
            let twice = fault(
                format!(
                    "has the id {:?} of the schedule in line {}",
                    schedule.id, lines[other]
                ),
                "give one of them another `id`",
            );
            decoder.refuse(table.span.clone(), &format!("schedules[{at}]"), twice);
            continue;
        }
        schedules.push(Arc::new(schedule));
        lines.push(decoder.line(table.span.start));
    }
    schedules
}

fn read(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    queues: &BTreeMap<String, Arc<Queue>>,
) -> Option<Schedule> {
    for key in ["queue", "name"] {
        if table.get(key).is_none() {
            let missing = fault(format!("has no `{key}`"), format!("add `{key}`"));
            decoder.refuse(table.span.clone(), &table.path, missing);
        }
    }
    let queue = decoder.value(table, "queue", |raw| declared(raw, queues));
    let name = decoder.value(table, "name", value::text);
    let id = decoder.value(table, "id", id);
    let data = decoder.value(table, "data", data);
    let when = when(decoder, table);
    let limit = decoder.value(table, "limit", value::at_least_one);
    let start = decoder.value(table, "start", instant);
    let end = decoder.value(table, "end", instant);
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        refuse_key(
            decoder,
            table,
            "end",
            fault("is not after `start`", "write a later time"),
        );
    }
    let priority = decoder.value(table, "priority", priority);
    let wider = queue.as_ref().and_then(|queue| queues.get(queue));
    let wider = wider
        .map(|queue| queue.defaults.clone())
        .unwrap_or_default();
    let options = super::job_defaults::job_defaults(decoder, Some(table), &table.path, "", &wider);
    let (queue, name, data, when) = (
        queue?,
        name?,
        data.unwrap_or_else(|| "{}".to_owned()),
        when?,
    );
    if let Some(limit) = options
        .size_limit
        .filter(|limit| data.len() as u64 > *limit)
    {
        let larger = fault(
            format!(
                "has {} bytes, more than the size_limit of {limit}",
                data.len()
            ),
            "write less, or raise size_limit",
        );
        refuse_key(decoder, table, "data", larger);
    }
    let contract = queues
        .get(&queue)
        .and_then(|queue| queue.base.contract.as_ref());
    if let Some(Err(reason)) = contract.map(|contract| contract.check(&name, &data)) {
        let misfit = fault(
            format!("does not fit the contract of queue {queue:?}: {reason}"),
            format!("see it with `runner contract show {queue}`"),
        );
        let key = table.get("data").map_or("name", |_| "data");
        refuse_key(decoder, table, key, misfit);
    }
    Some(Schedule {
        id: id.unwrap_or_else(|| format!("{queue}/{name}")),
        queue,
        name,
        data,
        when,
        limit,
        start,
        end,
        priority: priority.unwrap_or(0),
        options,
    })
}

/// `cron` with `timezone`, or `every` with `offset`.
fn when(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<When> {
    let pattern = decoder.value(table, "cron", pattern);
    let zone = decoder.value(table, "timezone", zone);
    let every = decoder.value(table, "every", value::duration_above_zero);
    let offset = decoder.value(table, "offset", value::duration);
    let has = |key: &str| table.get(key).is_some();
    match (has("cron"), has("every")) {
        (true, true) => {
            let both = fault("is there beside `cron`", "remove one of the two");
            refuse_key(decoder, table, "every", both);
            return None;
        }
        (false, false) => {
            let neither = fault(
                "has neither `cron` nor `every`",
                "add cron = \"0 3 * * *\" or every = \"5m\"",
            );
            decoder.refuse(table.span.clone(), &table.path, neither);
            return None;
        }
        (true, false) if has("offset") => {
            let alone = fault("needs `every`", "a pattern says its times itself");
            refuse_key(decoder, table, "offset", alone);
        }
        (false, true) if has("timezone") => {
            let alone = fault("needs `cron`", "an interval is the same in all zones");
            refuse_key(decoder, table, "timezone", alone);
        }
        _ => {}
    }
    if let Some(pattern) = pattern {
        return Some(When::Cron {
            pattern,
            zone: zone.unwrap_or_else(|| "UTC".to_owned()),
        });
    }
    let (every, offset) = (every?, offset.unwrap_or_default());
    if offset >= every {
        let long = fault(
            format!("must be less than `every`, {}", units::duration(every)),
            "it says where in the interval a run falls",
        );
        refuse_key(decoder, table, "offset", long);
    }
    Some(When::Every { every, offset })
}

fn refuse_key(decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str, fault: Fault) {
    if let Some(Entry { key_span, .. }) = table.get(key) {
        let span = key_span.clone();
        decoder.refuse(span, &format!("{}.{key}", table.path), fault);
    }
}

fn declared(raw: Raw<'_>, queues: &BTreeMap<String, Arc<Queue>>) -> Result<String, Fault> {
    let name = value::text(raw)?;
    if queues.contains_key(&name) {
        return Ok(name);
    }
    let hint = match nearest(&name, queues.keys().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("declare it with [queues.{name}]"),
    };
    Err(fault(format!("is {name:?}, no queue of this file"), hint))
}

/// Scheduler ids are parts of keys; with five parts BullMQ takes one for a
/// repeatable job of old.
fn id(raw: Raw<'_>) -> Result<String, Fault> {
    let id = value::text(raw)?;
    if id.contains(':') {
        return Err(fault(
            "must have no colon",
            "use another separator, such as \"/\" or \"-\"",
        ));
    }
    Ok(id)
}

fn data(raw: Raw<'_>) -> Result<String, Fault> {
    match raw {
        Raw::Toml(value) => Ok(super::plugin::json(value)?.to_string()),
        Raw::Text(text) => Ok(text.to_owned()),
    }
}

fn pattern(raw: Raw<'_>) -> Result<String, Fault> {
    let text = value::text(raw)?;
    let hint = "minute hour day month weekday: \"0 3 * * 1\" is Mondays at 3";
    let cron =
        Cron::parse(&text).map_err(|error| fault(format!("is no cron pattern: {error}"), hint))?;
    if cron.fields() < 5 {
        return Err(fault(
            format!(
                "is no cron pattern: {} fields; write 5, or 6 with seconds",
                cron.fields()
            ),
            hint,
        ));
    }
    Ok(text)
}

fn zone(raw: Raw<'_>) -> Result<String, Fault> {
    let name = value::text(raw)?;
    match cron::zone(&name) {
        Ok(_) => Ok(name),
        Err(near) => {
            let hint = match near {
                Some(near) => format!("did you mean {near:?}?"),
                None => "write a name such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            };
            Err(fault(format!("is {name:?}, no time zone"), hint))
        }
    }
}

/// A date of TOML or a text, with its offset.
fn instant(raw: Raw<'_>) -> Result<i64, Fault> {
    let text = match raw {
        Raw::Toml(DeValue::Datetime(date)) => Some(date.to_string()),
        Raw::Toml(value) => value.as_str().map(str::to_owned),
        Raw::Text(text) => Some(text.to_owned()),
    };
    let hint = "write 2026-12-24T18:00:00Z, or with +01:00 for Z";
    let refused = || raw.is_not("a time with its offset (RFC 3339)", hint);
    let text = text.ok_or_else(refused)?;
    let instant: Timestamp = text.parse().map_err(|_| refused())?;
    Ok(instant.as_millisecond())
}

fn priority(raw: Raw<'_>) -> Result<u32, Fault> {
    let priority = value::count(raw)?;
    if priority > LOWEST_PRIORITY {
        return Err(fault(
            format!("must be at most {LOWEST_PRIORITY}"),
            "1 is first, 0 goes before all",
        ));
    }
    Ok(priority)
}
