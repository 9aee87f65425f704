//! What goes to a database and what comes back, as `wit/runner/sql.wit` has it.

/// A value of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// SQL's null, of any type.
    Null,
    /// `boolean`. MySQL and SQLite have integers instead.
    Boolean(bool),
    /// An integer of up to 64 bits.
    Integer(i64),
    /// `real` and `double precision`.
    Float(f64),
    /// An exact decimal as text with its scale, an integer beyond 64 bits, `NaN` or
    /// `Infinity`.
    Numeric(String),
    /// Text.
    Text(String),
    /// `bytea`, `blob`, `binary`.
    Bytes(Vec<u8>),
    /// JSON, as the database has it.
    Json(String),
    /// `123e4567-e89b-12d3-a456-426614174000`.
    Uuid(String),
    /// `2026-11-28`, in Postgres also `infinity` and `0044-03-15 BC`.
    Date(String),
    /// `23:59:59.123456`, in Postgres up to `24:00:00`.
    Time(String),
    /// A date and time without zone, `2026-11-28T23:59:59.123456`.
    Timestamp(String),
    /// A point in time in UTC, `2026-11-28T23:59:59.123456Z`.
    Timestamptz(String),
    /// A value of another type, as text in the database's own form.
    Other(String),
}

impl Scalar {
    /// How many bytes of content it holds.
    fn bytes(&self) -> usize {
        match self {
            Scalar::Null => 0,
            Scalar::Boolean(_) => 1,
            Scalar::Integer(_) | Scalar::Float(_) => 8,
            Scalar::Bytes(bytes) => bytes.len(),
            Scalar::Numeric(text)
            | Scalar::Text(text)
            | Scalar::Json(text)
            | Scalar::Uuid(text)
            | Scalar::Date(text)
            | Scalar::Time(text)
            | Scalar::Timestamp(text)
            | Scalar::Timestamptz(text)
            | Scalar::Other(text) => text.len(),
        }
    }

    /// Its text, if text is what it is.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Scalar::Null
            | Scalar::Boolean(_)
            | Scalar::Integer(_)
            | Scalar::Float(_)
            | Scalar::Bytes(_) => None,
            Scalar::Numeric(text)
            | Scalar::Text(text)
            | Scalar::Json(text)
            | Scalar::Uuid(text)
            | Scalar::Date(text)
            | Scalar::Time(text)
            | Scalar::Timestamp(text)
            | Scalar::Timestamptz(text)
            | Scalar::Other(text) => Some(text),
        }
    }
}

/// A value: one, or an array of Postgres with one dimension.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One value.
    Scalar(Scalar),
    /// An array, whose elements have one type or are null.
    Array(Vec<Scalar>),
}

impl Value {
    /// Its scalars: itself, or its elements.
    pub(crate) fn scalars(&self) -> &[Scalar] {
        match self {
            Value::Scalar(scalar) => std::slice::from_ref(scalar),
            Value::Array(elements) => elements,
        }
    }

    /// How many bytes of content it holds.
    pub fn bytes(&self) -> usize {
        self.scalars().iter().map(Scalar::bytes).sum()
    }
}

/// A statement with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text, with the database's own placeholders.
    pub text: String,
    /// The values of its placeholders, in their order.
    pub parameters: Vec<Value>,
    /// How many rows it must return or change; `None`: any number.
    pub expect: Option<u64>,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the statement has it.
    pub name: String,
    /// Its type by the database's own name; empty where that has none.
    pub kind: String,
}

/// What a statement returned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The columns; none for a statement that returns no rows.
    pub columns: Vec<Column>,
    /// The rows in the order in which they came, each with a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// How many rows were returned or changed.
    pub affected: u64,
}

/// How statements are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One statement, with its rows.
    Query,
    /// One statement, whose rows are counted and dropped.
    Execute,
    /// All or none of them, with their rows.
    Transaction,
}
