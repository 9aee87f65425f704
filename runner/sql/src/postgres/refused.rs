//! What Postgres' errors mean. Its messages quote values; ours do not.

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::call::{self, Call};
use crate::error::{Error, Kind, hidden};
use crate::value::Value;

/// Why a statement failed, and whether it only has to be prepared again.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) stale: bool,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault {
            error,
            stale: false,
        }
    }
}

/// The kind of a SQLSTATE (appendix A of Postgres' manual): whole codes before their class.
pub(crate) fn kind(code: &str) -> Kind {
    match code {
        // Deadlock, serialization, a lock with `nowait` or `lock_timeout`.
        "40001" | "40P01" | "55P03" | "40002" => Kind::Conflict,
        // A view's check option.
        "44000" => Kind::Constraint,
        // No privilege; read only.
        "42501" | "25006" => Kind::Denied,
        "57014" | "25P04" => Kind::Timeout,
        // Shutting down, crashed, starting, ended for being idle; too many connections.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Kind::Unavailable,
        "40003" => Kind::Uncertain,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "28" => Kind::Unavailable,
            "23" => Kind::Constraint,
            "0A" | "21" | "22" | "25" | "26" | "2B" | "2D" | "34" | "3D" | "3F" | "42" | "54"
            | "55" => Kind::Invalid,
            _ => Kind::Failed,
        },
    }
}

/// An error of the statement of this index.
pub(super) fn fault(call: &Call, index: usize, error: &tokio_postgres::Error) -> Fault {
    let Some(database) = error.as_db_error() else {
        return call.at(index, lost(call, error)).into();
    };
    let (statement, _) = &call.statements[index];
    // A plan that no longer fits, a statement that a pooler has put elsewhere.
    let stale = database.routine() == Some("RevalidateCachedQuery")
        || matches!(database.code().code(), "26000");
    let mut fault = Fault::from(call.at(index, of(database, &statement.parameters)));
    fault.error.position = match database.position() {
        Some(ErrorPosition::Original(character)) => position(&statement.text, *character),
        _ => None,
    };
    fault.stale = stale;
    fault
}

/// An error of the commit.
pub(super) fn ending(call: &Call, error: &tokio_postgres::Error) -> Fault {
    match error.as_db_error() {
        Some(database) => of(database, &[]).into(),
        None => lost(call, error).into(),
    }
}

/// A connection that could not be opened.
pub(super) fn opening(error: &tokio_postgres::Error) -> Error {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        why = error.to_string();
        cause = error.source();
    }
    if let Some(database) = error.as_db_error() {
        why = database.message().to_owned();
    }
    let code = error.as_db_error().map(|it| it.code().code().to_owned());
    Error {
        code,
        ..Error::new(Kind::Unavailable, format!("cannot connect: {why}"))
    }
}

/// An error that is not the server's.
fn lost(call: &Call, error: &tokio_postgres::Error) -> Error {
    match std::error::Error::source(error) {
        Some(cause) => call.broken(&cause.to_string()),
        None => call.broken(&error.to_string()),
    }
}

fn of(database: &DbError, parameters: &[Value]) -> Error {
    let code = database.code().code();
    let kind = kind(code);
    let message = match (kind, database.routine()) {
        (Kind::Timeout, _) => call::timeout().message,
        // Words of the database's owner, with whatever they put in.
        (_, Some("exec_stmt_raise")) => {
            "a function or trigger raised an exception, whose text may hold values: the log of \
             the database has it"
                .to_owned()
        }
        _ => without_values(database.message(), code, parameters),
    };
    Error {
        code: Some(code.to_owned()),
        constraint: database.constraint().map(str::to_owned),
        ..Error::new(kind, message)
    }
}

/// A message without values. Those of class 22 quote what cannot be read, others may quote
/// a parameter.
fn without_values(message: &str, code: &str, parameters: &[Value]) -> String {
    let quotes = message.find('"').zip(message.rfind('"'));
    if let (true, Some((from, to))) = (code.starts_with("22"), quotes) {
        return format!("{}\"…\"{}", &message[..from], &message[to + 1..]);
    }
    hidden(message, parameters)
}

/// The byte of a text at which its character of this number is, from 1.
fn position(text: &str, character: u32) -> Option<u32> {
    let index = usize::try_from(character.checked_sub(1)?).ok()?;
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.nth(index).and_then(|at| u32::try_from(at).ok())
}
