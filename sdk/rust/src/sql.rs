//! Statements for the databases that were granted to the plugin.
//!
//! ```toml
//! [plugins.billing.sql]
//! main = "env:DATABASE_URL"
//! ```
//!
//! ```no_run
//! use runner_sdk::sql::{self, params};
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     id: i64,
//!     /// An exact decimal, as text.
//!     total: String,
//!     paid_at: Option<String>,
//! }
//!
//! # fn handle(customer: i64) -> runner_sdk::Result {
//! let invoices: Vec<Invoice> = sql::query(
//!     "main",
//!     "select id, total, paid_at from invoices where customer = $1",
//!     params![customer],
//! )?
//! .into()?;
//!
//! sql::transaction("main")
//!     .add("update stock set count = count - 1 where sku = $1", params!["B-7"])
//!     .expect(1)
//!     .add("insert into orders (customer, sku) values ($1, $2)", params![customer, "B-7"])
//!     .commit()?;
//! # Ok(()) }
//! ```
//!
//! The placeholders are the database's own: `$1` in Postgres, `?` in MySQL and SQLite.
//!
//! With `?` an [`Error`] ends the attempt as it deserves: what may work later is
//! retried, and what cannot is rejected; see [`Kind`].

use std::time::Duration;

use crate::bindings::runner::plugin::sql as wit;
use crate::{Failure, host, millis, reject, retry};

mod row;
mod value;

pub use crate::params;
pub use row::Rows;
pub use value::{Value, array, date, decimal, json, other, time, timestamp, timestamptz, uuid};

/// The parameters of a statement: anything that converts into a [`Value`], in the order
/// of the placeholders.
///
/// ```
/// use runner_sdk::sql::{self, params};
///
/// let note: Option<&str> = None;
/// let parameters = params![7, "Ada", note, sql::decimal("12.50")];
/// assert_eq!(parameters[2], sql::Value::Null);
/// ```
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        <[_]>::into_vec(::std::boxed::Box::new([$($crate::sql::Value::from($value)),*]))
    };
}

/// Run a statement and read all its rows. A change is committed before it returns.
///
/// # Errors
/// Any [`Error`] but those of [`Kind::Content`].
pub fn query(
    database: &str,
    text: impl Into<String>,
    parameters: Vec<Value>,
) -> Result<Rows, Error> {
    statement(text, parameters).query(database)
}

/// Run a statement for its effect, and return how many rows it changed.
///
/// # Errors
/// Any [`Error`] but those of [`Kind::Content`].
pub fn execute(
    database: &str,
    text: impl Into<String>,
    parameters: Vec<Value>,
) -> Result<u64, Error> {
    statement(text, parameters).execute(database)
}

/// A statement with a timeout or an expected number of rows.
pub fn statement(text: impl Into<String>, parameters: Vec<Value>) -> Statement {
    Statement {
        wit: wit::Statement {
            text: text.into(),
            parameters: parameters.into_iter().map(Into::into).collect(),
            expect: None,
        },
        timeout: None,
    }
}

/// Several statements of which all take effect or none does.
pub fn transaction(database: impl Into<String>) -> Transaction {
    Transaction {
        database: database.into(),
        statements: Vec::new(),
        timeout: None,
    }
}

/// A statement; [`Statement::query`] or [`Statement::execute`] runs it.
#[derive(Debug, Clone)]
#[must_use = "the statement is run by `query` or `execute`"]
pub struct Statement {
    wit: wit::Statement,
    timeout: Option<Duration>,
}

impl Statement {
    /// How many rows it must return or change. With another number the error is
    /// [`Kind::Expectation`], and nothing is changed.
    pub fn expect(mut self, rows: u64) -> Self {
        self.wit.expect = Some(rows);
        self
    }

    /// A limit narrower than the grant's own.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Run it and read all its rows.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`Kind::Content`].
    pub fn query(self, database: &str) -> Result<Rows, Error> {
        let timeout = self.timeout.map(short);
        let rows = host::sql::query(database, &self.wit, timeout)?;
        Ok(Rows::new(rows))
    }

    /// Run it for its effect, and return how many rows it changed.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`Kind::Content`].
    pub fn execute(self, database: &str) -> Result<u64, Error> {
        let timeout = self.timeout.map(short);
        let changed = host::sql::execute(database, &self.wit, timeout)?;
        Ok(changed)
    }
}

/// Statements in the order in which they run; [`Transaction::commit`] runs them.
#[derive(Debug, Clone)]
#[must_use = "the transaction is run by `commit`"]
pub struct Transaction {
    database: String,
    statements: Vec<wit::Statement>,
    timeout: Option<Duration>,
}

impl Transaction {
    /// Add a statement.
    pub fn add(mut self, text: impl Into<String>, parameters: Vec<Value>) -> Self {
        self.statements.push(statement(text, parameters).wit);
        self
    }

    /// How many rows the statement added last must return or change. With another
    /// number the error is [`Kind::Expectation`], and all statements are undone.
    ///
    /// # Panics
    /// Before the first [`Transaction::add`].
    pub fn expect(mut self, rows: u64) -> Self {
        let last = self.statements.last_mut();
        last.expect("expect() is about a statement: call add() first")
            .expect = Some(rows);
        self
    }

    /// A limit narrower than the grant's own, for all statements together.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Run all statements, and return what each returned.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`Kind::Content`]; its `statement` tells which
    /// statement failed. Nothing is changed then, except for [`Kind::Uncertain`].
    pub fn commit(self) -> Result<Vec<Rows>, Error> {
        let timeout = self.timeout.map(short);
        let results = host::sql::transaction(&self.database, &self.statements, timeout)?;
        Ok(results.into_iter().map(Rows::new).collect())
    }
}

/// Longer than the host's own limit is no limit.
fn short(timeout: Duration) -> u32 {
    u32::try_from(millis(timeout)).unwrap_or(u32::MAX)
}

/// What kind of error it is, and what `?` makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The database is not granted, or only for reading. Rejected.
    Denied,
    /// The statement is wrong, or a value does not fit its type. Rejected.
    Invalid,
    /// A unique key, a foreign key, a check or `not null` forbids it. Often an earlier
    /// attempt has done it already; `on conflict do nothing` lets that pass. Rejected.
    Constraint,
    /// A statement had another number of rows than it expects. Nothing was changed.
    /// Rejected.
    Expectation,
    /// It met another transaction, such as in a deadlock. Retried.
    Conflict,
    /// More rows, bytes, statements or parameters than the grant allows. Rejected.
    Limit,
    /// It took longer than it may. Nothing was changed. Retried.
    Timeout,
    /// The database is not there, or closed the connection. Nothing was changed.
    /// Retried.
    Unavailable,
    /// The connection broke while the change was being committed: it may have been made
    /// or not. Retried, so the statement must bear to be run twice.
    Uncertain,
    /// The database failed in another way, named by the code. Retried.
    Failed,
    /// The rows do not fit the type they were read into. Rejected.
    Content,
}

/// Why there is no result. It holds no value of a parameter or a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// What kind of error it is.
    pub kind: Kind,
    /// The SQLSTATE of Postgres and MySQL, the extended result code of SQLite.
    pub code: Option<String>,
    /// The constraint that forbids it, where the database names it.
    pub constraint: Option<String>,
    /// The index of the statement in its transaction, from 0.
    pub statement: Option<u32>,
    /// Byte of the statement's text at which the error is, from 0, where the database
    /// names it.
    pub position: Option<u32>,
    /// What went wrong, with the name of the database.
    pub message: String,
}

impl Error {
    /// An error of this kind, for [`testing::Host`](crate::testing::Host).
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error {
            kind,
            code: None,
            constraint: None,
            statement: None,
            position: None,
            message: message.into(),
        }
    }

    /// What `?` makes of it.
    pub(crate) fn verdict(&self) -> Failure {
        match self.kind {
            Kind::Conflict | Kind::Timeout | Kind::Unavailable | Kind::Uncertain | Kind::Failed => {
                retry(self)
            }
            Kind::Denied
            | Kind::Invalid
            | Kind::Constraint
            | Kind::Expectation
            | Kind::Limit
            | Kind::Content => reject(self),
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        let kind = match error.kind {
            wit::ErrorKind::Denied => Kind::Denied,
            wit::ErrorKind::Invalid => Kind::Invalid,
            wit::ErrorKind::Constraint => Kind::Constraint,
            wit::ErrorKind::Expectation => Kind::Expectation,
            wit::ErrorKind::Conflict => Kind::Conflict,
            wit::ErrorKind::Limit => Kind::Limit,
            wit::ErrorKind::Timeout => Kind::Timeout,
            wit::ErrorKind::Unavailable => Kind::Unavailable,
            wit::ErrorKind::Uncertain => Kind::Uncertain,
            wit::ErrorKind::Failed => Kind::Failed,
        };
        Error {
            kind,
            code: error.code,
            constraint: error.constraint,
            statement: error.statement,
            position: error.position,
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests;
