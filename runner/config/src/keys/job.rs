//! `[defaults.job]` and `[queues.<name>.defaults]`, keys that schedules have, too.

use std::sync::LazyLock;
use std::time::Duration;

use super::{Keys, Kind, kind};
use crate::decode::{Decoder, Table};
use crate::value::{self, Fault, LARGEST_STRING, Raw};
use crate::{Backoff, BackoffKind, JobDefaults, Keep};
use runner_text::units;

pub(crate) static JOB_DEFAULTS: LazyLock<Keys<JobDefaults>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("attempts", kind::from_one().optional(), |job| {
            &mut job.attempts
        })
        .default("`1`")
        .help("3", "Attempts in all: 3 attempts are 2 retries.");
        keys.table("backoff", "table, see below", backoff, |job| {
            Some(job.backoff.map_or("none".to_owned(), show_backoff))
        })
        .help(
            "{ type = \"exponential\", delay = \"2s\" }",
            "The wait between attempts. Without it a failed job is tried again at once.",
        );
        keys.table(
            "remove_on_complete",
            "count, table or true, false",
            |decoder, table, job| keep(decoder, table, "remove_on_complete", true, &mut job.remove_on_complete),
            |job| Some(show_keep(job.remove_on_complete)),
        )
        .default("`false`")
        .help(
            "100",
            "Which completed jobs are kept: a number keeps the newest, a table limits age and number (see below), `true` keeps none, `false` all.",
        );
        keys.table(
            "remove_on_fail",
            "count, table or true, false",
            |decoder, table, job| {
                keep(
                    decoder,
                    table,
                    "remove_on_fail",
                    true,
                    &mut job.remove_on_fail,
                )
            },
            |job| Some(show_keep(job.remove_on_fail)),
        )
        .default("`false`")
        .help("{ age = \"7d\" }", "The same for failed jobs.");
        let unit = format!("size, up to {}", units::size(LARGEST_STRING as u64));
        let read = |raw: Raw<'_>| value::size(raw, LARGEST_STRING).map(|bytes| bytes as u64);
        let size = Kind::new(unit, read, |bytes| units::size(*bytes));
        keys.value("size_limit", size.optional(), |job| &mut job.size_limit)
            .help(
                "\"64KiB\"",
                "A job with a larger payload is not added (BullMQ's `sizeLimit`).",
            );
    })
});

/// `backoff`
pub(crate) static BACKOFF: LazyLock<Keys<Backoff>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let shape = Kind::new("word", backoff_kind, |kind: &BackoffKind| {
            kind.name().to_owned()
        });
        keys.value("type", shape, |backoff| &mut backoff.kind)
            .default("required")
            .help(
                "\"exponential\"",
                "`fixed`, or `exponential`: doubled after each retry.",
            );
        let delay = kind::duration_of("duration", value::duration);
        keys.value("delay", delay, |backoff| &mut backoff.delay)
            .default("required")
            .help(
                "\"1s\"",
                "The wait, or the first wait of a series that doubles.",
            );
        let share = Kind::new("0 to 1", value::share, f64::to_string);
        keys.value("jitter", share, |backoff| &mut backoff.jitter).help(
            "0.2",
            "Which share of the wait is random, so that jobs that failed together do not return together.",
        );
    })
});

/// `remove_on_complete`, `remove_on_fail`
pub(crate) static KEEP: LazyLock<Keys<Keep>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let age = Kind::new("duration in whole seconds", value::seconds, |seconds| {
            units::duration(Duration::from_secs(*seconds))
        });
        keys.value("age", age.optional(), |keep| &mut keep.age)
            .default("any age")
            .help(
                "\"24h\"",
                "Older jobs are removed when another job ends in the same state: failed jobs when one fails, not when one completes.",
            );
        keys.value("count", kind::count().optional(), |keep| &mut keep.count)
            .default("all")
            .help("1000", "How many of the newest jobs are kept.");
        keys.value("limit", kind::from_one().optional(), |keep| &mut keep.limit)
            .default("`1000`")
            .help(
                "100",
                "How many jobs at most are removed at once because of their age.",
            );
    })
});

fn backoff(decoder: &mut Decoder<'_>, table: &Table<'_>, into: &mut JobDefaults) {
    let Some(table) = decoder.table(table, "backoff", BACKOFF.names()) else {
        return;
    };
    let backoff = into.backoff.insert(Backoff::default());
    BACKOFF.read(decoder, &table, backoff);
    decoder.both(&table, "type", "delay");
    decoder.whole(&table);
}

/// `fixed` or `exponential`, BullMQ's built-in strategies.
pub(crate) fn backoff_kind(raw: Raw<'_>) -> Result<BackoffKind, Fault> {
    match value::word(raw, &["fixed", "exponential"])? {
        "fixed" => Ok(BackoffKind::Fixed),
        _ => Ok(BackoffKind::Exponential),
    }
}

fn show_backoff(backoff: Backoff) -> String {
    let jitter = match backoff.jitter {
        0.0 => String::new(),
        share => format!(", jitter {share}"),
    };
    let (kind, delay) = (backoff.kind.name(), units::duration(backoff.delay));
    format!("{kind} {delay}{jitter}")
}

/// As in BullMQ a number keeps the newest. Of `true` and `false`, one removes at once and
/// the other keeps all: `removes` is the first.
pub(super) fn keep(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    key: &str,
    removes: bool,
    into: &mut Option<Keep>,
) {
    if table.get(key).is_some_and(|entry| entry.value.is_table()) {
        if let Some(table) = decoder.table(table, key, KEEP.names()) {
            KEEP.read(decoder, &table, into.insert(Keep::default()));
            decoder.whole(&table);
        }
        return;
    }
    let count = decoder.value(table, key, |raw| {
        if let Ok(word) = value::boolean(raw) {
            return Ok((word == removes).then_some(0));
        }
        let hint = "write 100, or { age = \"24h\", count = 1000 }";
        let count = value::count(raw);
        count
            .map(|count| Some(count.into()))
            .map_err(|_| raw.is_not("a number, true, false or a table", hint))
    });
    if let Some(count) = count {
        *into = Some(Keep {
            count,
            ..Keep::default()
        });
    }
}

pub(super) fn show_keep(keep: Option<Keep>) -> String {
    let Keep { age, count, limit } = keep.unwrap_or_default();
    let age = age.map(|seconds| units::duration(Duration::from_secs(seconds)));
    let kept = match (count, age) {
        (Some(0), _) => "keep none".to_owned(),
        (None, None) => "keep all".to_owned(),
        (Some(count), None) => format!("keep the last {count}"),
        (None, Some(age)) => format!("keep for {age}"),
        (Some(count), Some(age)) => format!("keep the last {count}, for {age}"),
    };
    match limit {
        Some(limit) => format!("{kept}, at most {limit} removed at once"),
        None => kept,
    }
}
