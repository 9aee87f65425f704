//! The connections of a database: at most so many, opened when they are needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, Object, PoolError, RecycleError, RecycleResult};
use deadpool::managed::{TimeoutType, Timeouts};

use crate::call::Call;
use crate::error::{Error, Kind};
use crate::settings::{Server, Settings};
use crate::value::Rows;
use crate::{mysql, postgres, sqlite};

pub(crate) type Pool = managed::Pool<Opener>;

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Connections that are open.
    pub open: usize,
    /// Those of them that nobody uses.
    pub idle: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

/// Opens connections.
pub(crate) enum Opener {
    Postgres(postgres::Opener),
    Mysql(mysql::Opener),
    Sqlite(sqlite::Opener),
}

impl Opener {
    pub(crate) fn new(server: Server, settings: &Settings) -> Result<Opener, Error> {
        Ok(match server {
            Server::Postgres => Opener::Postgres(postgres::Opener::new(settings)?),
            Server::Mysql => Opener::Mysql(mysql::Opener::new(settings)?),
            Server::Sqlite => Opener::Sqlite(sqlite::Opener::new(settings)?),
        })
    }
}

/// A connection.
pub(crate) enum Connection {
    Postgres(Box<postgres::Postgres>),
    Mysql(Box<mysql::Mysql>),
    Sqlite(sqlite::Sqlite),
}

impl Connection {
    /// Run the statements of a call.
    pub(crate) async fn run(&mut self, call: &Arc<Call>) -> Result<Vec<Rows>, Error> {
        match self {
            Connection::Postgres(it) => it.run(call).await,
            Connection::Mysql(it) => it.run(call).await,
            Connection::Sqlite(it) => it.run(call).await,
        }
    }

    /// What stops the statement that runs.
    pub(crate) fn stopper(&self) -> Stopper {
        match self {
            Connection::Postgres(it) => Stopper::Postgres(Box::new(it.stopper())),
            Connection::Mysql(it) => Stopper::Mysql(Box::new(it.stopper())),
            Connection::Sqlite(_) => Stopper::Sqlite,
        }
    }

    /// Whether nothing of a call is left on it, after what there was has been taken away.
    pub(crate) async fn cleaned(&mut self) -> bool {
        match self {
            Connection::Postgres(it) => it.cleaned().await,
            Connection::Mysql(it) => it.cleaned(),
            Connection::Sqlite(it) => it.cleaned(),
        }
    }

    fn usable(&self) -> bool {
        match self {
            Connection::Postgres(it) => it.usable(),
            Connection::Mysql(it) => it.usable(),
            Connection::Sqlite(_) => true,
        }
    }
}

/// Stops the statement that runs on a connection.
pub(crate) enum Stopper {
    Postgres(Box<postgres::Stopper>),
    Mysql(Box<mysql::Stopper>),
    /// It looks by itself whether its call is over.
    Sqlite,
}

impl Stopper {
    pub(crate) async fn stop(&self) {
        match self {
            Stopper::Postgres(it) => it.stop().await,
            Stopper::Mysql(it) => it.stop().await,
            Stopper::Sqlite => {}
        }
    }
}

impl Manager for Opener {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        Ok(match self {
            Opener::Postgres(it) => Connection::Postgres(Box::new(it.open().await?)),
            Opener::Mysql(it) => Connection::Mysql(Box::new(it.open().await?)),
            Opener::Sqlite(it) => Connection::Sqlite(it.open().await?),
        })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        match connection.usable() {
            true => Ok(()),
            false => Err(RecycleError::message("closed")),
        }
    }
}

pub(crate) fn new(opener: Opener, size: usize) -> Result<Pool, Error> {
    let built = Pool::builder(opener)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .build();
    built.map_err(|error| Error::new(Kind::Failed, error.to_string()))
}

/// A connection, as soon as there is one.
pub(crate) async fn get(
    pool: &Pool,
    until: Instant,
    opening: Duration,
) -> Result<Object<Opener>, Error> {
    let left = until.saturating_duration_since(Instant::now());
    let timeouts = Timeouts {
        wait: Some(left),
        create: Some(left.min(opening)),
        recycle: None,
    };
    pool.timeout_get(&timeouts).await.map_err(|error| {
        let size = pool.status().max_size;
        match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(TimeoutType::Wait) => Error::new(
                Kind::Unavailable,
                format!(
                    "no connection became free in time, all {size} of its pool are in use: run \
                     fewer jobs at once, or raise `pool`"
                ),
            ),
            PoolError::Timeout(_) => Error::new(
                Kind::Unavailable,
                "it does not answer a new connection in time",
            ),
            PoolError::Closed => Error::new(Kind::Unavailable, "it is no longer granted"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Error::new(Kind::Failed, error.to_string())
            }
        }
    })
}

pub(crate) fn usage(pool: &Pool) -> Usage {
    let status = pool.status();
    Usage {
        open: status.size,
        idle: status.available,
        waiting: status.waiting,
    }
}
