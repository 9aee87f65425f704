//! The outbox: answers plugins' outgoing HTTP on this machine, for development.
//!
//! `runner dev --outbox` puts it in the place of the network. A request has
//! passed the plugin's grants before it comes here, so what is denied in
//! production is denied here too. Each one is recorded ([`record`]) and answered
//! by the first rule that matches ([`rules`]): those of `outbox.toml` beside
//! `queues.toml`, then the built-in ones for well-known services, then `200 {}`.
//!
//! For the HTTP client of the host and for `runner outbox`. Opens no connection,
//! writes only its own file, and knows no plugin but by the requests it sends.

mod record;
mod rules;
mod show;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use http::{HeaderMap, Method};
use runner_redact::Redactor;
use url::Url;

pub use self::record::Entry;
use self::record::Record;
use self::rules::{Fault, Rules};
pub use self::show::{Filter, Format, clear, follow, read, render};

/// Name of the record in the data directory.
pub const FILE: &str = "outbox.ndjson";

/// Name of the rules beside `queues.toml`.
pub const RULES: &str = "outbox.toml";

/// What goes wrong with the outbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `outbox.toml` cannot be used; the text has line and caret.
    #[error("{}: {reason}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong, where.
        reason: String,
    },
    /// Nothing was recorded yet.
    #[error("there is no outbox at {path:?}: start \"runner dev --outbox\" and run a job")]
    Absent {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// A line of the record is not an entry.
    #[error(
        "line {line} of {path:?} is not an entry: {reason}: \"runner outbox --clear\" starts a new record"
    )]
    Entry {
        /// The record.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    }
}

/// A request that was granted and is to be answered.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Plugin that sends it.
    pub plugin: &'a str,
    /// Queue of its job.
    pub queue: &'a str,
    /// Id of its job.
    pub job: &'a str,
    /// Method.
    pub method: &'a Method,
    /// Checked URL.
    pub url: &'a Url,
    /// As they would have been sent, without `Host` and framing.
    pub headers: &'a HeaderMap,
    /// Content.
    pub body: &'a [u8],
    /// Takes secrets out of what is recorded.
    pub redactor: &'a Redactor,
}

/// How a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A response.
    Reply {
        /// 100 to 599.
        status: u16,
        /// Names in lower case.
        headers: Vec<(String, String)>,
        /// Content.
        body: Vec<u8>,
    },
    /// The connection breaks before a response.
    Reset,
}

/// Answers requests and keeps the record.
#[derive(Debug)]
pub struct Outbox {
    record: Record,
    rules: Mutex<Rules>,
}

impl Outbox {
    /// An outbox that records to [`FILE`] in `data`, which is created, and reads
    /// the rules in `rules`, which need not exist. The rules are read again when
    /// the file changes; a bad edit changes nothing but a warning.
    pub fn new(data: &Path, rules: PathBuf) -> Result<Self, Error> {
        Ok(Outbox {
            record: Record::open(&data.join(FILE))?,
            rules: Mutex::new(Rules::read(rules)?),
        })
    }

    /// Record a request and answer it. With the fault `timeout` it never is:
    /// the caller's own time limit ends the wait.
    pub async fn answer(&self, exchange: Exchange<'_>) -> Answer {
        let chosen = {
            let mut rules = self.rules.lock().expect("no panic while rules are held");
            rules.refresh();
            rules.choose(&exchange)
        };
        if let Err(error) = self.record.write(&exchange, &chosen) {
            tracing::warn!(%error, "a request could not be recorded in the outbox");
        }
        tokio::time::sleep(chosen.delay).await;
        match chosen.fault {
            Some(Fault::Timeout) => std::future::pending().await,
            Some(Fault::Reset) => Answer::Reset,
            Some(Fault::Status) | None => Answer::Reply {
                status: chosen.status,
                headers: chosen.headers,
                body: chosen.body.into_bytes(),
            },
        }
    }
}
