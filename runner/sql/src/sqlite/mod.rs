//! SQLite, by rusqlite. Its calls block, so they run on threads that may.
//!
//! A change takes the lock at its beginning, where nothing has been done yet: who does not
//! get it tries again until its time is over.

mod read;
mod refused;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, OpenFlags};

use self::refused::Refused;
use crate::call::Call;
use crate::error::{Error, Kind};
use crate::limits::Meter;
use crate::settings::Settings;
use crate::value::{Column, How, Rows, Scalar, Value};

/// How long SQLite waits for a lock before we look whether the call is over.
const BUSY: Duration = Duration::from_millis(10);
/// After how many steps of its machine it is looked whether the call is over: some
/// microseconds.
const STEPS: i32 = 1000;
/// Room for the text of a statement beside the values of a row.
const TEXT: usize = 1024 * 1024;
/// How many statements stay prepared on a connection.
const STATEMENTS: usize = 128;

/// Opens connections to one file.
pub(crate) struct Opener {
    file: PathBuf,
    create: bool,
    readonly: bool,
    /// The longest value or text, in bytes.
    longest: i32,
}

impl Opener {
    pub(crate) fn new(settings: &Settings) -> Result<Opener, Error> {
        let url = settings.url.split_once(':').map_or("", |(_, rest)| rest);
        let (file, query) = url.split_once('?').unwrap_or((url, ""));
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file.starts_with(":memory:") {
            return Err(Error::invalid(
                "its URL names no file: write sqlite:path/to/file.db",
            ));
        }
        let mut create = false;
        let mut readonly = settings.readonly;
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            match parameter {
                "mode=rwc" => create = true,
                "mode=rw" => {}
                "mode=ro" => readonly = true,
                _ => {
                    return Err(Error::invalid(
                        "the URL of SQLite may have mode=ro, mode=rw or mode=rwc, and nothing else",
                    ));
                }
            }
        }
        Ok(Opener {
            file: PathBuf::from(file),
            create,
            readonly,
            longest: i32::try_from(settings.max_bytes.saturating_add(TEXT)).unwrap_or(i32::MAX),
        })
    }

    pub(crate) async fn open(&self) -> Result<Sqlite, Error> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= match self.readonly {
            true => OpenFlags::SQLITE_OPEN_READ_ONLY,
            false => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        if self.create && !self.readonly {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let (file, readonly, longest) = (self.file.clone(), self.readonly, self.longest);
        let opened = blocking(move || {
            let connection = rusqlite::Connection::open_with_flags(file, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
            connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if readonly {
                connection.pragma_update(None, "query_only", true)?;
            } else {
                // Readers and a writer do not wait for each other. Another may be changing
                // it to the same at this moment.
                let _ = connection.pragma_update(None, "journal_mode", "wal");
            }
            Ok(connection)
        });
        let connection = opened
            .await?
            .map_err(|error| refused::opening(&error, &self.file))?;
        Ok(Sqlite {
            connection: Arc::new(Mutex::new(connection)),
            dirty: false,
        })
    }
}

/// Run on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(Kind::Failed, error.to_string()))
}

/// A connection.
pub(crate) struct Sqlite {
    connection: Arc<Mutex<rusqlite::Connection>>,
    /// A call may have left something, as a temporary table.
    dirty: bool,
}

impl Sqlite {
    /// Whether nothing is left on it. A new connection costs less than looking.
    pub(crate) fn cleaned(&self) -> bool {
        !self.dirty
    }

    pub(crate) async fn run(&mut self, call: &Arc<Call>) -> Result<Vec<Rows>, Error> {
        self.dirty |= call.statements.iter().any(|(_, look)| !look.plain);
        let (connection, call) = (self.connection.clone(), call.clone());
        blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let watched = call.clone();
            let watch = connection.progress_handler(STEPS, Some(move || watched.over()));
            watch.map_err(|error| refused::error(&error, &[]))?;
            loop {
                match attempt(&connection, &call) {
                    // Nothing has been done yet.
                    Err(refused) if refused.busy && !call.over() => {}
                    done => return done.map_err(|refused| refused.error),
                }
            }
        })
        .await?
    }
}

/// Run all statements once; with the first that fails, undo all.
fn attempt(connection: &rusqlite::Connection, call: &Call) -> Result<Vec<Rows>, Refused> {
    let reads = call.readonly || call.statements.iter().all(|(_, look)| look.reads);
    let begin = match (reads, call.statements.len()) {
        (true, 1) => None,
        (true, _) => Some("begin"),
        (false, _) => Some("begin immediate"),
    };
    let told = |error: rusqlite::Error| refused::refused(&error, &[]);
    if let Some(begin) = begin {
        connection.execute_batch(begin).map_err(told)?;
    }
    let done = all(connection, call);
    if begin.is_none() {
        return done;
    }
    let done = done.and_then(|rows| {
        connection.execute_batch("commit").map_err(told)?;
        Ok(rows)
    });
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("rollback").map_err(told)?;
    }
    done
}

fn all(connection: &rusqlite::Connection, call: &Call) -> Result<Vec<Rows>, Refused> {
    let meter = Meter::new(call.limits);
    let mut all = Vec::with_capacity(call.statements.len());
    for index in 0..call.statements.len() {
        let rows = one(connection, call, index, &meter)?;
        call.expected(index, rows.affected)?;
        all.push(rows);
    }
    Ok(all)
}

fn one(
    connection: &rusqlite::Connection,
    call: &Call,
    index: usize,
    meter: &Meter,
) -> Result<Rows, Refused> {
    let (statement, look) = &call.statements[index];
    let told = |error: rusqlite::Error| {
        let mut refused = refused::refused(&error, &statement.parameters);
        refused.error = call.at(index, refused.error);
        refused
    };
    let mut prepared = connection.prepare_cached(&statement.text).map_err(told)?;
    bind(&mut prepared, &statement.parameters).map_err(|error| call.at(index, error))?;
    let mut out = Rows {
        columns: columns(&prepared),
        ..Rows::default()
    };
    let count = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut returned = 0;
    while let Some(row) = rows.next().map_err(told)? {
        returned += 1;
        if call.how == How::Execute {
            continue;
        }
        let (values, bytes) =
            read::row(row, &out.columns).map_err(|error| call.at(index, error))?;
        meter.row(bytes).map_err(|error| call.at(index, error))?;
        out.rows.push(values);
    }
    out.affected = match count {
        0 if look.of_rows() => connection.changes(),
        _ => returned,
    };
    Ok(out)
}

/// The parameters, each under its number.
fn bind(prepared: &mut CachedStatement<'_>, parameters: &[Value]) -> Result<(), Error> {
    let (given, wanted) = (parameters.len(), prepared.parameter_count());
    if given != wanted {
        return Err(Error::invalid(format!(
            "the statement has {wanted} parameters, and {given} are given"
        )));
    }
    for (number, value) in (1..).zip(parameters) {
        let value = match value {
            Value::Scalar(scalar) => bound(scalar),
            Value::Array(_) => Err("is an array, which SQLite does not have"),
        };
        let value = value.map_err(|why| Error::invalid(format!("parameter {number} {why}")))?;
        prepared
            .raw_bind_parameter(number, value)
            .map_err(|error| refused::error(&error, &[]))?;
    }
    Ok(())
}

/// A scalar as SQLite stores it: a number, text or bytes.
fn bound(scalar: &Scalar) -> Result<ToSqlOutput<'_>, &'static str> {
    use rusqlite::types::{Value as Own, ValueRef};
    Ok(match scalar {
        Scalar::Null => ToSqlOutput::Owned(Own::Null),
        Scalar::Boolean(value) => ToSqlOutput::Owned(Own::Integer((*value).into())),
        Scalar::Integer(value) => ToSqlOutput::Owned(Own::Integer(*value)),
        // It would become null.
        Scalar::Float(value) if value.is_nan() => return Err("is NaN, which SQLite does not have"),
        Scalar::Float(value) => ToSqlOutput::Owned(Own::Real(*value)),
        Scalar::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        other => {
            let text = other.text().unwrap_or_default();
            ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
        }
    })
}

fn columns(prepared: &CachedStatement<'_>) -> Vec<Column> {
    let column = |column: rusqlite::Column<'_>| Column {
        name: column.name().to_owned(),
        kind: column.decl_type().unwrap_or_default().to_owned(),
    };
    prepared.columns().into_iter().map(column).collect()
}
