//! Values in MySQL's binary protocol ("Binary Protocol Value" in its manual), by the name
//! of their type.

use sqlx::mysql::MySqlRow;
use sqlx::{Column as _, Row, TypeInfo};

use crate::error::Error;
use crate::value::{Scalar, Value};

/// The values of a row, and how many bytes they have.
pub(super) fn row(row: &MySqlRow) -> Result<(Vec<Value>, usize), Error> {
    let mut values = Vec::with_capacity(row.len());
    let mut bytes = 0;
    for (index, column) in row.columns().iter().enumerate() {
        let unread = || {
            let (name, kind) = (column.name(), column.type_info().name());
            Error::invalid(format!(
                "column `{name}` has the type {kind}, which cannot be read: cast it to char"
            ))
        };
        // Nothing but a null has no bytes; sqlx takes a date of zeros for one, too.
        let raw: Option<&[u8]> = row.try_get_unchecked(index).ok();
        let value = match raw {
            None => Scalar::Null,
            Some(raw) => scalar(column.type_info().name(), raw).ok_or_else(unread)?,
        };
        let value = Value::Scalar(value);
        bytes += value.bytes();
        values.push(value);
    }
    Ok((values, bytes))
}

fn scalar(kind: &str, raw: &[u8]) -> Option<Scalar> {
    let text = || std::str::from_utf8(raw).ok().map(str::to_owned);
    Some(match kind {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            Scalar::Integer(match raw.len() {
                1 => i8::from_le_bytes(raw.try_into().ok()?).into(),
                2 => i16::from_le_bytes(raw.try_into().ok()?).into(),
                4 => i32::from_le_bytes(raw.try_into().ok()?).into(),
                _ => i64::from_le_bytes(raw.try_into().ok()?),
            })
        }
        "YEAR" | "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED"
        | "INT UNSIGNED" | "BIGINT UNSIGNED" => unsigned(raw.iter().rev())?,
        // The highest byte comes first.
        "BIT" => unsigned(raw.iter())?,
        "FLOAT" => Scalar::Float(f32::from_le_bytes(raw.try_into().ok()?).into()),
        "DOUBLE" => Scalar::Float(f64::from_le_bytes(raw.try_into().ok()?)),
        "DECIMAL" => Scalar::Numeric(text()?),
        // Their length comes first.
        "DATE" => Scalar::Date(date(raw.get(1..)?)?.0),
        "TIME" => time(raw.get(1..)?)?,
        "DATETIME" => Scalar::Timestamp(timestamp(raw.get(1..)?)?),
        "TIMESTAMP" => Scalar::Timestamptz(timestamp(raw.get(1..)?)? + "Z"),
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => {
            Scalar::Text(text()?)
        }
        "JSON" => Scalar::Json(text()?),
        "ENUM" | "SET" => Scalar::Other(text()?),
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "GEOMETRY" => {
            Scalar::Bytes(raw.to_owned())
        }
        "NULL" => Scalar::Null,
        _ => return None,
    })
}

/// An integer without sign, from its highest byte on.
fn unsigned<'a>(bytes: impl Iterator<Item = &'a u8>) -> Option<Scalar> {
    let mut out: u64 = 0;
    for byte in bytes {
        out = out.checked_mul(256)? + u64::from(*byte);
    }
    Some(match i64::try_from(out) {
        Ok(value) => Scalar::Integer(value),
        Err(_) => Scalar::Numeric(out.to_string()),
    })
}

/// A date, and what follows it. Zeros at the end are left out.
fn date(raw: &[u8]) -> Option<(String, &[u8])> {
    let ([low, high, month, day], rest) = match raw.split_first_chunk() {
        Some((date, rest)) => (*date, rest),
        None if raw.is_empty() => ([0; 4], raw),
        None => return None,
    };
    let year = u16::from_le_bytes([low, high]);
    Some((format!("{year:04}-{month:02}-{day:02}"), rest))
}

/// `.123456`, without zeros at the end.
fn fraction(raw: &[u8]) -> Option<String> {
    let microseconds = match raw.is_empty() {
        true => 0,
        false => u32::from_le_bytes(raw.try_into().ok()?),
    };
    Some(match microseconds {
        0 => String::new(),
        _ => format!(".{microseconds:06}")
            .trim_end_matches('0')
            .to_owned(),
    })
}

fn timestamp(raw: &[u8]) -> Option<String> {
    let (date, rest) = date(raw)?;
    let ([hour, minute, second], rest) = match rest.split_first_chunk() {
        Some((time, rest)) => (*time, rest),
        None => ([0; 3], rest),
    };
    let fraction = fraction(rest)?;
    Some(format!(
        "{date}T{hour:02}:{minute:02}:{second:02}{fraction}"
    ))
}

/// A time of a day; or a span of up to 838 hours, which is no such time.
fn time(raw: &[u8]) -> Option<Scalar> {
    let [negative, days @ .., hours, minutes, seconds] = raw.get(..8).unwrap_or(&[0; 8]) else {
        return None;
    };
    let days = u32::from_le_bytes(days.try_into().ok()?);
    let hours = days.checked_mul(24)?.checked_add(u32::from(*hours))?;
    let fraction = fraction(raw.get(8..).unwrap_or_default())?;
    let time = format!("{hours:02}:{minutes:02}:{seconds:02}{fraction}");
    Some(match (negative, hours) {
        (0, ..24) => Scalar::Time(time),
        (0, _) => Scalar::Other(time),
        _ => Scalar::Other(format!("-{time}")),
    })
}
