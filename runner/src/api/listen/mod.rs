//! From sockets to requests: addresses, TLS, how long and how much a client may take,
//! how many there may be, and how they are let go.
//!
//! For the server alone. What hangs here is a client's own loss: nothing waits for a
//! connection, and each costs no more than a few kilobytes until its request is whole.

mod bodies;
mod connection;
mod crowd;
mod files;
mod line;
mod pace;
mod rate;
mod socket;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use http::header;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{
    DefaultPredicate, NotForContentType, Predicate, SizeAbove,
};

pub(super) use self::bodies::{Late, is_late};
use self::connection::Connection;
use self::crowd::Crowd;
pub(super) use self::rate::{Rates, Who};
use self::socket::Socket;
pub use self::socket::Unbound;
use super::Stage;
use super::problem::Problem;
use crate::config::{Config, Listen, Server};
use crate::telemetry::limit::limited;

/// Where a request comes from; in the extensions of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// This address.
    Tcp(std::net::SocketAddr),
    /// A process of this machine.
    Unix,
}

/// Bytes that the body of a request may have; in the extensions of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most(pub(super) u64);

/// How long to wait before taking connections again when the system has no room for one.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Below this a compressed answer saves no packet.
const WORTH_COMPRESSING: u64 = 1024;

/// When connections must end: `None` while they need not.
type Closing = watch::Receiver<Option<Instant>>;

/// Where a server listens, as clients write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    listen: Listen,
    tls: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.listen, self.tls) {
            (Listen::Tcp(address), false) => write!(f, "http://{address}"),
            (Listen::Tcp(address), true) => write!(f, "https://{address}"),
            (unix @ Listen::Unix(_), _) => unix.fmt(f),
        }
    }
}

/// An open address, and how it is served.
pub(super) struct Door {
    socket: Socket,
    tls: Option<TlsAcceptor>,
    settings: Arc<Server>,
    /// Ends the connections that came in here.
    closing: watch::Sender<Option<Instant>>,
}

impl Door {
    /// Take the address, on the runtime that will serve it.
    ///
    /// # Errors
    /// When it cannot be had, or the certificate cannot be used.
    pub(super) fn open(settings: &Arc<Server>) -> Result<Door, Unbound> {
        let tls = acceptor(settings)?;
        let socket = match Socket::bind(settings) {
            Err(Unbound::Taken(taken)) if settings.any_port => {
                tracing::warn!("{taken} is taken; the HTTP API takes another port");
                Socket::bind_any(settings)?
            }
            bound => bound?,
        };
        Ok(Door {
            socket,
            tls,
            settings: settings.clone(),
            closing: watch::Sender::new(None),
        })
    }

    /// Where it is, with the port that it got.
    pub(super) fn address(&self) -> Address {
        Address {
            listen: self.socket.address().clone(),
            tls: self.tls.is_some(),
        }
    }

    /// Say where it is.
    pub(super) fn tell(&self) {
        let tls = self.tls.is_some();
        tracing::info!(address = %self.socket.address(), tls, "the HTTP API listens");
    }
}

fn acceptor(settings: &Server) -> Result<Option<TlsAcceptor>, Unbound> {
    let tls = settings.tls.as_ref().map(tls::acceptor).transpose();
    tls.map_err(Unbound::Certificate)
}

/// Serves an application at a door that the configuration may move.
pub(super) struct Keeper {
    app: Router,
    door: Option<Door>,
    /// The settings that were tried last.
    wanted: Option<Arc<Server>>,
    crowd: Arc<Crowd>,
    /// Told where the door is.
    address: watch::Sender<Option<Address>>,
    /// Each connection has a clone: when the last is gone, so are they.
    alive: mpsc::Sender<()>,
    ended: mpsc::Receiver<()>,
}

impl Keeper {
    /// Nothing is served yet.
    pub(super) fn new(
        app: Router,
        door: Option<Door>,
        address: watch::Sender<Option<Address>>,
    ) -> Keeper {
        let (alive, ended) = mpsc::channel(1);
        files::raise();
        Keeper {
            app: dressed(app),
            wanted: door.as_ref().map(|door| door.settings.clone()),
            door,
            crowd: Arc::default(),
            address,
            alive,
            ended,
        }
    }

    /// Serve until told to stop. A door that cannot be opened leaves the old one in its
    /// place.
    pub(super) async fn run(
        mut self,
        mut configs: watch::Receiver<Arc<Config>>,
        mut stages: watch::Receiver<Stage>,
    ) {
        let grace = loop {
            tokio::select! {
                () = self.admit() => {}
                // It ends before the server does.
                Ok(()) = configs.changed() => {
                    let config = configs.borrow_and_update().clone();
                    self.follow(&config);
                }
                stage = stages.wait_for(|stage| matches!(stage, Stage::Stop(_))) => {
                    break match stage.as_deref() {
                        Ok(Stage::Stop(grace)) => *grace,
                        _ => Duration::ZERO,
                    };
                }
            }
        };
        self.close(grace, stages).await;
    }

    /// Take one connection.
    async fn admit(&self) {
        let Some(door) = &self.door else {
            return std::future::pending().await;
        };
        match door.socket.accept().await {
            Ok((stream, peer)) => self.serve(door, stream, peer),
            Err(error) if socket::is_of_client(&error) => {}
            Err(error) => {
                limited!(warn, "accept", "no connection is taken: {error}");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }

    fn serve(&self, door: &Door, stream: socket::Stream, peer: Peer) {
        let most = files::most(door.settings.max_connections);
        let connection = Connection {
            app: self.app.clone(),
            peer,
            settings: door.settings.clone(),
            closing: door.closing.subscribe(),
            alive: self.alive.clone(),
        };
        self.crowd.admit(most, stream, door.tls.clone(), connection);
    }

    /// Take all connections that are there already.
    fn serve_waiting(&self, door: &Door) {
        while let Some((stream, peer)) = door.socket.accept_waiting() {
            self.serve(door, stream, peer);
        }
    }

    /// Do what the configuration wants now.
    fn follow(&mut self, config: &Config) {
        if self.wanted == config.server {
            return;
        }
        self.wanted = config.server.clone();
        let until = Instant::now() + config.runtime.grace;
        match &config.server {
            Some(settings) => {
                if let Err(error) = self.replace(settings, until) {
                    let stays = match &self.door {
                        Some(door) => format!("it stays at {}", door.address()),
                        None => "it has no address".to_owned(),
                    };
                    tracing::error!("{error}; {stays}");
                }
            }
            None => self.leave(until),
        }
        let address = self.door.as_ref().map(Door::address);
        self.address.send_replace(address);
    }

    /// Close the door to new connections.
    fn leave(&mut self, until: Instant) {
        if let Some(door) = self.door.take() {
            tracing::info!(address = %door.socket.address(), "the HTTP API no longer listens");
            self.serve_waiting(&door);
            door.closing.send_replace(Some(until));
        }
    }

    /// Open a door with these settings, and close the one before it.
    fn replace(&mut self, settings: &Arc<Server>, until: Instant) -> Result<(), Unbound> {
        if let Some(door) = &mut self.door
            && door.settings.listen == settings.listen
        {
            door.tls = acceptor(settings)?;
            door.socket.admit_by(settings.socket_mode);
            door.settings = settings.clone();
            return Ok(());
        }
        let new = match Door::open(settings) {
            Err(Unbound::Taken(_)) if self.overlaps(settings) => self.widen(settings)?,
            opened => opened?,
        };
        new.tell();
        self.leave(until);
        self.door = Some(new);
        Ok(())
    }

    /// Whether the door itself is what takes the wanted address: a port at one address
    /// and at all of them.
    fn overlaps(&self, settings: &Server) -> bool {
        let old = self.door.as_ref().map(|door| door.socket.address());
        match (old, &settings.listen) {
            (Some(Listen::Tcp(old)), Listen::Tcp(new)) => old.port() == new.port(),
            _ => false,
        }
    }

    /// Open a door where only the old one stands in the way. Its connections go on.
    fn widen(&mut self, settings: &Arc<Server>) -> Result<Door, Unbound> {
        if let Some(old) = &self.door {
            self.serve_waiting(old);
        }
        let pause = |door: &mut Door| door.socket.pause();
        self.door.iter_mut().for_each(pause);
        Door::open(settings).inspect_err(|_| {
            if let Some(Err(error)) = self.door.as_mut().map(|old| old.socket.resume()) {
                tracing::error!("the HTTP API has lost its address: {error}");
                self.door = None;
            }
        })
    }

    /// Take no more; what is in flight may end within the grace.
    async fn close(mut self, grace: Duration, mut stages: watch::Receiver<Stage>) {
        let mut until = Instant::now() + grace;
        if let Some(door) = self.door.take() {
            self.serve_waiting(&door);
            door.closing.send_replace(Some(until));
        }
        let Keeper {
            alive, mut ended, ..
        } = self;
        drop(alive);
        loop {
            tokio::select! {
                _ = ended.recv() => return,
                () = tokio::time::sleep_until(until) => return,
                Ok(()) = stages.changed() => {
                    if let Stage::Stop(grace) = *stages.borrow_and_update() {
                        until = until.min(Instant::now() + grace);
                    }
                }
            }
        }
    }
}

/// The application with what all answers have in common.
fn dressed(app: Router) -> Router {
    let worth = DefaultPredicate::new()
        .and(SizeAbove::new(WORTH_COMPRESSING))
        .and(NotForContentType::const_new("application/x-ndjson"));
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(worth);
    app.layer(compression).layer(CatchPanicLayer::custom(
        |_: Box<dyn std::any::Any + Send>| {
            let mut response = Problem::bug("a handler has panicked").into_response();
            let close = http::HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            response
        },
    ))
}
