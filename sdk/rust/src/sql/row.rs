//! Rows, and how they are read into Rust's types.

use std::io::Cursor;
use std::sync::Arc;

use serde::de::value::{Error as Misfit, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::de::IoRead;

use super::{Error, Kind, Value, wit};

/// What a statement returned.
#[derive(Debug, Clone)]
pub struct Rows {
    columns: Arc<[wit::Column]>,
    rows: Vec<Vec<Value>>,
    affected: u64,
}

impl Rows {
    pub(super) fn new(rows: wit::Rows) -> Self {
        let values = |row: Vec<wit::Value>| row.into_iter().map(Value::from).collect();
        Rows {
            columns: rows.columns.into(),
            rows: rows.rows.into_iter().map(values).collect(),
            affected: rows.affected,
        }
    }

    /// How many rows were returned or changed.
    pub fn affected(&self) -> u64 {
        self.affected
    }

    /// How many rows were returned.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row was returned.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The names of the columns. Two may have one name.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The database's own names of the columns' types, such as `int8`; empty where it has
    /// none.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.kind.as_str())
    }

    /// The values of each row, in the order of the columns.
    pub fn values(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// Each row as a `T`: a struct with a field for each column that it needs, a tuple in
    /// the order of the columns, or with one column the type of that.
    ///
    /// An exact decimal, a date, a time and a UUID are a `String`, JSON is any type that
    /// it fits (a `String` gets its text), and a column that may be null is an `Option`.
    /// Decimals also go into number types, and integers 0 and 1 into `bool`.
    ///
    /// # Errors
    /// [`Kind::Content`] with the row and the column that does not fit.
    pub fn into<T: DeserializeOwned>(self) -> Result<Vec<T>, Error> {
        let columns = self.columns;
        let rows = self.rows.into_iter().enumerate();
        rows.map(|(at, row)| read(&columns, at, row)).collect()
    }

    /// The first row as a `T`, as [`Rows::into`] reads it, if there is one.
    ///
    /// # Errors
    /// [`Kind::Content`] with the column that does not fit.
    pub fn first<T: DeserializeOwned>(self) -> Result<Option<T>, Error> {
        let row = self.rows.into_iter().next();
        row.map(|row| read(&self.columns, 0, row)).transpose()
    }

    /// The only row as a `T`, as [`Rows::into`] reads it.
    ///
    /// # Errors
    /// [`Kind::Expectation`] if there is none or more than one, [`Kind::Content`] with
    /// the column that does not fit.
    pub fn one<T: DeserializeOwned>(self) -> Result<T, Error> {
        let found = self.rows.len();
        match <[Vec<Value>; 1]>::try_from(self.rows) {
            Ok([row]) => read(&self.columns, 0, row),
            Err(_) => Err(Error::new(
                Kind::Expectation,
                format!("one row was expected, and the statement returned {found}"),
            )),
        }
    }
}

fn read<T: DeserializeOwned>(
    columns: &[wit::Column],
    at: usize,
    values: Vec<Value>,
) -> Result<T, Error> {
    serde_path_to_error::deserialize(Row { columns, values }).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            String::new()
        } else {
            format!(", column \"{path}\"")
        };
        let why = error.into_inner();
        let message = format!("row {}{place} does not fit: {why}", at + 1);
        Error::new(Kind::Content, message)
    })
}

/// One row: a map by column, a sequence, or with one column its value.
struct Row<'a> {
    columns: &'a [wit::Column],
    values: Vec<Value>,
}

impl Row<'_> {
    fn alone(self) -> Result<Value, Misfit> {
        let count = self.values.len();
        match <[Value; 1]>::try_from(self.values) {
            Ok([value]) => Ok(value),
            Err(_) => Err(Misfit::custom(format!(
                "a row of {count} columns is no single value"
            ))),
        }
    }
}

macro_rules! alone {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.alone()?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let names = self.columns.iter().map(|column| column.name.clone());
        visitor.visit_map(MapDeserializer::new(names.zip(self.values)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(SeqDeserializer::new(self.values.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.alone()?.deserialize_enum(name, variants, visitor)
    }

    alone! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option
    }

    forward_to_deserialize_any! { i128 u128 unit unit_struct map struct identifier ignored_any }
}

impl IntoDeserializer<'_, Misfit> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// JSON that nothing is borrowed from.
fn owned(text: String) -> serde_json::Deserializer<IoRead<Cursor<String>>> {
    serde_json::Deserializer::from_reader(Cursor::new(text))
}

/// A number that may be written as an exact decimal.
macro_rules! number {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let Value::Decimal(text) = &self else {
                return self.deserialize_any(visitor);
            };
            if let Ok(number) = text.parse() {
                return visitor.visit_i64(number);
            }
            if let Ok(number) = text.parse() {
                return visitor.visit_u64(number);
            }
            self.deserialize_any(visitor)
        })*
    };
}

macro_rules! float {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match &self {
                Value::Decimal(text) => match text.parse() {
                    Ok(number) => visitor.visit_f64(number),
                    Err(_) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

/// Text as it is, also that of JSON.
macro_rules! text {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match self {
                Value::Json(text) => visitor.visit_string(text),
                value => value.deserialize_any(visitor),
            }
        })*
    };
}

/// What has a form in JSON only.
macro_rules! json {
    ($($method:ident($($name:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Misfit> {
            let text = match self {
                Value::Json(text) => text,
                value => return value.deserialize_any(visitor),
            };
            let mut json = owned(text);
            json.$method($($name,)* visitor).map_err(Misfit::custom)
        })*
    };
}

impl<'de> Deserializer<'de> for Value {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Integer(value) => visitor.visit_i64(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value),
            Value::Json(text) => {
                let mut json = owned(text);
                json.deserialize_any(visitor).map_err(Misfit::custom)
            }
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Value::Decimal(text)
            | Value::Text(text)
            | Value::Uuid(text)
            | Value::Date(text)
            | Value::Time(text)
            | Value::Timestamp(text)
            | Value::Timestamptz(text)
            | Value::Other(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    /// MySQL and SQLite have integers for them.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Value::Integer(value @ (0 | 1)) => visitor.visit_bool(value == 1),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self {
            Value::Json(text) => {
                let mut json = owned(text);
                let value = json.deserialize_enum(name, variants, visitor);
                value.map_err(Misfit::custom)
            }
            Value::Text(text) | Value::Other(text) => {
                visitor.visit_enum(IntoDeserializer::<Misfit>::into_deserializer(text))
            }
            value => value.deserialize_any(visitor),
        }
    }

    number! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }
    float! { deserialize_f32 deserialize_f64 }
    text! { deserialize_str deserialize_string deserialize_char }
    json! {
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_tuple_struct(name: &'static str, length: usize)
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct identifier ignored_any }
}
