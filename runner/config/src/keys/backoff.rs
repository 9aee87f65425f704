//! `[backoff.<name>]`

use std::sync::LazyLock;
use std::time::Duration;

use toml::de::DeValue;

use super::job::backoff_kind;
use super::{Keys, Kind, kind};
use crate::value::{self, Fault, Raw, fault};
use crate::{BackoffKind, LONGEST_WAIT, Strategy};
use runner_text::units;

pub(crate) static STRATEGY: LazyLock<Keys<Strategy>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let shape = Kind::new("word", backoff_kind, |kind: &BackoffKind| {
            kind.name().to_owned()
        });
        keys.value("type", shape.quoted(), |of| &mut of.kind).help(
            "\"fixed\"",
            "`fixed`: the same wait each time. `exponential`: doubled each time.",
        );
        keys.value("delay", kind::duration(), |of| &mut of.delay)
            .help("\"5s\"", "The wait, or the first of the doubling ones.");
        keys.value(
            "max",
            kind::duration_of("duration, up to 30 days", longest),
            |of| &mut of.max,
        )
        .help("\"10m\"", "No wait is longer.");
        let waits = Kind::new(
            "list of durations",
            waits,
            |waits: &Vec<Duration>| match waits[..] {
                [] => "none".to_owned(),
                _ => {
                    let each = waits.iter().map(|wait| units::duration(*wait));
                    each.collect::<Vec<_>>().join(", ")
                }
            },
        );
        keys.value("waits", waits, |of| &mut of.waits).help(
            "[\"1s\", \"30s\", \"10m\"]",
            "The waits one by one, instead of `type` and `delay`; the last holds for all further attempts.",
        );
        let share = Kind::new("share, 0 to 1", value::share, f64::to_string);
        keys.value("jitter", share, |of| &mut of.jitter).help(
            "0.5",
            "Which share of each wait is random, so that jobs that failed together do not return together.",
        );
    })
});

fn longest(raw: Raw<'_>) -> Result<Duration, Fault> {
    let longest = value::duration_above_zero(raw)?;
    match longest > LONGEST_WAIT {
        true => Err(raw.is_not("a duration of up to 30 days", "write \"1h\"")),
        false => Ok(longest),
    }
}

fn waits(raw: Raw<'_>) -> Result<Vec<Duration>, Fault> {
    let hint = "write [\"1s\", \"30s\", \"10m\"]";
    let Raw::Toml(DeValue::Array(items)) = raw else {
        return Err(raw.is_not("a list of durations", hint));
    };
    if items.is_empty() {
        return Err(fault("is empty", hint));
    }
    let waits = items.iter();
    let waits = waits.map(|item| value::duration(Raw::Toml(item.get_ref())));
    waits.collect()
}
