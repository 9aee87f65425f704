//! Postgres, by tokio-postgres: parameters go there as text, of which the server knows the
//! type, and results come back in its binary form, which is exact.

mod bind;
mod moment;
mod numeric;
mod read;
mod refused;
mod statements;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use futures::{TryStreamExt, pin_mut};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config, NoTls, RowStream, Statement as Prepared};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::bind::Bound;
use self::refused::Fault;
use self::statements::Statements;
use crate::call::Call;
use crate::error::{Error, Kind};
use crate::limits::Meter;
use crate::settings::{self, Settings, Tls};
use crate::value::{Column, How, Rows, Statement};

/// How the server writes what is sent to it as text, and reads it.
const SESSION: &str = "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres";

/// Takes away what a call may have left: a transaction, cursors, a role, settings,
/// listening, advisory locks, temporary tables, the last values of sequences. It is
/// `discard all` without what would forget our own prepared statements.
const CLEAN: &str = "rollback; close all; set session authorization default; reset role; \
    reset all; unlisten *; select pg_advisory_unlock_all(); discard temp; discard sequences";

/// How long cleaning may take before the connection is closed instead.
const CLEANING: Duration = Duration::from_secs(5);

/// How many statements of a transaction are on their way at once.
const PIPELINE: usize = 16;

/// Opens connections to one server.
pub(crate) struct Opener {
    config: Config,
    tls: Option<Tls>,
    prepare: bool,
}

impl Opener {
    pub(crate) fn new(settings: &Settings) -> Result<Opener, Error> {
        let address = settings::address(settings)?;
        let unread = |why: &str| Error::invalid(format!("its URL cannot be used: {why}"));
        let mut config: Config = address
            .url
            .parse()
            .map_err(|error: tokio_postgres::Error| {
                let why = std::error::Error::source(&error).map(ToString::to_string);
                unread(&why.unwrap_or_else(|| error.to_string()))
            })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unread("it names no host"));
        }
        config.ssl_mode(match address.tls {
            true => SslMode::Require,
            false => SslMode::Disable,
        });
        if config.get_application_name().is_none() {
            config.application_name("runner");
        }
        // A pooler keeps connections of its own, which begin with its options.
        if address.prepare {
            let own = config.get_options().map(|own| format!("{SESSION} {own}"));
            config.options(own.unwrap_or_else(|| SESSION.to_owned()));
        }
        config.connect_timeout(settings.timeout);
        Ok(Opener {
            config,
            tls: address.tls.then(|| settings.tls.clone()),
            prepare: address.prepare,
        })
    }

    pub(crate) async fn open(&self) -> Result<Postgres, Error> {
        let unavailable = |error: &tokio_postgres::Error| refused::opening(error);
        let (client, driver, tls) = match &self.tls {
            None => {
                let (client, driver) = self
                    .config
                    .connect(NoTls)
                    .await
                    .map_err(|error| unavailable(&error))?;
                (client, tokio::spawn(drive(driver)).abort_handle(), None)
            }
            Some(tls) => {
                let tls = MakeRustlsConnect::new(crate::tls::client(tls)?);
                let (client, driver) = self
                    .config
                    .connect(tls.clone())
                    .await
                    .map_err(|error| unavailable(&error))?;
                (
                    client,
                    tokio::spawn(drive(driver)).abort_handle(),
                    Some(tls),
                )
            }
        };
        Ok(Postgres {
            client,
            driver,
            tls,
            statements: self.prepare.then(Statements::default),
            open: false,
            dirty: false,
            broken: false,
        })
    }
}

/// Move what the connection sends and gets, until it is closed. Its calls get its errors.
async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    let _ = connection.await;
}

/// A connection.
pub(crate) struct Postgres {
    client: Client,
    driver: AbortHandle,
    tls: Option<MakeRustlsConnect>,
    /// What is prepared on it, unless nothing is prepared by name.
    statements: Option<Statements>,
    /// A transaction may be open.
    open: bool,
    /// A call may have left something.
    dirty: bool,
    /// It must be closed.
    broken: bool,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.open || self.broken {
            self.driver.abort();
        }
    }
}

/// Asks the server to stop what runs on a connection.
pub(crate) struct Stopper {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
}

impl Stopper {
    pub(crate) async fn stop(&self) {
        // What cannot be stopped loses its connection.
        let _ = match &self.tls {
            None => self.token.cancel_query(NoTls).await,
            Some(tls) => self.token.cancel_query(tls.clone()).await,
        };
    }
}

impl Postgres {
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper {
            token: self.client.cancel_token(),
            tls: self.tls.clone(),
        }
    }

    pub(crate) fn usable(&self) -> bool {
        !self.client.is_closed()
    }

    pub(crate) async fn cleaned(&mut self) -> bool {
        if self.broken || self.client.is_closed() {
            return false;
        }
        if self.open || self.dirty {
            let cleaning = tokio::time::timeout(CLEANING, self.client.batch_execute(CLEAN));
            if !matches!(cleaning.await, Ok(Ok(()))) {
                return false;
            }
            (self.open, self.dirty) = (false, false);
        }
        true
    }

    pub(crate) async fn run(&mut self, call: &Call) -> Result<Vec<Rows>, Error> {
        self.dirty |= call.statements.iter().any(|(_, look)| !look.plain);
        match self.attempt(call).await {
            // What was prepared no longer fits the tables. Nothing has been done yet.
            Err(Fault { stale: true, .. }) => {
                if let Some(statements) = &mut self.statements {
                    statements.forget();
                }
                self.attempt(call).await.map_err(|fault| fault.error)
            }
            done => done.map_err(|fault| fault.error),
        }
    }

    async fn attempt(&mut self, call: &Call) -> Result<Vec<Rows>, Fault> {
        let meter = Meter::new(call.limits);
        call.committing.store(false, Ordering::Relaxed);
        let done = match self.alone(call).await? {
            Some(ready) => {
                if !call.statements[0].1.reads {
                    call.committing();
                }
                let done = self.send(call, 0, &ready, &meter).await;
                done.map(|rows| vec![rows])
            }
            None => self.whole(call, &meter).await,
        };
        if let Err(fault) = &done {
            // The rest of a result that is too large is of no use.
            if fault.error.kind == Kind::Limit && fault.error.code.is_none() {
                self.broken = true;
                self.stopper().stop().await;
            }
        }
        done
    }

    /// The call's only statement, if it can be sent without a transaction around it.
    async fn alone(&mut self, call: &Call) -> Result<Option<Prepared>, Fault> {
        let (statement, look) = &call.statements[0];
        let pooled = self.statements.is_none();
        let whole = call.how == How::Transaction || statement.expect.is_some();
        if whole || call.readonly || pooled {
            return Ok(None);
        }
        let ready = self.ready(call, 0).await?;
        // A change whose rows do not fit the limits is not made.
        let alone = look.reads || silent(&ready) || call.how == How::Execute;
        Ok((alone || !look.of_rows()).then_some(ready))
    }

    /// Prepare a statement, unless it is.
    async fn ready(&mut self, call: &Call, index: usize) -> Result<Prepared, Fault> {
        let text = &call.statements[index].0.text;
        if let Some(statement) = self.statements.as_mut().and_then(|it| it.get(text)) {
            return Ok(statement);
        }
        if text.contains('\0') {
            let error = Error::invalid("the statement has a NUL in it, which Postgres cannot take");
            return Err(call.at(index, error).into());
        }
        let prepared = self.client.prepare(text).await;
        let statement = prepared.map_err(|error| refused::fault(call, index, &error))?;
        if let Some(statements) = &mut self.statements {
            statements.put(text, &statement);
        }
        Ok(statement)
    }

    /// All statements in one transaction. Those that are prepared go there without waiting
    /// for each other.
    async fn whole(&mut self, call: &Call, meter: &Meter) -> Result<Vec<Rows>, Fault> {
        let begin = match call.readonly {
            true => "begin read only",
            false => "begin",
        };
        self.open = true;
        let done = match self.known(call) {
            Some(ready) => self.pipelined(call, &ready, begin, meter).await,
            None => self.stepwise(call, begin, meter).await,
        };
        if done.is_err() {
            // Without an answer to it, cleaning or closing the connection ends it.
            if self.client.batch_execute("rollback").await.is_ok() {
                self.open = false;
            }
            return done;
        }
        if self.open {
            if !call.readonly {
                call.committing();
            }
            let end = match call.readonly {
                true => "rollback",
                false => "commit",
            };
            let ended = self.client.batch_execute(end).await;
            ended.map_err(|error| refused::ending(call, &error))?;
            self.open = false;
        }
        done
    }

    /// All statements, if all are prepared.
    fn known(&mut self, call: &Call) -> Option<Vec<Prepared>> {
        let statements = self.statements.as_mut()?;
        let known = |(statement, _): &(Statement, _)| statements.get(&statement.text);
        call.statements.iter().map(known).collect()
    }

    /// Send all statements, and in the same breath `begin` and, where nothing has to be
    /// looked at before, `commit`.
    async fn pipelined(
        &mut self,
        call: &Call,
        ready: &[Prepared],
        begin: &str,
        meter: &Meter,
    ) -> Result<Vec<Rows>, Fault> {
        let mut all = Vec::with_capacity(ready.len());
        let last = ready.len().div_ceil(PIPELINE).saturating_sub(1);
        for (part, chunk) in ready.chunks(PIPELINE).enumerate() {
            let first = part * PIPELINE;
            let sent = chunk
                .iter()
                .enumerate()
                .map(|(index, ready)| self.send(call, first + index, ready, meter));
            let blind = part == last
                && !call.readonly
                && ready.iter().all(silent)
                && call.statements.iter().all(|(it, _)| it.expect.is_none());
            if blind {
                call.committing();
            }
            let begun = async {
                match part {
                    0 => self.client.batch_execute(begin).await,
                    _ => Ok(()),
                }
            };
            let committed = async {
                match blind {
                    true => self.client.batch_execute("commit").await,
                    false => Ok(()),
                }
            };
            // Polled in this order, and so sent in it.
            let (begun, done, committed) = futures::join!(begun, join_all(sent), committed);
            begun.map_err(|error| refused::fault(call, first, &error))?;
            // With a statement that failed, `commit` undoes all.
            for (index, rows) in done.into_iter().enumerate() {
                let rows = rows?;
                call.expected(first + index, rows.affected)?;
                all.push(rows);
            }
            committed.map_err(|error| refused::ending(call, &error))?;
            if blind {
                self.open = false;
            }
        }
        Ok(all)
    }

    /// Prepare and run one statement after the other: a later one may need the tables that
    /// an earlier one makes.
    async fn stepwise(
        &mut self,
        call: &Call,
        begin: &str,
        meter: &Meter,
    ) -> Result<Vec<Rows>, Fault> {
        let begun = self.client.batch_execute(begin).await;
        begun.map_err(|error| refused::fault(call, 0, &error))?;
        let mut all = Vec::with_capacity(call.statements.len());
        for index in 0..call.statements.len() {
            let ready = self.ready(call, index).await?;
            let rows = self.send(call, index, &ready, meter).await?;
            call.expected(index, rows.affected)?;
            all.push(rows);
        }
        Ok(all)
    }

    /// Send one statement, and read its rows.
    async fn send(
        &self,
        call: &Call,
        index: usize,
        ready: &Prepared,
        meter: &Meter,
    ) -> Result<Rows, Fault> {
        let parameters = &call.statements[index].0.parameters;
        bind::check(parameters, ready.params()).map_err(|error| call.at(index, error))?;
        let sent = self.client.query_raw(ready, parameters.iter().map(Bound));
        let stream = sent
            .await
            .map_err(|error| refused::fault(call, index, &error))?;
        let mut rows = self.rows(call, index, stream, meter).await?;
        rows.columns = columns(ready.columns());
        Ok(rows)
    }

    async fn rows(
        &self,
        call: &Call,
        index: usize,
        stream: RowStream,
        meter: &Meter,
    ) -> Result<Rows, Fault> {
        pin_mut!(stream);
        let mut rows = Rows::default();
        let mut returned = 0;
        loop {
            let row = stream.try_next().await;
            let Some(row) = row.map_err(|error| refused::fault(call, index, &error))? else {
                break;
            };
            returned += 1;
            if call.how == How::Execute {
                continue;
            }
            meter
                .row(row.raw_size_bytes())
                .map_err(|error| call.at(index, error))?;
            let read = read::row(&row).map_err(|error| call.at(index, error))?;
            rows.rows.push(read);
        }
        rows.affected = stream.rows_affected().unwrap_or(returned);
        Ok(rows)
    }
}

/// Whether it returns no rows.
fn silent(statement: &Prepared) -> bool {
    statement.columns().is_empty()
}

/// Columns as the interface has them.
fn columns(columns: &[tokio_postgres::Column]) -> Vec<Column> {
    let column = |column: &tokio_postgres::Column| Column {
        name: column.name().to_owned(),
        kind: column.type_().name().to_owned(),
    };
    columns.iter().map(column).collect()
}
