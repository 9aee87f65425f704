//! The connection of one process to one Redis.
//!
//! One multiplexed connection carries every call that does not block. It is
//! dialled on first use and again after a fault; while Redis is away, calls fail
//! at once with the last reason and dialling is spaced from 50 ms to 5 s with
//! jitter. Passwords are never in an error.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, ServerErrorKind, Value};
use tokio::sync::Mutex;

use super::markers::Markers;
use super::server::Server;

/// Longest wait for the answer of a call that does not block. A batch takes
/// milliseconds; a Redis that is silent for so long is gone or stopped.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest wait for a connection.
const DIAL: Duration = Duration::from_secs(5);
/// The first and the longest pause between two attempts to connect.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// What can go wrong between us and Redis.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("the Redis URL is not usable: {0}")]
    Url(String),
    /// No connection, or it broke before the answer came: the call may have
    /// been carried out.
    #[error("Redis at {address} cannot be reached: {reason}")]
    Unreachable {
        /// What was dialled, without password.
        address: String,
        /// Why.
        reason: String,
    },
    /// Redis cannot serve just now: loading, a replica, out of memory.
    #[error("Redis at {address} cannot serve: {reason}")]
    Unready {
        /// What was dialled, without password.
        address: String,
        /// Redis' own words.
        reason: String,
    },
    /// Redis refused the call.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// The answer is not what the script returns.
    #[error("Redis answered something unexpected to {0}")]
    Answer(&'static str),
    /// A job cannot be added as it is.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Unready { .. })
    }
}

/// A pause that doubles up to a limit, with a random half.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pause(u32);

impl Pause {
    /// The next pause: 50 ms, doubling to 5 s, of which half is random.
    pub(crate) fn next(&mut self) -> Duration {
        let full = (PAUSE.0 * 2u32.pow(self.0.min(7))).min(PAUSE.1);
        self.0 += 1;
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

struct Dial {
    pause: Pause,
    not_before: Instant,
    last: Option<Error>,
}

struct Inner {
    server: Arc<Server>,
    prefix: String,
    boot: String,
    sequence: AtomicU64,
    connection: ArcSwapOption<MultiplexedConnection>,
    dial: Mutex<Dial>,
    markers: Markers,
}

/// One process' access to one Redis: one multiplexed connection that
/// reconnects by itself. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis")
            .field(&self.0.server.address())
            .finish()
    }
}

impl Redis {
    /// Access to the Redis at `url` under the key prefix: `redis://`, `rediss://`
    /// (with `?ca=FILE`), `unix://`, `redis+sentinel://host,host/master/0` or
    /// `redis+cluster://host,host`. Nothing is dialled yet.
    ///
    /// # Errors
    /// [`Error::Url`] when the URL cannot be used.
    pub fn new(url: &str, prefix: &str) -> Result<Redis, Error> {
        let server = Server::new(url, prefix).map_err(Error::Url)?;
        Ok(Redis(Arc::new(Inner {
            server: Arc::new(server),
            prefix: prefix.to_owned(),
            boot: format!("{:012x}", fastrand::u64(..) >> 16),
            sequence: AtomicU64::new(0),
            connection: ArcSwapOption::empty(),
            dial: Mutex::new(Dial {
                pause: Pause::default(),
                not_before: Instant::now(),
                last: None,
            }),
            markers: Markers::default(),
        })))
    }

    /// A second access with connections of its own, for another runtime.
    pub(crate) fn fork(&self) -> Redis {
        Redis(Arc::new(Inner {
            server: self.0.server.clone(),
            prefix: self.0.prefix.clone(),
            boot: self.0.boot.clone(),
            sequence: AtomicU64::new(0),
            connection: ArcSwapOption::empty(),
            dial: Mutex::new(Dial {
                pause: Pause::default(),
                not_before: Instant::now(),
                last: None,
            }),
            markers: Markers::default(),
        }))
    }

    /// What is dialled, without password.
    pub fn address(&self) -> &str {
        self.0.server.address()
    }

    /// Prefix of all keys.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Whether Redis answers: an exchange of `PING`.
    pub async fn ping(&self) -> Result<(), Error> {
        self.call(&redis::cmd("PING")).await.map(drop)
    }

    /// Names this process among all that ever ran.
    pub(crate) fn boot(&self) -> &str {
        &self.0.boot
    }

    /// A number no other take of this process has.
    pub(crate) fn next(&self) -> u64 {
        self.0.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// The markers this process waits for.
    pub(crate) fn markers(&self) -> &Markers {
        &self.0.markers
    }

    /// A connection of its own, for calls that block: no limit on the answer.
    pub(crate) async fn dial_blocking(&self) -> Result<MultiplexedConnection, Error> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DIAL))
            .set_response_timeout(None);
        self.dial(&config).await.map_err(|e| self.explain(&e))
    }

    /// Send a command and wait for its answer.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, Error> {
        self.call_raw(command).await.map_err(|fault| match fault {
            Fault::Known(error) => error,
            Fault::Redis(error) => self.explain(&error),
        })
    }

    /// Send a command, with Redis' own error for those who tell them apart.
    pub(crate) async fn call_raw(&self, command: &Cmd) -> Result<Value, Fault> {
        let held = self.connect().await.map_err(Fault::Known)?;
        let mut connection = (*held).clone();
        match connection.send_packed_command(command).await {
            Ok(Value::ServerError(error)) => Err(Fault::Redis(error.into())),
            Ok(value) => Ok(value),
            Err(error) => {
                // What Redis itself did not say was said of a connection that
                // broke, possibly in the middle of an answer.
                let broken = !from_server(&error);
                // The keys are served elsewhere now.
                let moved = matches!(
                    error.kind(),
                    ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::Moved)
                );
                if broken || moved {
                    self.drop_connection(&held);
                }
                Err(Fault::Redis(error))
            }
        }
    }

    async fn dial(
        &self,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, redis::RedisError> {
        let client = self.0.server.find().await?;
        client
            .get_multiplexed_async_connection_with_config(config)
            .await
    }

    fn drop_connection(&self, broken: &Arc<MultiplexedConnection>) {
        let current = self.0.connection.load();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, broken)) {
            self.0.connection.compare_and_swap(&*current, None);
        }
    }

    async fn connect(&self) -> Result<Arc<MultiplexedConnection>, Error> {
        if let Some(connection) = self.0.connection.load_full() {
            return Ok(connection);
        }
        let mut dial = self.0.dial.lock().await;
        if let Some(connection) = self.0.connection.load_full() {
            return Ok(connection);
        }
        if let Some(last) = dial
            .last
            .as_ref()
            .filter(|_| Instant::now() < dial.not_before)
        {
            return Err(last.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DIAL))
            .set_response_timeout(Some(ANSWER));
        match self.dial(&config).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                self.0.connection.store(Some(connection.clone()));
                dial.pause = Pause::default();
                dial.last = None;
                Ok(connection)
            }
            Err(error) => {
                let error = self.explain(&error);
                dial.not_before = Instant::now() + dial.pause.next();
                dial.last = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Our word for an error of the client.
    pub(crate) fn explain(&self, error: &redis::RedisError) -> Error {
        let address = self.address().to_owned();
        match error.kind() {
            _ if !from_server(error) => Error::Unreachable {
                address,
                reason: if error.is_timeout() {
                    "no answer in time".to_owned()
                } else {
                    error.to_string()
                },
            },
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::CrossSlot)
                if !self.0.server.is_cluster() =>
            {
                Error::Refused(format!(
                    "{address} is a node of a Cluster: write redis+cluster://{address}"
                ))
            }
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown,
            ) => Error::Unready {
                address,
                reason: error.to_string(),
            },
            _ => match error.code() {
                Some("OOM" | "BUSY" | "MISCONF" | "NOREPLICAS" | "LOADING") => Error::Unready {
                    address,
                    reason: error.to_string(),
                },
                _ => Error::Refused(error.to_string()),
            },
        }
    }
}

/// Whether Redis said it, as opposed to its client.
fn from_server(error: &redis::RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Why a call has no answer.
pub(crate) enum Fault {
    /// Not even sent.
    Known(Error),
    /// Redis' client or Redis said so.
    Redis(redis::RedisError),
}
