//! What SQLite's errors mean.

use std::path::Path;

use rusqlite::ffi;

use crate::call;
use crate::error::{Error, Kind, hidden};
use crate::value::Value;

/// Why a call failed.
pub(super) struct Refused {
    pub(super) error: Error,
    /// Another connection has the lock.
    pub(super) busy: bool,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { error, busy: false }
    }
}

/// The kind of a result code (`sqlite.org/rescode.html`): the low byte of an extended one.
fn kind(code: i32) -> Kind {
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => Kind::Conflict,
        ffi::SQLITE_CONSTRAINT => Kind::Constraint,
        ffi::SQLITE_READONLY | ffi::SQLITE_AUTH | ffi::SQLITE_PERM => Kind::Denied,
        ffi::SQLITE_INTERRUPT => Kind::Timeout,
        ffi::SQLITE_TOOBIG => Kind::Limit,
        ffi::SQLITE_CANTOPEN => Kind::Unavailable,
        ffi::SQLITE_ERROR | ffi::SQLITE_MISMATCH | ffi::SQLITE_RANGE => Kind::Invalid,
        _ => Kind::Failed,
    }
}

pub(super) fn refused(error: &rusqlite::Error, parameters: &[Value]) -> Refused {
    let busy = error.sqlite_error_code() == Some(ffi::ErrorCode::DatabaseBusy);
    Refused {
        error: self::error(error, parameters),
        busy,
    }
}

pub(super) fn error(error: &rusqlite::Error, parameters: &[Value]) -> Error {
    let (inner, message, offset) = match error {
        rusqlite::Error::SqliteFailure(inner, message) => {
            let message = message.clone().unwrap_or_else(|| inner.to_string());
            (inner, message, -1)
        }
        rusqlite::Error::SqlInputError {
            error, msg, offset, ..
        } => (error, msg.clone(), *offset),
        rusqlite::Error::MultipleStatement => {
            return Error::invalid("it is more than one statement: hand each over by itself");
        }
        rusqlite::Error::NulError(_) => {
            return Error::invalid("the statement has a NUL in it, which SQLite cannot take");
        }
        other => return Error::invalid(other.to_string()),
    };
    let kind = kind(inner.extended_code);
    // `UNIQUE constraint failed: table.column`, `CHECK constraint failed: name`.
    let constraint = message.split_once(" constraint failed: ");
    let constraint = constraint.map(|(_, name)| name.to_owned());
    let message = match (kind, inner.extended_code) {
        (Kind::Timeout, _) => call::timeout().message,
        (Kind::Conflict, _) => {
            "another connection held the lock until the time was over: nothing was changed"
                .to_owned()
        }
        (_, ffi::SQLITE_CONSTRAINT_TRIGGER) => {
            "a trigger raised an error, whose text may hold values".to_owned()
        }
        _ => hidden(&message, parameters),
    };
    Error {
        code: Some(inner.extended_code.to_string()),
        constraint,
        position: u32::try_from(offset).ok(),
        ..Error::new(kind, message)
    }
}

/// A file that could not be opened.
pub(super) fn opening(error: &rusqlite::Error, file: &Path) -> Error {
    let code = error.sqlite_error().map(|it| it.extended_code);
    let missing = match file.exists() {
        true => "",
        false => ", it does not exist; with mode=rwc in its URL it is made",
    };
    let why = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    // SQLite names the file after its own words.
    let why = why.split_once(": ").map_or(&*why, |(why, _)| why);
    Error {
        code: code.map(|code| code.to_string()),
        ..Error::new(
            Kind::Unavailable,
            format!("{}: {why}{missing}", file.display()),
        )
    }
}
