//! The databases of a case: what they answer, and what they are expected to be asked.

use runner_sql::{Column, Kind, Rows, Scalar, Value as Field};
use serde::Deserialize;
use serde_json::{Value, json};

use super::within::within;
use crate::config::Pattern;
use crate::host::{Answer, Asked};

/// What a statement returns, or the error it meets. Each is given once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    /// By the name that the plugin has for it; any by default.
    database: Option<String>,
    /// Its text; `*` stands for any characters.
    statement: String,
    /// The names of the columns, where rows are lists or there is none.
    columns: Option<Vec<String>>,
    /// The rows: tables by column, or lists.
    #[serde(default)]
    rows: Vec<Value>,
    /// How many rows were changed; as many as are returned by default.
    affected: Option<u64>,
    /// Fail so instead: `constraint`, `conflict`, `unavailable`, …
    error: Option<Failure>,
}

/// The kinds of errors, as wit/runner/sql.wit has them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Failure {
    Denied,
    Invalid,
    Constraint,
    Expectation,
    Conflict,
    Limit,
    Timeout,
    Unavailable,
    Uncertain,
    Failed,
}

/// A statement that is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    /// In which database.
    database: Option<String>,
    /// Its text; `*` stands for any characters.
    statement: Option<String>,
    /// Its parameters, in their order. A number is written as such, all other values but
    /// true and false as text.
    parameters: Option<Vec<Value>>,
}

impl Reply {
    /// As the host gives it.
    pub(super) fn answer(&self) -> Answer {
        Answer {
            database: self.database.clone(),
            text: Pattern(self.statement.clone()),
            result: match self.error {
                Some(error) => Err(kind(error)),
                None => Ok(self.result()),
            },
        }
    }

    fn result(&self) -> Rows {
        let mut columns = self.columns.clone().unwrap_or_default();
        let keys = self.rows.iter().filter_map(Value::as_object);
        for key in keys.flat_map(|row| row.keys()) {
            if self.columns.is_none() && !columns.contains(key) {
                columns.push(key.clone());
            }
        }
        let row = |row: &Value| match row {
            Value::Array(fields) => fields.iter().map(field).collect(),
            // A column that a row leaves out is null there.
            table => columns.iter().map(|name| field(&table[name])).collect(),
        };
        let rows: Vec<Vec<Field>> = self.rows.iter().map(row).collect();
        Rows {
            affected: self.affected.unwrap_or(rows.len() as u64),
            columns: columns
                .iter()
                .map(|name| Column {
                    name: name.clone(),
                    kind: String::new(),
                })
                .collect(),
            rows,
        }
    }
}

fn kind(of: Failure) -> Kind {
    match of {
        Failure::Denied => Kind::Denied,
        Failure::Invalid => Kind::Invalid,
        Failure::Constraint => Kind::Constraint,
        Failure::Expectation => Kind::Expectation,
        Failure::Conflict => Kind::Conflict,
        Failure::Limit => Kind::Limit,
        Failure::Timeout => Kind::Timeout,
        Failure::Unavailable => Kind::Unavailable,
        Failure::Uncertain => Kind::Uncertain,
        Failure::Failed => Kind::Failed,
    }
}

/// A value of a case: as TOML has it, or with its type, `{ numeric = "12.30" }`.
fn field(of: &Value) -> Field {
    match of {
        Value::Array(all) => Field::Array(all.iter().map(scalar).collect()),
        one => Field::Scalar(scalar(one)),
    }
}

fn scalar(of: &Value) -> Scalar {
    match of {
        Value::Null | Value::Array(_) => Scalar::Null,
        Value::Bool(of) => Scalar::Boolean(*of),
        Value::Number(of) => match of.as_i64() {
            Some(of) => Scalar::Integer(of),
            None => Scalar::Float(of.as_f64().unwrap_or_default()),
        },
        Value::String(of) => Scalar::Text(of.clone()),
        Value::Object(of) => {
            let (kind, value) = of.iter().next().unzip();
            let text = match value {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            typed(kind.map_or("", String::as_str), text)
        }
    }
}

fn typed(kind: &str, text: String) -> Scalar {
    match kind {
        "numeric" => Scalar::Numeric(text),
        "bytes" => Scalar::Bytes(text.into_bytes()),
        "json" => Scalar::Json(text),
        "uuid" => Scalar::Uuid(text),
        "date" => Scalar::Date(text),
        "time" => Scalar::Time(text),
        "timestamp" => Scalar::Timestamp(text),
        "timestamptz" => Scalar::Timestamptz(text),
        "other" => Scalar::Other(text),
        _ => Scalar::Text(text),
    }
}

/// What was asked beside what was expected.
pub(super) fn compare(expected: &[Statement], asked: &[Asked], found: &mut Vec<String>) {
    if expected.len() != asked.len() {
        let all: Vec<&str> = asked.iter().map(|of| of.statement.text.as_str()).collect();
        found.push(format!(
            "statements: expected {}, found {}: {}",
            expected.len(),
            all.len(),
            all.join("; ")
        ));
        return;
    }
    for (at, (expected, asked)) in expected.iter().zip(asked).enumerate() {
        let place = format!("statements[{at}]");
        let (database, text) = (&asked.database, &asked.statement.text);
        if let Some(wanted) = &expected.database
            && wanted != database
        {
            found.push(format!(
                "{place}.database: expected {wanted:?}, found {database:?}"
            ));
        }
        if let Some(wanted) = &expected.statement
            && !Pattern(wanted.clone()).matches(text)
        {
            found.push(format!(
                "{place}.statement: expected {wanted:?}, found {text:?}"
            ));
        }
        if let Some(wanted) = &expected.parameters {
            let is: Value = asked.statement.parameters.iter().map(shown).collect();
            let wanted = Value::from(wanted.clone());
            within(&format!("{place}.parameters"), &wanted, &is, found);
        }
    }
}

fn shown(of: &Field) -> Value {
    match of {
        Field::Scalar(of) => one(of),
        Field::Array(all) => all.iter().map(one).collect(),
    }
}

fn one(of: &Scalar) -> Value {
    match of {
        Scalar::Null => Value::Null,
        Scalar::Boolean(of) => json!(of),
        Scalar::Integer(of) => json!(of),
        Scalar::Float(of) => json!(of),
        Scalar::Bytes(of) => json!(String::from_utf8_lossy(of)),
        Scalar::Numeric(of)
        | Scalar::Text(of)
        | Scalar::Json(of)
        | Scalar::Uuid(of)
        | Scalar::Date(of)
        | Scalar::Time(of)
        | Scalar::Timestamp(of)
        | Scalar::Timestamptz(of)
        | Scalar::Other(of) => json!(of),
    }
}
