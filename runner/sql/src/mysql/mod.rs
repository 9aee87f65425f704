//! MySQL and MariaDB, by sqlx: its binary protocol, whose values are read as they come. A
//! connection on which something may be left is closed, since sqlx cannot reset it.

mod bind;
mod read;
mod refused;

use std::time::Duration;

use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Either, Executor, Row, SqlSafeStr,
    Statement as _, TypeInfo,
};
use url::Url;

use crate::call::{self, Call};
use crate::error::Error;
use crate::limits::Meter;
use crate::settings::{self, Settings};
use crate::value::{Column, How, Rows};

/// How many statements stay prepared on a connection.
const STATEMENTS: usize = 128;
/// How long opening a connection may take that stops what runs on another.
const STOPPING: Duration = Duration::from_secs(1);

/// Opens connections to one server.
pub(crate) struct Opener {
    options: MySqlConnectOptions,
}

impl Opener {
    pub(crate) fn new(settings: &Settings) -> Result<Opener, Error> {
        let address = settings::address(settings)?;
        let unread = |why: &str| Error::invalid(format!("its URL cannot be used: {why}"));
        let url = Url::parse(&address.url).map_err(|error| unread(&error.to_string()))?;
        let plain = |text: &str| {
            let decoded = url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
                .next()
                .map(|(text, _)| text.into_owned());
            decoded.unwrap_or_default()
        };
        // The server's own settings, but for the time zone, in which points in time come.
        let mut options = MySqlConnectOptions::new()
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(Some("+00:00".to_owned()))
            .statement_cache_capacity(STATEMENTS)
            .host(url.host_str().unwrap_or("localhost"))
            .port(url.port().unwrap_or(3306))
            .ssl_mode(match address.tls {
                true => MySqlSslMode::VerifyIdentity,
                false => MySqlSslMode::Disabled,
            });
        if !url.username().is_empty() {
            options = options.username(&plain(url.username()));
        }
        if let Some(password) = url.password() {
            options = options.password(&plain(password));
        }
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() {
            options = options.database(&plain(database));
        }
        for (name, value) in url.query_pairs() {
            options = match &*name {
                "socket" => options.socket(&*value),
                _ => return Err(unread(&format!("it has the parameter `{name}`"))),
            };
        }
        if let Some(ca) = &settings.tls.ca {
            options = options.ssl_ca(ca);
        }
        if let Some((cert, key)) = &settings.tls.identity {
            options = options.ssl_client_cert(cert).ssl_client_key(key);
        }
        Ok(Opener { options })
    }

    pub(crate) async fn open(&self) -> Result<Mysql, Error> {
        let opened = async {
            let mut connection = self.options.connect().await?;
            let row = connection.fetch_one("select connection_id()").await?;
            Ok((connection, row.try_get_unchecked::<u64, _>(0)?))
        };
        let (connection, id) = opened
            .await
            .map_err(|error: sqlx::Error| refused::opening(&error))?;
        Ok(Mysql {
            connection,
            id,
            options: self.options.clone(),
            open: false,
            dirty: false,
            broken: false,
        })
    }
}

/// A connection.
pub(crate) struct Mysql {
    connection: MySqlConnection,
    /// By which the server knows it.
    id: u64,
    options: MySqlConnectOptions,
    /// A transaction may be open.
    open: bool,
    /// A call may have left something.
    dirty: bool,
    /// It must be closed.
    broken: bool,
}

/// Stops what runs on a connection, by another one.
pub(crate) struct Stopper {
    options: MySqlConnectOptions,
    id: u64,
}

impl Stopper {
    pub(crate) async fn stop(&self) {
        let stop = async {
            let mut connection = self.options.connect().await?;
            let kill = AssertSqlSafe(format!("kill query {}", self.id));
            connection.execute(kill).await?;
            connection.close().await
        };
        // What cannot be stopped loses its connection.
        let _ = tokio::time::timeout(STOPPING, stop).await;
    }
}

/// Whether there must be a transaction around the statements.
fn whole(call: &Call) -> bool {
    let (statement, look) = &call.statements[0];
    // A change whose rows do not fit the limits is not made.
    let returning = call.how == How::Query && look.of_rows() && look.returns && !look.reads;
    call.how == How::Transaction || call.readonly || statement.expect.is_some() || returning
}

impl Mysql {
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper {
            options: self.options.clone(),
            id: self.id,
        }
    }

    pub(crate) fn usable(&self) -> bool {
        !self.broken
    }

    pub(crate) fn cleaned(&self) -> bool {
        !(self.open || self.dirty || self.broken)
    }

    pub(crate) async fn run(&mut self, call: &Call) -> Result<Vec<Rows>, Error> {
        self.dirty |= call.statements.iter().any(|(_, look)| !look.plain);
        let meter = Meter::new(call.limits);
        let done = match whole(call) {
            true => self.transaction(call, &meter).await,
            false => {
                if !call.statements[0].1.reads {
                    call.committing();
                }
                let rows = self.one(call, 0, &meter).await;
                rows.map(|rows| vec![rows])
            }
        };
        // The rest of a result is of no use, or there is none any more.
        let unread = done.as_ref().is_err_and(|error| error.code.is_none());
        if unread {
            self.broken = true;
            self.stopper().stop().await;
        }
        done
    }

    async fn transaction(&mut self, call: &Call, meter: &Meter) -> Result<Vec<Rows>, Error> {
        let begin = match call.readonly {
            true => "start transaction read only",
            false => "start transaction",
        };
        self.open = true;
        self.simple(call, begin).await?;
        let done = self.all(call, meter).await;
        // A connection that is no longer in step is closed, which undoes all, too.
        if done.as_ref().is_err_and(|error| error.code.is_none()) {
            return done;
        }
        if done.is_err() {
            self.simple(call, "rollback").await?;
        } else {
            call.committing();
            self.simple(call, "commit").await?;
        }
        self.open = false;
        done
    }

    async fn all(&mut self, call: &Call, meter: &Meter) -> Result<Vec<Rows>, Error> {
        let mut all = Vec::with_capacity(call.statements.len());
        for index in 0..call.statements.len() {
            // Some statements, as `select sleep(9)`, end well when they are stopped.
            if call.over() {
                return Err(call.at(index, call::timeout()));
            }
            let rows = self.one(call, index, meter).await?;
            call.expected(index, rows.affected)?;
            all.push(rows);
        }
        if call.over() {
            return Err(call::timeout());
        }
        Ok(all)
    }

    async fn simple(&mut self, call: &Call, text: &'static str) -> Result<(), Error> {
        let done = self.connection.execute(text).await;
        done.map(drop)
            .map_err(|error| refused::error(call, &error, &[]))
    }

    /// Prepare a statement unless it is, and say how many parameters it has.
    async fn prepared(&mut self, call: &Call, index: usize) -> Result<usize, Error> {
        let (statement, _) = &call.statements[index];
        let text = AssertSqlSafe(statement.text.clone()).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        let prepared = prepared
            .map_err(|error| call.at(index, refused::error(call, &error, &statement.parameters)))?;
        Ok(match prepared.parameters() {
            Some(Either::Right(count)) => count,
            Some(Either::Left(types)) => types.len(),
            None => 0,
        })
    }

    async fn one(&mut self, call: &Call, index: usize, meter: &Meter) -> Result<Rows, Error> {
        let (statement, look) = &call.statements[index];
        let told = |error: sqlx::Error| {
            call.at(index, refused::error(call, &error, &statement.parameters))
        };
        let wanted = self.prepared(call, index).await?;
        let arguments = bind::arguments(&statement.parameters, wanted)
            .map_err(|error| call.at(index, error))?;
        let text = AssertSqlSafe(statement.text.clone());
        let mut stream = self
            .connection
            .fetch_many(sqlx::query_with(text, arguments));
        let mut out = Rows::default();
        let mut returned = 0;
        let mut changed = 0;
        while let Some(step) = stream.try_next().await.map_err(told)? {
            let row = match step {
                Either::Left(done) => {
                    changed += done.rows_affected();
                    continue;
                }
                Either::Right(row) => row,
            };
            returned += 1;
            if out.columns.is_empty() {
                out.columns = row.columns().iter().map(column).collect();
            }
            if call.how == How::Execute {
                continue;
            }
            let (values, bytes) = read::row(&row).map_err(|error| call.at(index, error))?;
            meter.row(bytes).map_err(|error| call.at(index, error))?;
            out.rows.push(values);
        }
        drop(stream);
        if out.columns.is_empty() {
            out.columns = self.columns(call, index).await?;
        }
        out.affected = match out.columns.is_empty() {
            true if look.of_rows() => changed,
            _ => returned,
        };
        Ok(out)
    }

    /// The columns of a statement that returned no row. It is prepared by now.
    async fn columns(&mut self, call: &Call, index: usize) -> Result<Vec<Column>, Error> {
        let text = AssertSqlSafe(call.statements[index].0.text.clone()).into_sql_str();
        let prepared = self.connection.prepare(text).await;
        let prepared = prepared.map_err(|error| refused::error(call, &error, &[]))?;
        Ok(prepared.columns().iter().map(column).collect())
    }
}

fn column(column: &sqlx::mysql::MySqlColumn) -> Column {
    Column {
        name: column.name().to_owned(),
        kind: column.type_info().name().to_owned(),
    }
}
