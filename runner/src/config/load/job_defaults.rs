//! Options of jobs that are added through Runner.

use crate::config::decode::{Decoder, Table};
use crate::config::keys;
use crate::config::origins::join;
use crate::config::value::{self, Fault, Raw};
use crate::config::{Backoff, BackoffKind, JobDefaults, Keep};

/// Redis strings end at 512 MiB (`proto-max-bulk-len`).
pub(super) const LARGEST_STRING: usize = 512 << 20;

/// `[defaults.job]`, `[queues.<name>.defaults]`, and these keys of a schedule.
pub(super) fn job_defaults(
    decoder: &mut Decoder<'_>,
    table: Option<&Table<'_>>,
    path: &str,
    from: &str,
    wider: &JobDefaults,
) -> JobDefaults {
    let mut defaults = wider.clone();
    if let Some(table) = table {
        let attempts = decoder.value(table, "attempts", value::at_least_one);
        defaults.attempts = attempts.or(defaults.attempts);
        let backoff = decoder.table(table, "backoff", keys::BACKOFF);
        let backoff = backoff.and_then(|table| backoff_table(decoder, &table));
        defaults.backoff = backoff.or(defaults.backoff);
        let completed = keep(decoder, table, "remove_on_complete");
        defaults.remove_on_complete = completed.or(defaults.remove_on_complete);
        let failed = keep(decoder, table, "remove_on_fail");
        defaults.remove_on_fail = failed.or(defaults.remove_on_fail);
        let size = |raw: Raw<'_>| value::size(raw, LARGEST_STRING).map(|bytes| bytes as u64);
        let size_limit = decoder.value(table, "size_limit", size);
        defaults.size_limit = size_limit.or(defaults.size_limit);
    }
    if !from.is_empty() {
        for key in keys::JOB_DEFAULTS {
            decoder.origins.inherit(&join(path, key), &join(from, key));
        }
    }
    defaults
}

fn backoff_table(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<Backoff> {
    let kind = decoder.value(table, "type", backoff_kind);
    let delay = decoder.value(table, "delay", value::duration);
    let jitter = decoder.value(table, "jitter", value::share);
    decoder.both(table, "type", "delay");
    decoder.whole(table);
    Some(Backoff {
        kind: kind?,
        delay: delay?,
        jitter: jitter.unwrap_or(0.0),
    })
}

/// `fixed` or `exponential`, BullMQ's built-in strategies.
pub(super) fn backoff_kind(raw: Raw<'_>) -> Result<BackoffKind, Fault> {
    match value::word(raw, &["fixed", "exponential"])? {
        "fixed" => Ok(BackoffKind::Fixed),
        _ => Ok(BackoffKind::Exponential),
    }
}

/// As BullMQ: `true` removes at once, `false` keeps all, a number keeps so many.
fn keep(decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str) -> Option<Keep> {
    let entry = table.get(key)?;
    if entry.value.is_table() {
        let table = decoder.table(table, key, keys::KEEP)?;
        let age = decoder.value(&table, "age", value::seconds);
        let count = decoder.value(&table, "count", value::count).map(u64::from);
        let limit = decoder.value(&table, "limit", value::at_least_one);
        decoder.whole(&table);
        return Some(Keep {
            age,
            count,
            limit: limit.map(u64::from),
        });
    }
    decoder.value(table, key, |raw| {
        if let Ok(remove) = value::boolean(raw) {
            return Ok(Keep {
                count: remove.then_some(0),
                ..Keep::default()
            });
        }
        let count = value::count(raw).map_err(|_| {
            raw.is_not(
                "a number, true, false or a table",
                "write 100, or { age = \"24h\", count = 1000 }",
            )
        })?;
        Ok(Keep {
            count: Some(count.into()),
            ..Keep::default()
        })
    })
}
