//! Parameters as MySQL takes them: numbers, and text and bytes as they are.

use sqlx::Arguments;
use sqlx::mysql::MySqlArguments;

use crate::error::Error;
use crate::value::{Scalar, Value};

/// The parameters of a statement that wants so many.
pub(super) fn arguments(parameters: &[Value], wanted: usize) -> Result<MySqlArguments, Error> {
    let given = parameters.len();
    if given != wanted {
        return Err(Error::invalid(format!(
            "the statement has {wanted} parameters, and {given} are given"
        )));
    }
    let mut out = MySqlArguments::default();
    for (number, value) in (1..).zip(parameters) {
        let wrong = |why: &str| Error::invalid(format!("parameter {number} {why}"));
        let Value::Scalar(scalar) = value else {
            return Err(wrong("is an array, which MySQL does not have"));
        };
        let added = match scalar {
            Scalar::Null => out.add(None::<&str>),
            Scalar::Boolean(value) => out.add(i64::from(*value)),
            Scalar::Integer(value) => out.add(*value),
            Scalar::Float(value) if !value.is_finite() => {
                return Err(wrong("is no finite number, and MySQL has no others"));
            }
            Scalar::Float(value) => out.add(*value),
            Scalar::Bytes(bytes) => out.add(&**bytes),
            // The session is in UTC, and MariaDB knows no zone in the text of a time.
            Scalar::Timestamptz(text) => match text.strip_suffix('Z') {
                Some(text) => out.add(text),
                None => return Err(wrong("is a point in time that does not end with Z")),
            },
            other => out.add(other.text().unwrap_or_default()),
        };
        added.map_err(|error| wrong(&error.to_string()))?;
    }
    Ok(out)
}
