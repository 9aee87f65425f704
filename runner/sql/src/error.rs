//! Why there is no result: what kind of error it is, and a message without values.

use std::fmt;

use crate::value::Value;

/// What kind of error it is, which says what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not granted, or only for reading.
    Denied,
    /// The statement or a value is wrong.
    Invalid,
    /// A unique key, a foreign key, a check or `not null` forbids it.
    Constraint,
    /// Another number of rows than the statement expects. Nothing was changed.
    Expectation,
    /// It met another transaction. A retry helps.
    Conflict,
    /// More rows, bytes, statements or parameters than may be.
    Limit,
    /// It took longer than it may. Nothing was changed.
    Timeout,
    /// The database is not there, has no connection left, or closed this one. Nothing was
    /// changed. A retry helps.
    Unavailable,
    /// The connection broke while a change was being committed.
    Uncertain,
    /// The database failed in another way.
    Failed,
}

impl Kind {
    /// Whether the same call can succeed later by itself.
    pub fn retryable(self) -> bool {
        matches!(self, Kind::Conflict | Kind::Timeout | Kind::Unavailable)
    }
}

/// Why there is no result. It holds no value of a parameter or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What helps.
    pub kind: Kind,
    /// The SQLSTATE, or the extended result code of SQLite; `None` if the error is not the
    /// database's.
    pub code: Option<String>,
    /// The constraint that forbids it, where the database names it.
    pub constraint: Option<String>,
    /// The index of the statement in its transaction.
    pub statement: Option<u32>,
    /// Byte of the statement's text at which the error is, from 0.
    pub position: Option<u32>,
    /// What went wrong, for people.
    pub message: String,
}

impl Error {
    /// One that is not the database's own.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error {
            kind,
            code: None,
            constraint: None,
            statement: None,
            position: None,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, message)
    }

    /// As an error of the database of this name.
    pub(crate) fn of(mut self, database: &str) -> Error {
        self.message = format!("{database}: {}", self.message);
        self
    }

    /// As an error of this statement of a transaction.
    pub(crate) fn at(mut self, statement: usize) -> Error {
        self.statement = u32::try_from(statement).ok();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A message without the parameters that it quotes.
pub(crate) fn hidden(message: &str, parameters: &[Value]) -> String {
    let mut out = message.to_owned();
    for quote in ['"', '\''] {
        let (Some(from), Some(to)) = (out.find(quote), out.rfind(quote)) else {
            continue;
        };
        if quotes_one(&out, quote, parameters) {
            out = format!("{}{quote}…{quote}{}", &out[..from], &out[to + 1..]);
        }
    }
    out
}

/// Whether a parameter stands between two quotes of a message, the outermost ones too.
fn quotes_one(message: &str, quote: char, parameters: &[Value]) -> bool {
    let outermost = message
        .split_once(quote)
        .and_then(|(_, rest)| rest.rsplit_once(quote));
    let whole = outermost.map_or("", |(whole, _)| whole);
    let mut pieces = message.split(quote).skip(1).step_by(2).chain([whole]);
    pieces.any(|piece| {
        let mut texts = parameters
            .iter()
            .flat_map(Value::scalars)
            .filter_map(|it| it.text());
        !piece.is_empty() && texts.any(|text| text.contains(piece))
    })
}
