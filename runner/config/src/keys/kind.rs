//! The kinds of values that keys have: how one is called, read and shown.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::value::{self, Fault, Raw};
use runner_text::units;

type Read<V> = Box<dyn Fn(Raw<'_>) -> Result<V, Fault> + Send + Sync>;

/// A kind of values of the type `V`.
pub(crate) struct Kind<V> {
    /// For people: `count, from 1`.
    pub(super) unit: String,
    pub(super) read: Read<V>,
    pub(super) show: Box<dyn Fn(&V) -> String + Send + Sync>,
    /// Whether TOML writes it in quotes.
    pub(super) quoted: bool,
}

impl<V: 'static> Kind<V> {
    pub(super) fn new(
        unit: impl Into<String>,
        read: impl Fn(Raw<'_>) -> Result<V, Fault> + Send + Sync + 'static,
        show: impl Fn(&V) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            unit: unit.into(),
            read: Box::new(read),
            show: Box::new(show),
            quoted: false,
        }
    }

    pub(super) fn quoted(self) -> Self {
        Self {
            quoted: true,
            ..self
        }
    }

    /// One that need not be there.
    pub(super) fn optional(self) -> Kind<Option<V>> {
        let Self {
            unit, read, show, ..
        } = self;
        Kind::new(
            unit,
            move |raw| read(raw).map(Some),
            move |value| value.as_ref().map_or("none".to_owned(), &show),
        )
    }
}

pub(super) fn text() -> Kind<String> {
    Kind::new("text", value::text, String::clone).quoted()
}

pub(super) fn path() -> Kind<PathBuf> {
    let read = |raw: Raw<'_>| value::text(raw).map(PathBuf::from);
    Kind::new("path", read, |path| path.display().to_string()).quoted()
}

pub(super) fn boolean() -> Kind<bool> {
    Kind::new("true, false", value::boolean, bool::to_string)
}

pub(super) fn count<N: TryFrom<u32> + Display + 'static>() -> Kind<N> {
    Kind::new(
        "count",
        |raw| fitting(raw, value::count(raw)?),
        N::to_string,
    )
}

pub(super) fn from_one<N: TryFrom<u32> + Display + 'static>() -> Kind<N> {
    let read = |raw: Raw<'_>| fitting(raw, value::at_least_one(raw)?);
    Kind::new("count, from 1", read, N::to_string)
}

/// Every number that is used here holds 32 bits.
fn fitting<N: TryFrom<u32>>(raw: Raw<'_>, number: u32) -> Result<N, Fault> {
    N::try_from(number).map_err(|_| raw.is_not("a smaller number", "write less"))
}

/// How many at once.
pub(super) fn positive() -> Kind<NonZeroUsize> {
    Kind::new("count, from 1", value::positive, NonZeroUsize::to_string)
}

/// More than zero.
pub(super) fn duration() -> Kind<Duration> {
    duration_of("duration", value::duration_above_zero)
}

pub(super) fn duration_of(
    unit: &str,
    read: fn(Raw<'_>) -> Result<Duration, Fault>,
) -> Kind<Duration> {
    Kind::new(unit, read, |time| units::duration(*time)).quoted()
}

/// Up to this many bytes.
pub(super) fn size(max: usize) -> Kind<usize> {
    let unit = format!("size, up to {}", units::size(max as u64));
    Kind::new(
        unit,
        move |raw| value::size(raw, max),
        |bytes| units::size(*bytes as u64),
    )
    .quoted()
}
