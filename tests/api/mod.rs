//! The HTTP API, through its socket.

mod access;
mod clients;
mod described;
mod events;
mod forged;
mod jobs;
mod listening;
mod manual;
mod observe;
mod probes;
mod prometheus;
mod queues;
mod remote;
mod search;
mod stats;
mod verdicts;

use crate::support::{Redis, Setup};

/// `[server]` on a free port, and this after it.
pub(crate) fn served(redis: &Redis, toml: &str) -> Setup {
    Setup::new(
        redis,
        &format!("[server]\nlisten = \"127.0.0.1:0\"\n{toml}"),
    )
}
