//! Where Redis is: one server, the master that Sentinels name, or the node of a
//! Cluster that has a slot. Asked anew at each dial, so that a failover is followed.
//! All connections of this process are made here.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, Value,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::config::{Address, Host, Route};
use crate::queue::wire::tls;

/// Longest wait for a connection.
const DIAL: Duration = Duration::from_secs(5);
/// Longest wait for one Sentinel or node that is asked where to go.
const ASK: Duration = Duration::from_secs(2);

/// Where to dial.
#[derive(Debug)]
pub(in crate::queue) struct Server(Address);

/// Which of several nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::queue) enum Place {
    /// The one that has the slot; any slot will do if there is one server.
    Slot(u16),
    /// This one.
    Node(String, u16),
}

/// An open connection. It ends with its last clone, whatever it still waits for.
#[derive(Clone)]
pub(crate) struct Connection {
    multiplexed: MultiplexedConnection,
    _driver: Arc<Driver>,
}

struct Driver(tokio::task::AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Deref for Connection {
    type Target = MultiplexedConnection;

    fn deref(&self) -> &MultiplexedConnection {
        &self.multiplexed
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut MultiplexedConnection {
        &mut self.multiplexed
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Server {
    /// The server of a URL.
    ///
    /// # Errors
    /// What is wrong with the URL or with the files it names.
    pub(in crate::queue) fn new(url: &str) -> Result<Server, String> {
        let address =
            Address::parse(url).map_err(|fault| format!("it {}: {}", fault.message, fault.hint))?;
        if let Some(options) = &address.tls {
            tls::client(options)?;
        }
        Ok(Server(address))
    }

    /// Whether the server is one of a Cluster, and was asked for as such.
    pub(in crate::queue) fn is_cluster(&self) -> bool {
        self.0.is_cluster()
    }

    /// The user that logs in.
    pub(in crate::queue) fn user(&self) -> &str {
        self.0.user.as_deref().unwrap_or("default")
    }

    /// Open a connection that gives up on an answer after this time.
    ///
    /// # Errors
    /// When nobody knows where to go, why the last one that was asked does not; else
    /// why the server does not let us in.
    pub(in crate::queue) async fn dial(
        &self,
        place: &Place,
        answer: Option<Duration>,
    ) -> RedisResult<Connection> {
        let found = match (&self.0.route, place) {
            (Route::Cluster(_), Place::Node(name, port)) => (name.clone(), *port),
            (Route::Socket(path), _) => {
                let stream = within(DIAL, UnixStream::connect(path)).await??;
                return self.log_in(stream, self.settings(), DIAL, answer).await;
            }
            (Route::Server(host), _) => (host.name.clone(), host.port),
            (Route::Sentinels(hosts, name), _) => self.master(hosts, name).await?,
            (Route::Cluster(hosts), Place::Slot(slot)) => self.owner(hosts, *slot).await?,
        };
        self.open(&found.0, found.1, self.settings(), DIAL, answer)
            .await
    }

    /// The masters of a Cluster.
    ///
    /// # Errors
    /// When no node tells, why the last one does not.
    pub(in crate::queue) async fn nodes(&self) -> RedisResult<Vec<Place>> {
        let Route::Cluster(hosts) = &self.0.route else {
            return Ok(Vec::new());
        };
        let mut last = unknown("nobody was asked");
        for host in hosts {
            match self.masters(host).await {
                Ok(masters) => {
                    let mut nodes: Vec<Place> = Vec::new();
                    for Master { name, port, .. } in masters {
                        let node = Place::Node(name, port);
                        if !nodes.contains(&node) {
                            nodes.push(node);
                        }
                    }
                    return Ok(nodes);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The node that has a slot.
    async fn owner(&self, hosts: &[Host], slot: u16) -> RedisResult<(String, u16)> {
        let mut last = unknown("nobody was asked");
        for host in hosts {
            match self.masters(host).await {
                Ok(masters) => {
                    let mut masters = masters.into_iter();
                    match masters.find(|master| master.has(slot)) {
                        Some(Master { name, port, .. }) => return Ok((name, port)),
                        None => {
                            last = unknown("no node of the Cluster serves the slot of the keys");
                        }
                    }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn settings(&self) -> RedisConnectionInfo {
        let address = &self.0;
        let mut settings = RedisConnectionInfo::default().set_db(address.database.into());
        if let Some(user) = &address.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &address.password {
            settings = settings.set_password(password);
        }
        settings
    }

    /// Who the Sentinels say is the master.
    async fn master(&self, hosts: &[Host], name: &str) -> RedisResult<(String, u16)> {
        let mut last = unknown("nobody was asked");
        for host in hosts {
            match self.master_of(host, name).await {
                Ok(Some(master)) => return Ok(master),
                Ok(None) => last = unknown("the Sentinels know no master of this name"),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Who this Sentinel says is the master. Sentinels mostly have no password; some
    /// have that of the servers.
    async fn master_of(&self, host: &Host, name: &str) -> RedisResult<Option<(String, u16)>> {
        let mut command = Cmd::new();
        command
            .arg("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(name);
        let nobody = RedisConnectionInfo::default();
        let answer = match self.ask(host, nobody, &command).await {
            Err(error) if error.code() == Some("NOAUTH") && self.0.password.is_some() => {
                let settings = self.settings().set_db(0);
                self.ask(host, settings, &command).await
            }
            answer => answer,
        };
        Ok(redis::from_redis_value(answer?)?)
    }

    /// The masters that a node of a Cluster knows, one for each range of slots.
    async fn masters(&self, host: &Host) -> RedisResult<Vec<Master>> {
        let mut command = Cmd::new();
        command.arg("CLUSTER").arg("SLOTS");
        let ranges = self.ask(host, self.settings(), &command).await?;
        let ranges: Vec<Vec<Value>> = redis::from_redis_value(ranges)?;
        let masters = ranges.iter().filter_map(|range| Master::of(range, host));
        Ok(masters.collect())
    }

    async fn ask(
        &self,
        host: &Host,
        settings: RedisConnectionInfo,
        command: &Cmd,
    ) -> RedisResult<Value> {
        let mut connection = self
            .open(&host.name, host.port, settings, ASK, Some(ASK))
            .await?;
        match connection.send_packed_command(command).await? {
            Value::ServerError(error) => Err(error.into()),
            value => Ok(value),
        }
    }

    async fn open(
        &self,
        name: &str,
        port: u16,
        settings: RedisConnectionInfo,
        patience: Duration,
        answer: Option<Duration>,
    ) -> RedisResult<Connection> {
        let stream = within(patience, self.connect(name, port)).await??;
        let Some(options) = &self.0.tls else {
            let opened = self.log_in(stream, settings, patience, answer).await;
            return opened.map_err(|error| match error.is_connection_dropped() {
                true => {
                    io::Error::other(format!("{error}; if it speaks TLS, write rediss://")).into()
                }
                false => error,
            });
        };
        let config = tls::client(options).map_err(io::Error::other)?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = within(patience, connector.connect(name, stream)).await;
        let silent = "it does not answer to TLS; if it speaks none, write redis://";
        let stream = stream.map_err(|_| io::Error::other(silent))?;
        let stream = stream.map_err(tls::plain)?;
        self.log_in(stream, settings, patience, answer).await
    }

    /// The first of the host's addresses that answers.
    async fn connect(&self, name: &str, port: u16) -> io::Result<TcpStream> {
        let found = tokio::net::lookup_host((name, port)).await?;
        let addresses: Vec<SocketAddr> = found
            .filter(|address| self.0.family.has(address.ip()))
            .collect();
        let mut last = io::Error::other("the host has no address of this family");
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Calls are small, and somebody waits for each.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn log_in(
        &self,
        stream: impl Stream + 'static,
        settings: RedisConnectionInfo,
        patience: Duration,
        answer: Option<Duration>,
    ) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(answer);
        let logging_in = MultiplexedConnection::new_with_config(&settings, stream, config);
        let (multiplexed, driver) = within(patience, logging_in).await??;
        let driver = tokio::spawn(driver).abort_handle();
        Ok(Connection {
            multiplexed,
            _driver: Arc::new(Driver(driver)),
        })
    }
}

/// What is dialled, without password.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> io::Result<T> {
    tokio::time::timeout(patience, work)
        .await
        .map_err(|_| io::ErrorKind::TimedOut.into())
}

fn unknown(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

/// A master of a Cluster, and a range of its slots.
struct Master {
    first: i64,
    last: i64,
    name: String,
    port: u16,
}

impl Master {
    /// `[first, last, [host, port, …], replicas…]`, as the node at `asked` says it.
    fn of(range: &[Value], asked: &Host) -> Option<Master> {
        let [
            Value::Int(first),
            Value::Int(last),
            Value::Array(master),
            ..,
        ] = range
        else {
            return None;
        };
        let [name, Value::Int(port), ..] = master.as_slice() else {
            return None;
        };
        let name = match name {
            Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        };
        // A node that does not know its own address leaves it out.
        let name = name.filter(|name| !name.is_empty());
        Some(Master {
            first: *first,
            last: *last,
            name: name.unwrap_or_else(|| asked.name.clone()),
            port: u16::try_from(*port).ok()?,
        })
    }

    fn has(&self, slot: u16) -> bool {
        (self.first..=self.last).contains(&i64::from(slot))
    }
}

/// The slot of a key: CRC-16/XMODEM of what decides, modulo 16384 (Redis Cluster
/// specification, key distribution).
pub(in crate::queue) fn slot(key: &str) -> u16 {
    let decides = crate::config::tag(key).unwrap_or(key);
    let step = |crc: u16, byte: &u8| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    };
    decides.as_bytes().iter().fold(0, step) % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("a{123456789}b{c}"), 0x31c3);
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_the_way_out() {
        assert_eq!(
            Server::new("redis+sentinel://u:secret@a:1").unwrap_err(),
            "it names no master: \"redis+sentinel://u:******@a:1\": name the master and, if it is \
             not 0, its database: \"redis+sentinel://host:26379,host:26379/mymaster/0\""
        );
        assert_eq!(
            Server::new("rediss://a:1?ca=/no/ca.pem").unwrap_err(),
            "the certificates of ca cannot be read: /no/ca.pem: No such file or directory (os error 2)"
        );
    }
}
