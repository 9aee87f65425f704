//! `[plugins.<name>.sql]`: the databases of a plugin.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// A database that a plugin is granted.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// `url`, with the password.
    pub url: Secret,
    /// `readonly`: whether it may only be read.
    pub readonly: bool,
    /// `pool`: connections that all jobs of the process have together.
    pub pool: usize,
    /// `timeout`: how long one call may take, and making a connection.
    pub timeout: Duration,
    /// `max_rows`: rows that one call may return.
    pub max_rows: usize,
    /// `max_bytes`: bytes of values that one call may send or return.
    pub max_bytes: usize,
    /// `max_statements`: statements of one attempt.
    pub max_statements: usize,
    /// `ca`: certificates of the authorities that are trusted, PEM; the public ones
    /// without it.
    pub ca: Option<PathBuf>,
    /// `cert`: Runner's own certificate, PEM.
    pub cert: Option<PathBuf>,
    /// `key`: its key, PEM.
    pub key: Option<PathBuf>,
}

impl Default for Database {
    fn default() -> Self {
        Database {
            url: Secret(String::new()),
            readonly: false,
            pool: 10,
            timeout: Duration::from_secs(30),
            max_rows: 10_000,
            max_bytes: 16 << 20,
            max_statements: 1_000,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl Database {
    /// What it is, without a password: `postgres://db.internal/shop`.
    pub fn place(&self) -> String {
        let url = &self.url.0;
        let url = url.split_once('?').map_or(url.as_str(), |(url, _)| url);
        match url.split_once("://") {
            None => url.to_owned(),
            Some((scheme, rest)) => {
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                format!("{scheme}://{rest}")
            }
        }
    }
}

impl Display for Database {
    /// What is granted, for people: `postgres://db.internal/shop, read-only`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())?;
        f.write_str(match self.readonly {
            true => ", read-only",
            false => ", to read and write",
        })
    }
}
