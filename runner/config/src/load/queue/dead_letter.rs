//! `dead_letter`: read with the other settings of a job, checked when all queues
//! are known. It must be declared, must not be the job's own queue, and must not
//! lead back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::decode::{Decoder, Entry, Table};
use crate::origins::join;
use crate::problem::nearest;
use crate::value::{Fault, fault};
use crate::{Queue, Redis};

/// Check all of them and give each the options of its queue.
pub(super) fn resolve(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    redis: &Redis,
    queues: &mut BTreeMap<String, Queue>,
) {
    for (queue, table) in tables(decoder, root) {
        let Some(entry) = table.get("dead_letter") else {
            continue;
        };
        if let Some(to) = entry.value.as_str()
            && let Err(fault) = check(queue.as_deref(), to, redis, queues)
        {
            decoder.refuse(entry.span.clone(), &join(&table.path, "dead_letter"), fault);
        }
    }
    let defaults: BTreeMap<String, _> = queues
        .iter()
        .map(|(name, queue)| (name.clone(), queue.defaults.clone()))
        .collect();
    for (name, queue) in queues {
        let jobs = queue.jobs.iter_mut().map(|(_, settings)| settings);
        for settings in jobs.chain([&mut queue.base]) {
            // `[defaults.queue]` names one for all others.
            settings.dead_letter.take_if(|to| to.queue == *name);
            if let Some(to) = &mut settings.dead_letter {
                Arc::make_mut(to).defaults = defaults.get(&to.queue).cloned().unwrap_or_default();
            }
        }
    }
}

/// The tables that may name one, with the queue they are about.
fn tables<'t>(decoder: &mut Decoder<'_>, root: &Table<'t>) -> Vec<(Option<String>, Table<'t>)> {
    let mut all = Vec::new();
    let inner = |decoder: &mut Decoder<'_>, entry: Option<&Entry<'t>>, path: String| {
        let entry = entry.filter(|entry| entry.value.is_table())?;
        decoder.as_table(entry, path)
    };
    let defaults = inner(decoder, root.get("defaults"), "defaults".to_owned());
    let table = defaults.and_then(|t| inner(decoder, t.get("queue"), join(&t.path, "queue")));
    all.extend(table.map(|table| (None, table)));
    let queues = inner(decoder, root.get("queues"), "queues".to_owned());
    for entry in queues.iter().flat_map(|table| &table.entries) {
        let Some(table) = inner(decoder, Some(entry), join("queues", entry.key)) else {
            continue;
        };
        let name = Some(entry.key.to_owned());
        let jobs = inner(decoder, table.get("jobs"), join(&table.path, "jobs"));
        for job in jobs.iter().flat_map(|table| &table.entries) {
            let path = join(&join(&table.path, "jobs"), job.key);
            let table = inner(decoder, Some(job), path);
            all.extend(table.map(|table| (name.clone(), table)));
        }
        all.push((name, table));
    }
    all
}

/// No queue of this name is declared.
pub(super) fn undeclared(to: &str, queues: &BTreeMap<String, Queue>) -> Fault {
    let hint = match nearest(to, queues.keys().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("add {}", join("[queues", to) + "]"),
    };
    let missing = format!("names the queue {to:?}, which is not declared");
    fault(missing, hint)
}

fn check(
    queue: Option<&str>,
    to: &str,
    redis: &Redis,
    queues: &BTreeMap<String, Queue>,
) -> Result<(), Fault> {
    if !queues.contains_key(to) {
        return Err(undeclared(to, queues));
    }
    let Some(queue) = queue else {
        // `[defaults.queue]` is about all of them.
        return match queues.keys().any(|queue| redis.parts(queue, to)) {
            true => Err(super::apart(to, redis)),
            false => Ok(()),
        };
    };
    if redis.parts(queue, to) {
        return Err(super::apart(to, redis));
    }
    if to == queue {
        return Err(fault(
            "is the queue itself: a job that fails there would be added there again",
            "name another queue",
        ));
    }
    let mut way = vec![to];
    if leads_to(queue, &mut way, &mut BTreeSet::new(), queues) {
        return Err(fault(
            format!("leads back to the queue: {queue} → {}", way.join(" → ")),
            "a job that fails everywhere would go round forever",
        ));
    }
    Ok(())
}

/// Whether dead letters of the last queue of the way come to `queue`.
fn leads_to<'q>(
    queue: &str,
    way: &mut Vec<&'q str>,
    seen: &mut BTreeSet<&'q str>,
    queues: &'q BTreeMap<String, Queue>,
) -> bool {
    let Some(&last) = way.last() else {
        return false;
    };
    let Some(found) = queues.get(last).filter(|_| seen.insert(last)) else {
        return false;
    };
    let settings = found.jobs.iter().map(|(_, settings)| settings);
    for settings in settings.chain([&found.base]) {
        let Some(to) = &settings.dead_letter else {
            continue;
        };
        if to.queue == last {
            continue;
        }
        way.push(&to.queue);
        if to.queue == queue || leads_to(queue, way, seen, queues) {
            return true;
        }
        way.pop();
    }
    false
}
