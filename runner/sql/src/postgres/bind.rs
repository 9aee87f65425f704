//! Parameters as Postgres takes them: text, of which it knows the type, and bytes as they
//! are.

use std::error::Error as StdError;
use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use crate::error::Error;
use crate::value::{Scalar, Value};

/// Check what the server would misread or refuse less clearly.
pub(super) fn check(parameters: &[Value], types: &[Type]) -> Result<(), Error> {
    if parameters.len() != types.len() {
        let (given, wanted) = (parameters.len(), types.len());
        return Err(Error::invalid(format!(
            "the statement has {wanted} parameters, and {given} are given"
        )));
    }
    for (number, (value, kind)) in (1..).zip(parameters.iter().zip(types)) {
        let wrong = |is: &str| {
            let kind = kind.name();
            Error::invalid(format!(
                "parameter ${number} is {is}, and the statement wants {kind} there"
            ))
        };
        let element = match value {
            Value::Scalar(_) => kind == &Type::BYTEA,
            Value::Array(_) => kind == &Type::BYTEA_ARRAY,
        };
        for scalar in value.scalars() {
            match scalar {
                Scalar::Bytes(_) if !element => return Err(wrong("bytes")),
                Scalar::Text(_) if element => return Err(wrong("text")),
                _ => {}
            }
            if scalar.text().is_some_and(|text| text.contains('\0')) {
                return Err(Error::invalid(format!(
                    "parameter ${number} has a NUL in its text, which Postgres cannot store: send \
                     bytes to a column of bytea"
                )));
            }
        }
    }
    Ok(())
}

/// A value on its way.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Value::Scalar(Scalar::Null) => return Ok(IsNull::Yes),
            Value::Scalar(Scalar::Bytes(bytes)) => out.put_slice(bytes),
            Value::Scalar(scalar) => out.put_slice(text(scalar).as_bytes()),
            Value::Array(elements) => out.put_slice(array(elements).as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.0 {
            Value::Scalar(Scalar::Bytes(_)) => Format::Binary,
            _ => Format::Text,
        }
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.to_sql(kind, out)
    }
}

/// A scalar as Postgres reads it. Null is none, and is not asked for.
fn text(scalar: &Scalar) -> std::borrow::Cow<'_, str> {
    match scalar {
        Scalar::Boolean(value) => value.to_string().into(),
        Scalar::Integer(value) => value.to_string().into(),
        Scalar::Float(value) if value.is_infinite() => match *value > 0.0 {
            true => "Infinity".into(),
            false => "-Infinity".into(),
        },
        // The shortest form that reads as the same number.
        Scalar::Float(value) => format!("{value:e}").into(),
        Scalar::Bytes(bytes) => {
            let mut hex = String::with_capacity(2 + bytes.len() * 2);
            hex.push_str("\\x");
            for byte in bytes {
                let _ = write!(hex, "{byte:02x}");
            }
            hex.into()
        }
        other => other.text().unwrap_or_default().into(),
    }
}

/// An array as Postgres reads it, with every element in quotes.
fn array(elements: &[Scalar]) -> String {
    let mut out = String::from("{");
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if *element == Scalar::Null {
            out.push_str("NULL");
            continue;
        }
        out.push('"');
        for it in text(element).chars() {
            if matches!(it, '"' | '\\') {
                out.push('\\');
            }
            out.push(it);
        }
        out.push('"');
    }
    out.push('}');
    out
}
