//! Values of arguments that several commands take, and how each is read from text.
//!
//! For the commands; it knows the types that arguments become and nothing else.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::{Backoff, BackoffKind, Limiter};
use crate::queue::State;

/// A parser that takes the names of these states.
pub(super) fn one_of(
    states: impl IntoIterator<Item = State>,
) -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(states.into_iter().map(State::name))
        .map(|name| name.parse().expect("one of the possible values"))
}

/// A bound to set, or `none` to lift it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<T>(pub(super) Option<T>);

impl<T> Bound<T> {
    fn read(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Bound<T>> {
        match text {
            "none" => Some(Bound(None)),
            _ => read(text).map(|bound| Bound(Some(bound))),
        }
    }
}

/// A number of jobs: `10`.
impl FromStr for Bound<u64> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Bound::read(text, |text| text.parse().ok().filter(|jobs| *jobs > 0))
            .ok_or("write a number, at least 1, or none; to stop a queue, use runner queue pause")
    }
}

/// Jobs in a time: `100/10s`.
impl FromStr for Bound<Limiter> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limiter = |text: &str| {
            let (max, duration) = text.split_once('/')?;
            let max = max.parse().ok().filter(|max| *max > 0)?;
            let duration = humantime::parse_duration(duration).ok()?;
            (duration.as_millis() > 0).then_some(Limiter { max, duration })
        };
        Bound::read(text, limiter).ok_or("write a number of jobs and a time, like 100/10s, or none")
    }
}

/// The wait between attempts: `fixed:1s`.
pub(super) fn backoff(text: &str) -> Result<Backoff, String> {
    let wrong = || format!("{text:?} is not a backoff: write fixed:1s or exponential:1s");
    let (kind, delay) = text.split_once(':').ok_or_else(wrong)?;
    let kind = match kind {
        "fixed" => BackoffKind::Fixed,
        "exponential" => BackoffKind::Exponential,
        _ => return Err(wrong()),
    };
    let delay = humantime::parse_duration(delay).map_err(|_| wrong())?;
    Ok(Backoff {
        kind,
        delay,
        jitter: 0.0,
    })
}
