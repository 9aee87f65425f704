//! Which database it is, and what may be had of it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// How a database is reached, and what may be had of it.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://`, `postgresql://`, `mysql://`, `mariadb://` or `sqlite:`, with all that
    /// is secret in it.
    ///
    /// Postgres and MySQL use TLS with `sslmode=require` (or when [`Tls`] has something),
    /// and then always check the server's certificate; without it, or with
    /// `sslmode=disable`, they do not. `prepare=false` has Postgres prepare no statements by
    /// name, for a PgBouncer in transaction mode. A file of SQLite must exist, unless there
    /// is `mode=rwc`.
    pub url: String,
    /// Whether it may only be read.
    pub readonly: bool,
    /// How many connections there may be at a time; at least 1 is taken.
    pub pool: usize,
    /// How long making a connection may take. How long a statement may take is given with
    /// each call.
    pub timeout: Duration,
    /// How many rows may come back of a call.
    pub max_rows: usize,
    /// How many bytes of values may go there or come back with a call.
    pub max_bytes: usize,
    /// How the server and we know each other.
    pub tls: Tls,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("readonly", &self.readonly)
            .field("pool", &self.pool)
            .field("timeout", &self.timeout)
            .field("max_rows", &self.max_rows)
            .field("max_bytes", &self.max_bytes)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// How the server and we know each other. Files of PEM, read with each connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities that are trusted; the public ones without it.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    fn wanted(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }
}

/// Which of the databases a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    Mysql,
    Sqlite,
}

/// The server that the URL names, by its scheme.
pub(crate) fn server(url: &str) -> Result<Server, Error> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" => Ok(Server::Postgres),
        "mysql" | "mariadb" => Ok(Server::Mysql),
        "sqlite" => Ok(Server::Sqlite),
        _ => Err(Error::invalid(
            "its URL must begin with postgres://, mysql:// or sqlite:",
        )),
    }
}

/// The URL of a server, without the parameters that are ours.
pub(crate) struct Address {
    /// What is left of it.
    pub(crate) url: String,
    pub(crate) tls: bool,
    pub(crate) prepare: bool,
}

/// Read the URL of a server, and take out of it what is ours.
pub(crate) fn address(settings: &Settings) -> Result<Address, Error> {
    let (base, query) = settings.url.split_once('?').unwrap_or((&settings.url, ""));
    let mut tls = None;
    let mut prepare = true;
    let mut left = Vec::new();
    for parameter in query.split('&').filter(|it| !it.is_empty()) {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("sslmode" | "ssl-mode", mode) => tls = Some(sslmode(mode)?),
            ("prepare", "true") => {}
            ("prepare", "false") => prepare = false,
            ("prepare", _) => {
                return Err(Error::invalid("prepare must be true or false in its URL"));
            }
            _ => left.push(parameter),
        }
    }
    if tls == Some(false) && settings.tls.wanted() {
        return Err(Error::invalid(
            "its URL has sslmode=disable, but ca, cert or key are given: leave out one of them",
        ));
    }
    let mut url = base.to_owned();
    if !left.is_empty() {
        url = format!("{url}?{}", left.join("&"));
    }
    Ok(Address {
        url,
        tls: tls.unwrap_or_else(|| settings.tls.wanted()),
        prepare,
    })
}

/// Whether a mode of libpq or MySQL asks for TLS. What only prefers it protects against
/// nobody.
fn sslmode(mode: &str) -> Result<bool, Error> {
    match mode.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(false),
        "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => Ok(true),
        _ => Err(Error::invalid(
            "sslmode must be require or disable in its URL; require always checks the server's \
             certificate",
        )),
    }
}
