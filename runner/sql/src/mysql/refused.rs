//! What MySQL's and MariaDB's errors mean. Their messages quote values; ours do not.

use sqlx::mysql::MySqlDatabaseError;

use crate::call::{self, Call};
use crate::error::{Error, Kind, hidden};
use crate::value::Value;

/// The kind of an error, by its number (MySQL's "Server Error Message Reference" and
/// MariaDB's list), or else by its SQLSTATE.
fn kind(number: u16, state: &str) -> Kind {
    match number {
        // A lock that was not to be had, with `nowait` too; deadlock; changed meanwhile.
        1205 | 1213 | 3572 | 3101 | 1020 => Kind::Conflict,
        // Duplicates, null, foreign keys, checks, no default for what must not be null.
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1586 | 3819
        | 4025 => Kind::Constraint,
        // No privilege; reading only, by the server or the transaction.
        1044 | 1142 | 1143 | 1227 | 1290 | 1370 | 1792 | 1836 => Kind::Denied,
        // Stopped; `max_statement_time` of MariaDB and MySQL.
        1317 | 1969 | 3024 => Kind::Timeout,
        // A packet, a row or a statement that is too large.
        1105 | 1114 | 1153 | 1301 => Kind::Limit,
        // Too many connections, shutting down, ended.
        1040 | 1045 | 1049 | 1053 | 1077 | 1129 | 1130 | 1184 | 1203 | 1226 | 1927 | 3169 => {
            Kind::Unavailable
        }
        // Words of the database's owner.
        1644 => Kind::Failed,
        _ => match state.get(..2).unwrap_or_default() {
            "08" => Kind::Unavailable,
            "23" => Kind::Constraint,
            "40" => Kind::Conflict,
            "0A" | "21" | "22" | "42" => Kind::Invalid,
            // Most errors have no state of their own: wrong values and words.
            "HY" if (1054..=1411).contains(&number) => Kind::Invalid,
            _ => Kind::Failed,
        },
    }
}

/// An error of a statement.
pub(super) fn error(call: &Call, error: &sqlx::Error, parameters: &[Value]) -> Error {
    let Some(server) = server(error) else {
        return match error {
            sqlx::Error::Io(cause) => call.broken(&cause.to_string()),
            other => call.broken(&other.to_string()),
        };
    };
    let (number, state) = (server.number(), server.code().unwrap_or_default());
    let kind = kind(number, state);
    let message = match (kind, number) {
        (Kind::Timeout, _) => call::timeout().message,
        (_, 1644) => {
            "a procedure or trigger signalled an error, whose text may hold values".to_owned()
        }
        _ => without_values(server.message(), number, parameters),
    };
    Error {
        code: Some(state.to_owned()),
        constraint: constraint(server.message(), number),
        ..Error::new(kind, message)
    }
}

/// A connection that could not be opened.
pub(super) fn opening(error: &sqlx::Error) -> Error {
    let why = match (server(error), error) {
        (Some(server), _) => server.message().to_owned(),
        (None, sqlx::Error::Io(cause)) => cause.to_string(),
        (None, sqlx::Error::Tls(cause)) => cause.to_string(),
        (None, other) => other.to_string(),
    };
    let code = server(error).and_then(|it| it.code().map(str::to_owned));
    Error {
        code,
        ..Error::new(Kind::Unavailable, format!("cannot connect: {why}"))
    }
}

fn server(error: &sqlx::Error) -> Option<&MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The constraint that a message names.
fn constraint(message: &str, number: u16) -> Option<String> {
    let between = |from: &str, to: char| {
        let (_, rest) = message.rsplit_once(from)?;
        rest.split(to).next().map(str::to_owned)
    };
    match number {
        1022 | 1062 | 1169 | 1586 => between("for key '", '\''),
        1216 | 1217 | 1451 | 1452 | 4025 => between("CONSTRAINT `", '`'),
        3819 => between("Check constraint '", '\''),
        _ => None,
    }
}

/// A message without values. Of these, the first words in quotes are one.
fn without_values(message: &str, number: u16, parameters: &[Value]) -> String {
    let quoting = matches!(
        number,
        1062 | 1292 | 1366 | 1367 | 1411 | 1525 | 1586 | 1690 | 1918
    );
    let from = message.find('\'');
    let to = message.rfind("' for ").or_else(|| message.rfind('\''));
    match from.zip(to) {
        Some((from, to)) if quoting && from < to => {
            format!("{}'…'{}", &message[..from], &message[to + 1..])
        }
        _ => hidden(message, parameters),
    }
}
