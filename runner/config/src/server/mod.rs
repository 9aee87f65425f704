//! `[server]`: how programs and people reach this process over HTTP.

pub(crate) mod access;
pub(crate) mod grant;
pub(crate) mod jwt;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::{Access, Limiter, Secret};

/// `[server]`: the HTTP API. Without the table, and without `--listen`, there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Where it listens. Defaults to `127.0.0.1:3000`.
    pub listen: Listen,
    /// Whether any free port will do when that of `listen` is taken, because nobody
    /// asked for it.
    pub any_port: bool,
    /// Who may connect to a unix socket, as `chmod` writes it. Defaults to `0660`.
    pub socket_mode: u32,
    /// Speak TLS, and nothing else.
    pub tls: Option<Certificate>,
    /// How long the head of a request may take. Defaults to 10 s.
    pub header_timeout: Duration,
    /// How long the body of a request may take, at more than a trickle. Defaults to
    /// 30 s.
    pub body_timeout: Duration,
    /// How long a connection may rest between requests. Defaults to 75 s, a little more
    /// than the pools of common clients and proxies keep one.
    pub idle_timeout: Duration,
    /// How long a client may leave an answer unread. Defaults to 30 s.
    pub send_timeout: Duration,
    /// The largest body that is read. Defaults to 10 MiB.
    pub max_body: usize,
    /// The most connections at once. Defaults to 10 000.
    pub max_connections: u32,
    /// The most requests of one token, or of one address without a token.
    pub rate: Option<Limiter>,
    /// Who may use it.
    pub access: Access,
}

/// What nobody set; each value is explained at its field.
impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 3000))),
            any_port: false,
            socket_mode: 0o660,
            tls: None,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(30),
            max_body: 10 << 20,
            max_connections: 10_000,
            rate: None,
            access: Access::default(),
        }
    }
}

impl Server {
    /// Whether every caller must say who it is.
    pub fn authenticates(&self) -> bool {
        self.access.authenticates()
    }
}

/// `tls`: what a server shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The file of the certificate and those that vouch for it.
    pub file: PathBuf,
    /// What the file holds, PEM.
    pub chain: String,
    /// The certificate's key, PEM.
    pub key: Secret,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port; port 0 is any that is free.
    Tcp(SocketAddr),
    /// A socket of this machine.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

/// As `queues.toml` writes it.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
