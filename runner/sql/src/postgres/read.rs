//! Values in Postgres' binary form.

use std::error::Error as StdError;
use std::net::{Ipv4Addr, Ipv6Addr};

use postgres_protocol::types as wire;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::{moment, numeric};
use crate::error::Error;
use crate::value::{Scalar, Value};

/// The values of a row.
pub(super) fn row(row: &Row) -> Result<Vec<Value>, Error> {
    let field = |index: usize| {
        let column = &row.columns()[index];
        let unread = || {
            Error::invalid(format!(
                "column \"{}\" has the type {}, which cannot be read: cast it to text",
                column.name(),
                column.type_().name()
            ))
        };
        row.try_get::<_, Field>(index)
            .map(|it| it.0)
            .map_err(|_| unread())
    };
    (0..row.len()).map(field).collect()
}

struct Field(Value);

impl<'a> FromSql<'a> for Field {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Field, Box<dyn StdError + Sync + Send>> {
        value(kind, raw)
            .map(Field)
            .ok_or_else(|| "another form".into())
    }

    fn from_sql_null(_: &Type) -> Result<Field, Box<dyn StdError + Sync + Send>> {
        Ok(Field(Value::Scalar(Scalar::Null)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn value(kind: &Type, raw: &[u8]) -> Option<Value> {
    // These are written as arrays, but are none.
    if let (Kind::Array(element), false) = (
        kind.kind(),
        kind == &Type::INT2_VECTOR || kind == &Type::OID_VECTOR,
    ) {
        return array(element, raw).map(Value::Array);
    }
    scalar(kind, raw).map(Value::Scalar)
}

/// An array: its dimensions, and each element with its length. With more than one dimension
/// it is refused.
fn array(element: &Type, raw: &[u8]) -> Option<Vec<Scalar>> {
    use fallible_iterator::FallibleIterator;
    let array = wire::array_from_sql(raw).ok()?;
    if array.dimensions().count().ok()? > 1 {
        return None;
    }
    let mut out = Vec::new();
    let mut values = array.values();
    while let Some(raw) = values.next().ok()? {
        out.push(match raw {
            None => Scalar::Null,
            Some(raw) => scalar(element, raw)?,
        });
    }
    Some(out)
}

// Long because Postgres has many types.
/// One value that is no array; `None` if it cannot be read.
fn scalar(kind: &Type, raw: &[u8]) -> Option<Scalar> {
    let text = || std::str::from_utf8(raw).ok().map(str::to_owned);
    if matches!(kind.kind(), Kind::Enum(_)) {
        return text().map(Scalar::Other);
    }
    if let Kind::Domain(base) = kind.kind() {
        return scalar(base, raw);
    }
    let i64 = || raw.try_into().ok().map(i64::from_be_bytes);
    let i32 = || raw.try_into().ok().map(i32::from_be_bytes);
    Some(match *kind {
        Type::BOOL => Scalar::Boolean(*raw.first()? != 0),
        Type::INT2 => Scalar::Integer(i16::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT4 => Scalar::Integer(i32()?.into()),
        Type::INT8 => Scalar::Integer(i64()?),
        Type::OID | Type::XID | Type::CID => {
            Scalar::Integer(u32::from_be_bytes(raw.try_into().ok()?).into())
        }
        Type::FLOAT4 => Scalar::Float(f32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::FLOAT8 => Scalar::Float(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => Scalar::Numeric(numeric::text(raw)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            Scalar::Text(text()?)
        }
        Type::XML => Scalar::Other(text()?),
        Type::CHAR => Scalar::Text(char::from(*raw.first()?).to_string()),
        Type::BYTEA => Scalar::Bytes(raw.to_owned()),
        Type::JSON => Scalar::Json(text()?),
        // A version, which is 1, and the text.
        Type::JSONB => match raw.split_first()? {
            (1, json) => Scalar::Json(std::str::from_utf8(json).ok()?.to_owned()),
            _ => return None,
        },
        Type::UUID => Scalar::Uuid(uuid(raw.try_into().ok()?)),
        Type::DATE => Scalar::Date(moment::date(i32()?)),
        Type::TIME => Scalar::Time(moment::time(i64()?)),
        Type::TIMESTAMP => Scalar::Timestamp(moment::timestamp(i64()?, "")),
        Type::TIMESTAMPTZ => Scalar::Timestamptz(moment::timestamp(i64()?, "Z")),
        Type::TIMETZ => {
            let (time, west) = raw.split_first_chunk()?;
            let west = west.try_into().ok().map(i32::from_be_bytes)?;
            Scalar::Other(moment::timetz(i64::from_be_bytes(*time), west))
        }
        Type::INTERVAL => {
            let (time, rest) = raw.split_first_chunk()?;
            let (days, months) = rest.split_first_chunk()?;
            let months = months.try_into().ok().map(i32::from_be_bytes)?;
            let time = i64::from_be_bytes(*time);
            Scalar::Other(moment::interval(time, i32::from_be_bytes(*days), months))
        }
        Type::INET | Type::CIDR => Scalar::Other(network(raw)?),
        Type::MACADDR | Type::MACADDR8 => {
            let parts: Vec<_> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            Scalar::Other(parts.join(":"))
        }
        Type::BIT | Type::VARBIT => Scalar::Other(bits(raw)?),
        // What a function returns that returns nothing.
        Type::VOID => Scalar::Null,
        // An extension's type has no number of its own.
        _ if kind.name() == "citext" => Scalar::Text(text()?),
        _ => return None,
    })
}

/// Its text, in five groups.
fn uuid(raw: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (index, byte) in raw.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// A network address: its family, bits, whether it is a network, and its bytes.
fn network(raw: &[u8]) -> Option<String> {
    let [_, bits, cidr, size, address @ ..] = raw else {
        return None;
    };
    let (address, most) = match size {
        4 => (
            Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).to_string(),
            32,
        ),
        16 => (
            Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).to_string(),
            128,
        ),
        _ => return None,
    };
    match *cidr == 0 && *bits == most {
        true => Some(address),
        false => Some(format!("{address}/{bits}")),
    }
}

/// Bits: how many, and the bytes that hold them.
fn bits(raw: &[u8]) -> Option<String> {
    let (count, bytes) = raw.split_first_chunk()?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
    let all = bytes.iter().map(|byte| format!("{byte:08b}"));
    let all: String = all.collect();
    all.get(..count).map(str::to_owned)
}
