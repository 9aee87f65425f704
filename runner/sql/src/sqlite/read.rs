//! Values of SQLite, by what each is: a column's type says little.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::refused;
use crate::error::Error;
use crate::value::{Column, Scalar, Value};

/// The values of a row, and how many bytes they have.
pub(super) fn row(row: &Row<'_>, columns: &[Column]) -> Result<(Vec<Value>, usize), Error> {
    let mut values = Vec::with_capacity(columns.len());
    let mut bytes = 0;
    for (index, column) in columns.iter().enumerate() {
        let raw = row
            .get_ref(index)
            .map_err(|error| refused::error(&error, &[]))?;
        let value = Value::Scalar(match raw {
            ValueRef::Null => Scalar::Null,
            ValueRef::Integer(value) => Scalar::Integer(value),
            ValueRef::Real(value) => Scalar::Float(value),
            ValueRef::Blob(bytes) => Scalar::Bytes(bytes.to_owned()),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Scalar::Text(text.to_owned()),
                Err(_) => {
                    let name = &column.name;
                    return Err(Error::invalid(format!(
                        "column \"{name}\" has text that is not UTF-8: cast it to blob"
                    )));
                }
            },
        });
        bytes += value.bytes();
        values.push(value);
    }
    Ok((values, bytes))
}
