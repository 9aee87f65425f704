//! Wires all parts and owns their tasks: start, reload, drain.
//!
//! A queue is consumed while its plugins serve: a missing or refused plugin
//! holds its queue instead of failing jobs, and the queue starts by itself when
//! the file is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use crate::config::{self, Config, Env, Loaded, Overrides, RedisUrl};
use crate::embedded::{self, Embedded};
use crate::executor::Executor;
use crate::host::Host;
use crate::outbox::Outbox;
use crate::plugin::{self, Plugins};
use crate::queue::{self, Queue, Redis};
use crate::worker::Worker;

/// What to start with.
#[derive(Debug)]
pub struct Start {
    /// `queues.toml`.
    pub file: PathBuf,
    /// The directory it is in.
    pub directory: PathBuf,
    /// Command-line flags, which go before the file.
    pub overrides: Overrides,
    /// Answer plugins' HTTP requests locally.
    pub outbox: bool,
}
