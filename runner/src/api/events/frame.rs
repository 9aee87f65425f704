//! One event as it is sent.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::names::Told;
use crate::queue::Happening;
use crate::verbs::cover::Cover;
use crate::verbs::raw::raw;

/// Bytes of a result, a reason or a progress that is sent with its event; what is longer
/// is left out, and can be had from the job.
const LONG: usize = 16 << 10;
/// Fields of events whose values are JSON.
const JSON: [&str; 2] = ["returnvalue", "data"];
/// Fields that say something of the payload.
const SAID: [&str; 3] = ["returnvalue", "data", "failedReason"];

/// What stands for what may not be seen.
const COVERED: &str = "[sensitive]";

/// The data of an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'e> {
    queue: &'e str,
    event: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
    /// When, ms since 1970.
    at: u64,
    #[serde(flatten)]
    fields: BTreeMap<&'e str, Box<RawValue>>,
    /// Fields that are too long to be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<&'e str>,
}

/// An event as it is sent to one who does not see what is covered. Written once for all.
pub(super) fn frame<'t>(told: &'t Told, cover: &Cover) -> &'t Bytes {
    let sent = &told.sent[usize::from(!cover.is_none())];
    sent.get_or_init(|| write(told, cover))
}

fn write(told: &Told, cover: &Cover) -> Bytes {
    let event = &told.happening;
    let mut data = Data {
        queue: &event.queue,
        event: &event.event,
        job_id: event.job.as_deref(),
        name: told.name.as_deref(),
        at: event.id.at,
        fields: BTreeMap::new(),
        left_out: Vec::new(),
    };
    for (field, value) in &event.fields {
        if field == "name" {
            data.name = Some(value);
        } else if value.len() > LONG {
            data.left_out.push(field);
        } else {
            let value = value_of(event, field, value, data.name, cover);
            data.fields.insert(field, value);
        }
    }
    let json = serde_json::to_string(&data).expect("own types serialise to JSON");
    let Happening {
        queue, id, event, ..
    } = event;
    // A name from Redis may be anything, and a line break would be the next field.
    let event = event.replace(['\r', '\n'], " ");
    format!("id: {id}:{queue}\nevent: {event}\ndata: {json}\n\n").into()
}

fn value_of(
    event: &Happening,
    field: &str,
    value: &str,
    name: Option<&str>,
    cover: &Cover,
) -> Box<RawValue> {
    let text = |text: &str| {
        let text = serde_json::value::to_raw_value(text);
        text.expect("a string is JSON")
    };
    if cover.is_none() || !SAID.contains(&field) {
        return match JSON.contains(&field) {
            true => raw(value.to_owned()),
            false => text(value),
        };
    }
    // What was said of a payload cannot be covered without the payload, and a result may
    // repeat it.
    match (field, name, event.event.as_str()) {
        ("returnvalue", Some(name), "completed") if !cover.hides(name) => {
            raw(cover.result(name, value.to_owned()))
        }
        _ => text(COVERED),
    }
}
