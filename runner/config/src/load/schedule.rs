//! `[[schedules]]`

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decode::{Decoder, Entry, Table};
use crate::keys::job::JOB_DEFAULTS;
use crate::keys::schedule::SCHEDULE;
use crate::value::{self, Fault, Raw, fault};
use crate::{Queue, Schedule, When};
use runner_cron::{self as cron, Cron};
use runner_text::units;

pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    queues: &BTreeMap<String, Arc<Queue>>,
) -> Vec<Arc<Schedule>> {
    let mut schedules: Vec<Arc<Schedule>> = Vec::new();
    let mut lines = Vec::new();
    for (at, table) in decoder.tables(root, "schedules").iter().enumerate() {
        decoder.only(table, SCHEDULE.names().chain(JOB_DEFAULTS.names()));
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
    let mut schedule = Schedule::default();
    SCHEDULE.read(decoder, table, &mut schedule);
    let when = when(decoder, table);
    if let (Some(start), Some(end)) = (schedule.start, schedule.end)
        && end <= start
    {
        let early = fault("is not after `start`", "write a later time");
        refuse_key(decoder, table, "end", early);
    }
    let wider = queue.as_ref().and_then(|queue| queues.get(queue));
    schedule.options = wider
        .map(|queue| queue.defaults.clone())
        .unwrap_or_default();
    JOB_DEFAULTS.read(decoder, table, &mut schedule.options);
    schedule.when = when?;
    let queue = queues.get(&queue?)?;
    schedule.queue.clone_from(&queue.name);
    if schedule.id.is_empty() {
        schedule.id = format!("{}/{}", schedule.queue, schedule.name);
    }
    check_data(decoder, table, queue, &schedule);
    (!schedule.name.is_empty()).then_some(schedule)
}

/// Its jobs can be added to the queue.
fn check_data(decoder: &mut Decoder<'_>, table: &Table<'_>, queue: &Queue, schedule: &Schedule) {
    let Schedule { name, data, .. } = schedule;
    let limit = schedule.options.size_limit;
    if let Some(limit) = limit.filter(|limit| data.len() as u64 > *limit) {
        let length = data.len();
        let larger = fault(
            format!("has {length} bytes, more than the size_limit of {limit}"),
            "write less, or raise size_limit",
        );
        refuse_key(decoder, table, "data", larger);
    }
    let contract = queue.base.contract.as_ref();
    if let Some(Err(reason)) = contract.map(|contract| contract.check(name, data)) {
        let misfit = fault(
            format!(
                "does not fit the contract of queue {:?}: {reason}",
                queue.name
            ),
            format!("see it with `runner contract show {}`", queue.name),
        );
        let key = table.get("data").map_or("name", |_| "data");
        refuse_key(decoder, table, key, misfit);
    }
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
            let both = fault("stands next to `cron`", "remove one of the two");
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
            let alone = fault("needs `every`", "a cron pattern already says when");
            refuse_key(decoder, table, "offset", alone);
        }
        (false, true) if has("timezone") => {
            let alone = fault("needs `cron`", "an interval is the same in all time zones");
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
            "the offset says where in the interval a run falls",
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
    super::queue::declared(&name, queues).map(|()| name)
}

fn pattern(raw: Raw<'_>) -> Result<String, Fault> {
    let text = value::text(raw)?;
    let hint = "minute hour day month weekday: \"0 3 * * 1\" is every Monday at 3";
    let cron = Cron::parse(&text)
        .map_err(|error| fault(format!("is not a cron pattern: {error}"), hint))?;
    if cron.fields() < 5 {
        return Err(fault(
            format!(
                "is not a cron pattern: it has {} fields; write 5, or 6 with seconds",
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
            Err(fault(
                format!("is {name:?}, which is not a known time zone"),
                hint,
            ))
        }
    }
}
