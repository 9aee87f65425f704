//! The connections of one process to one Redis.
//!
//! One multiplexed connection carries every call that does not block. It is
//! dialled on first use and again after a fault; while Redis is away, calls fail
//! at once with the last reason and dialling is spaced from 50 ms to 5 s with
//! jitter. Passwords are never in an error.
//!
//! On a Cluster all keys of a queue are in one slot: by a tag in the prefix, which
//! puts all queues there, or by one in the queue's name. Then there is a [`Part`]
//! with a connection of its own for each tag, to the node that has its slot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Short, MutexGuard};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::{Cmd, ErrorKind, ServerErrorKind, Value};
use tokio::sync::{Mutex, Notify};

use crate::config::tag;
use crate::queue::wire::error::{Error, Fault, from_server};
use crate::queue::wire::outage::Outage;
use crate::queue::wire::server::{Connection, Place, Server, slot};
use crate::queue::wire::spacing::Spacing;
use crate::queue::wire::token;
use crate::queue::wire::wake::Markers;

/// Longest wait for the answer of a call that does not block. A batch takes
/// milliseconds; a Redis that is silent for this long is gone or stopped.
const ANSWER: Duration = Duration::from_secs(10);
struct Dial {
    spacing: Spacing,
    not_before: Instant,
    last: Option<Error>,
}

/// What the parts of a process have in common.
struct Process {
    server: Arc<Server>,
    address: String,
    prefix: String,
    boot: String,
    sequence: AtomicU64,
    /// By tag.
    parts: Short<BTreeMap<String, Arc<Part>>>,
    /// A queue of a part wants to be woken.
    entered: Notify,
    /// What was said of this Redis.
    told: Short<BTreeSet<String>>,
}

impl Process {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Part>>> {
        self.parts
            .lock()
            .expect("no panic while the parts are held")
    }
}

/// Those keys of one Redis that one connection reaches.
struct Part {
    place: Place,
    /// What the keys of this process begin with.
    home: String,
    connection: ArcSwapOption<Connection>,
    dial: Mutex<Dial>,
    markers: Markers,
    outage: Outage,
}

impl Part {
    fn new(place: Place, home: String) -> Arc<Part> {
        Arc::new(Part {
            place,
            home,
            connection: ArcSwapOption::empty(),
            dial: Mutex::new(Dial {
                spacing: Spacing::default(),
                not_before: Instant::now(),
                last: None,
            }),
            markers: Markers::default(),
            outage: Outage::default(),
        })
    }
}

/// One process' access to one Redis, or to the node of a Cluster that has the keys
/// of a queue: one multiplexed connection that reconnects by itself. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    process: Arc<Process>,
    part: Arc<Part>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { place, home, .. } = &*self.part;
        f.debug_tuple("Redis")
            .field(&self.process.address)
            .field(place)
            .field(home)
            .finish()
    }
}

impl Redis {
    /// Access to the Redis at `url` under the key prefix: `redis://`, `rediss://`,
    /// `unix://`, `redis+sentinel://host,host/master/0` or
    /// `redis+cluster://host,host`, with the options of `docs/configuration.md`.
    /// Nothing is dialled yet.
    ///
    /// # Errors
    /// [`Error::Url`] when the URL, or a file that it names, cannot be used.
    pub fn new(url: &str, prefix: &str) -> Result<Redis, Error> {
        let server = Arc::new(Server::new(url).map_err(Error::Url)?);
        Ok(Redis::over(server, prefix.to_owned(), token::boot()))
    }

    /// A second access with connections of its own, for another runtime.
    pub(crate) fn fork(&self) -> Redis {
        let Process {
            server,
            prefix,
            boot,
            ..
        } = &*self.process;
        Redis::over(server.clone(), prefix.clone(), boot.clone())
    }

    fn over(server: Arc<Server>, prefix: String, boot: String) -> Redis {
        // Without a tag in the prefix, the keys that are no queue's have the slot of
        // the one of them that all processes share.
        let place = Place::Slot(slot(&alive(&prefix)));
        Redis {
            part: Part::new(place, prefix.clone()),
            process: Arc::new(Process {
                address: server.to_string(),
                server,
                prefix,
                boot,
                sequence: AtomicU64::new(0),
                parts: Short::default(),
                entered: Notify::new(),
                told: Short::default(),
            }),
        }
    }

    /// The part that has the keys of this queue.
    pub(crate) fn at(&self, queue: &str) -> Redis {
        let Process { server, prefix, .. } = &*self.process;
        let Some(tag) = tag(queue).filter(|_| server.is_cluster() && tag(prefix).is_none()) else {
            return self.clone();
        };
        let mut parts = self.process.parts();
        let part = parts.entry(tag.to_owned()).or_insert_with(|| {
            let home = format!("{prefix}:{{{tag}}}");
            Part::new(Place::Slot(slot(&home)), home)
        });
        Redis {
            process: self.process.clone(),
            part: part.clone(),
        }
    }

    /// All nodes that may have keys of queues.
    pub(crate) async fn nodes(&self) -> Result<Vec<Redis>, Error> {
        let Process { server, prefix, .. } = &*self.process;
        if !server.is_cluster() || tag(prefix).is_some() {
            return Ok(vec![self.clone()]);
        }
        let nodes = server.nodes().await.map_err(|error| self.explain(&error))?;
        let nodes = nodes.into_iter().map(|node| Redis {
            process: self.process.clone(),
            part: Part::new(node, prefix.clone()),
        });
        Ok(nodes.collect())
    }

    /// Whether a script can reach the keys of both.
    pub(crate) fn reaches(&self, other: &Redis) -> bool {
        self.part.home == other.part.home
    }

    /// Whether keys of this name have no place here: on a Cluster a queue without a
    /// tag is in many slots.
    pub(crate) fn scatters(&self, queue: &str) -> bool {
        self.process.server.is_cluster() && tag(&self.process.prefix).or(tag(queue)).is_none()
    }

    /// What is dialled, without password.
    pub fn address(&self) -> &str {
        &self.process.address
    }

    /// Prefix of all keys.
    pub fn prefix(&self) -> &str {
        &self.process.prefix
    }

    /// The user that logs in.
    pub(crate) fn user(&self) -> &str {
        self.process.server.user()
    }

    /// Whether the address is that of a Cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.process.server.is_cluster()
    }

    /// Whether Redis answers: an exchange of `PING`.
    pub async fn ping(&self) -> Result<(), Error> {
        self.call(&redis::cmd("PING")).await.map(drop)
    }

    /// Names this process among all that ever ran.
    pub(crate) fn boot(&self) -> &str {
        &self.process.boot
    }

    /// A number no other take of this process has.
    pub(crate) fn next(&self) -> u64 {
        self.process.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether Redis serves.
    pub(crate) fn outage(&self) -> &Outage {
        &self.part.outage
    }

    /// The markers this process waits for in this part.
    pub(crate) fn markers(&self) -> &Markers {
        &self.part.markers
    }

    /// A queue of this part wants to be woken from now on.
    pub(crate) fn entered(&self) {
        self.process.entered.notify_one();
    }

    /// When a queue has come to want to be woken.
    pub(crate) async fn enters(&self) {
        self.process.entered.notified().await;
    }

    /// The parts that there are by now.
    pub(crate) fn parts(&self) -> Vec<Redis> {
        let others = self.process.parts();
        let others = others.values().map(|part| Redis {
            process: self.process.clone(),
            part: part.clone(),
        });
        let home = self.clone();
        std::iter::once(home).chain(others).collect()
    }

    /// The sorted set in which processes say that they are alive.
    pub(crate) fn alive(&self) -> String {
        alive(&self.process.prefix)
    }

    /// The hash in which they say what they are.
    pub(crate) fn described(&self) -> String {
        format!("{}:runner:hosts", self.process.prefix)
    }

    /// The stream of who has changed what through an API.
    pub(crate) fn audited(&self) -> String {
        self.beside("audit")
    }

    /// The key of a session of an API, by the hash of what its browser shows.
    pub(crate) fn session(&self, hash: &str) -> String {
        self.beside(&format!("session:{hash}"))
    }

    /// A key of no queue, in the slot that this connection has.
    fn beside(&self, name: &str) -> String {
        let prefix = &self.process.prefix;
        match self.is_cluster() && tag(prefix).is_none() {
            true => format!("{prefix}:runner:{{{}}}:{name}", alive(prefix)),
            false => format!("{prefix}:runner:{name}"),
        }
    }

    /// The set through which the process of this boot is told of wishes about jobs
    /// of this part.
    pub(crate) fn mailbox(&self, boot: &str) -> String {
        format!("{}:runner:mail:{boot}", self.part.home)
    }

    /// Whether this is said for the first time.
    pub(crate) fn is_news(&self, remark: &str) -> bool {
        let mut told = self.process.told.lock().expect("no panic while it is held");
        told.insert(remark.to_owned())
    }

    /// A connection of its own, for calls that block: no limit on the answer.
    pub(crate) async fn dial_blocking(&self) -> Result<Connection, Error> {
        let dialling = self.process.server.dial(&self.part.place, None);
        dialling.await.map_err(|e| self.explain(&e))
    }

    /// Send a command and wait for its answer.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, Error> {
        self.call_raw(command).await.map_err(|fault| match fault {
            Fault::Known(error) => error,
            Fault::Redis(error) => self.explain(&error),
        })
    }

    /// Send a command, with Redis' own error for those who tell them apart.
    pub(in crate::queue) async fn call_raw(&self, command: &Cmd) -> Result<Value, Fault> {
        let held = self.connect().await.map_err(Fault::Known)?;
        let mut connection = (**held).clone();
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

    fn drop_connection(&self, broken: &Arc<Connection>) {
        let current = self.part.connection.load();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, broken)) {
            self.part.connection.compare_and_swap(&*current, None);
        }
    }

    async fn connect(&self) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.part.connection.load_full() {
            return Ok(connection);
        }
        let mut dial = self.part.dial.lock().await;
        if let Some(connection) = self.part.connection.load_full() {
            return Ok(connection);
        }
        if let Some(last) = dial
            .last
            .as_ref()
            .filter(|_| Instant::now() < dial.not_before)
        {
            return Err(last.clone());
        }
        let dialling = self.process.server.dial(&self.part.place, Some(ANSWER));
        match dialling.await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                self.part.connection.store(Some(connection.clone()));
                dial.spacing = Spacing::default();
                dial.last = None;
                Ok(connection)
            }
            Err(error) => {
                let error = self.explain(&error);
                dial.not_before = Instant::now() + dial.spacing.next();
                dial.last = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The answer to a command sent over a connection of its own.
    pub(crate) fn answer(&self, answer: redis::RedisResult<Value>) -> Result<Value, Error> {
        match answer {
            Ok(Value::ServerError(error)) => Err(self.explain(&error.into())),
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Our word for an error of the client.
    pub(crate) fn explain(&self, error: &redis::RedisError) -> Error {
        Error::of(&self.process.server, error)
    }
}

/// The sorted set of the processes of a prefix.
fn alive(prefix: &str) -> String {
    format!("{prefix}:runner:alive")
}
