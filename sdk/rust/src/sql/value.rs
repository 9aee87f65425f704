//! Values of fields and parameters.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::bindings::runner::plugin::sql as wit;

/// A value of a field or a parameter. Rust's own types convert into it; for types that
/// Rust has not there are functions: [`decimal`], [`uuid`], [`date`], [`timestamptz`], …
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's null, of any type.
    Null,
    /// `boolean`. SQLite has integers instead.
    Boolean(bool),
    /// An integer of up to 64 bits.
    Integer(i64),
    /// `real` and `double precision`.
    Float(f64),
    /// An exact decimal as text, `12.340`; also integers beyond 64 bits, `NaN`, and
    /// `Infinity` in Postgres.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// JSON text.
    Json(String),
    /// `123e4567-e89b-12d3-a456-426614174000`.
    Uuid(String),
    /// `2026-11-28`.
    Date(String),
    /// `23:59:59.123456`.
    Time(String),
    /// A date and time without zone, `2026-11-28T23:59:59.123456`.
    Timestamp(String),
    /// A point in time, in UTC: `2026-11-28T23:59:59.123456Z`.
    Timestamptz(String),
    /// A value of another type, as text in the database's own form: an enum, an
    /// interval, a network address.
    Other(String),
    /// An array of Postgres with one dimension.
    Array(Vec<Value>),
}

/// An exact decimal, such as `12.340`.
pub fn decimal(text: impl Into<String>) -> Value {
    Value::Decimal(text.into())
}

/// A UUID in its usual form.
pub fn uuid(text: impl Into<String>) -> Value {
    Value::Uuid(text.into())
}

/// A date, `2026-11-28`.
pub fn date(text: impl Into<String>) -> Value {
    Value::Date(text.into())
}

/// A time of day, `23:59:59.123456`.
pub fn time(text: impl Into<String>) -> Value {
    Value::Time(text.into())
}

/// A date and time without zone, `2026-11-28T23:59:59.123456`.
pub fn timestamp(text: impl Into<String>) -> Value {
    Value::Timestamp(text.into())
}

/// A point in time, in UTC: `2026-11-28T23:59:59.123456Z`. A `SystemTime` converts into
/// one, too.
pub fn timestamptz(text: impl Into<String>) -> Value {
    Value::Timestamptz(text.into())
}

/// A value of which the database finds out the type: an enum, an interval, an address.
pub fn other(text: impl Into<String>) -> Value {
    Value::Other(text.into())
}

/// An array of Postgres: `where id = any($1)`.
pub fn array<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Array(values.into_iter().map(Into::into).collect())
}

/// JSON made of a value.
///
/// # Errors
/// When the value cannot be written as JSON, such as a map whose keys are no text.
pub fn json(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    serde_json::to_string(value).map(Value::Json)
}

macro_rules! from {
    ($($source:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $made
            }
        })*
    };
}

from! {
    bool => |value| Value::Boolean(value);
    i8 => |value| Value::Integer(value.into());
    i16 => |value| Value::Integer(value.into());
    i32 => |value| Value::Integer(value.into());
    i64 => |value| Value::Integer(value);
    u8 => |value| Value::Integer(value.into());
    u16 => |value| Value::Integer(value.into());
    u32 => |value| Value::Integer(value.into());
    f32 => |value| Value::Float(value.into());
    f64 => |value| Value::Float(value);
    &str => |value| Value::Text(value.into());
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    &[u8] => |value| Value::Bytes(value.into());
    Vec<u8> => |value| Value::Bytes(value);
    serde_json::Value => |value| Value::Json(value.to_string());
    &serde_json::Value => |value| Value::Json(value.to_string());
    SystemTime => |value| Value::Timestamptz(instant(value));
}

/// Beyond 63 bits it is an exact decimal.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Value::Decimal(value.to_string()), Value::Integer)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// `2026-11-28T23:59:59.123456Z`, rounded down to the microseconds that databases keep.
fn instant(time: SystemTime) -> String {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_micros()).unwrap_or(i128::MAX),
        Err(error) => {
            -i128::try_from(error.duration().as_nanos().div_ceil(1000)).unwrap_or(i128::MAX)
        }
    };
    const DAY: i128 = 86_400_000_000;
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

/// The date so many days after 1970-01-01, in the Gregorian calendar. Years are counted
/// from March, so that the leap day is the last of its year; 400 years have 146097 days.
fn civil(days: i128) -> (i128, i128, i128) {
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // March to January have 153 days in five months.
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + i128::from(month <= 2), month, day)
}

impl From<Value> for wit::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(values) => wit::Value::Array(values.into_iter().map(scalar).collect()),
            value => wit::Value::Scalar(scalar(value)),
        }
    }
}

/// An array in an array has no form of its own; the database says so.
fn scalar(value: Value) -> wit::Scalar {
    match value {
        Value::Null => wit::Scalar::Null,
        Value::Boolean(value) => wit::Scalar::Boolean(value),
        Value::Integer(value) => wit::Scalar::Integer(value),
        Value::Float(value) => wit::Scalar::Float(value),
        Value::Decimal(value) => wit::Scalar::Numeric(value),
        Value::Text(value) => wit::Scalar::Text(value),
        Value::Bytes(value) => wit::Scalar::Bytes(value),
        Value::Json(value) => wit::Scalar::Json(value),
        Value::Uuid(value) => wit::Scalar::Uuid(value),
        Value::Date(value) => wit::Scalar::Date(value),
        Value::Time(value) => wit::Scalar::Time(value),
        Value::Timestamp(value) => wit::Scalar::Timestamp(value),
        Value::Timestamptz(value) => wit::Scalar::Timestamptz(value),
        Value::Other(value) => wit::Scalar::Other(value),
        Value::Array(values) => wit::Scalar::Other(format!("{values:?}")),
    }
}

impl From<wit::Value> for Value {
    fn from(value: wit::Value) -> Self {
        match value {
            wit::Value::Scalar(value) => value.into(),
            wit::Value::Array(values) => Value::Array(values.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<wit::Scalar> for Value {
    fn from(value: wit::Scalar) -> Self {
        match value {
            wit::Scalar::Null => Value::Null,
            wit::Scalar::Boolean(value) => Value::Boolean(value),
            wit::Scalar::Integer(value) => Value::Integer(value),
            wit::Scalar::Float(value) => Value::Float(value),
            wit::Scalar::Numeric(value) => Value::Decimal(value),
            wit::Scalar::Text(value) => Value::Text(value),
            wit::Scalar::Bytes(value) => Value::Bytes(value),
            wit::Scalar::Json(value) => Value::Json(value),
            wit::Scalar::Uuid(value) => Value::Uuid(value),
            wit::Scalar::Date(value) => Value::Date(value),
            wit::Scalar::Time(value) => Value::Time(value),
            wit::Scalar::Timestamp(value) => Value::Timestamp(value),
            wit::Scalar::Timestamptz(value) => Value::Timestamptz(value),
            wit::Scalar::Other(value) => Value::Other(value),
        }
    }
}
