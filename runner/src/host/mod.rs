//! The host API: what a guest can reach, and how much of it.
//!
//! One file per WIT interface, plus [`limits`], [`stdio`], [`redact`] and the
//! WASI view. [`Host`] belongs to the process, [`State`] to one attempt: it is
//! made from nothing and dropped with the instance, so that no job sees
//! anything of another.

pub mod bindings;
mod budget;
mod checkpoint;
mod config;
mod files;
pub mod http;
mod job;
pub mod limits;
pub mod log;
mod progress;
mod queue;
pub mod redact;
mod stdio;
mod wasi;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, Semaphore};
use tokio::time::Instant;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

use self::bindings::runner::plugin::log::Level;
use self::budget::Budget;
use self::http::{Grant, Http};
use self::limits::Limits;
use self::log::Log;
use self::redact::Redactor;
use self::stdio::Lines;
use crate::config::{JobSettings, Plugin};
use crate::contract;
use crate::queue::{Attempt, NewJob, Queue, Stop};

/// Bytes a guest may hand over in one call; an HTTP body of 10 MiB fits.
const CALL: usize = 16 << 20;
/// Bytes of a write to Redis from which it waits for its turn. Redis takes about
/// 0.1 ms for so many, as for a batch of plain jobs.
const LARGE: usize = 256 << 10;
/// The longest rest after one: a Redis that was silent for longer is another
/// trouble.
const REST: Duration = Duration::from_secs(1);
/// Handles a guest may hold: streams, descriptors, requests.
const HANDLES: usize = 1_000;

/// What all guests of the process share.
pub struct Host {
    engine: Engine,
    linker: Linker<State>,
    http: Http,
    queues: ArcSwap<HashMap<String, Queue>>,
    recorded: Option<Mutex<Vec<Effect>>>,
    /// When the next large write may begin: see [`Host::turn`].
    large: AsyncMutex<Instant>,
}

/// What a guest would have written to Redis, in a host that records instead.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A job was added to this queue.
    Added(String, Box<NewJob>),
    /// A child of the job was added to this queue.
    Child(String, Box<NewJob>),
    /// The payload was replaced.
    Data(String),
    /// A step was recorded, with its value.
    Checkpoint(String, String),
}

impl Host {
    /// A host on this engine, with this way out.
    ///
    /// # Errors
    /// When an interface cannot be linked, which is a fault of ours.
    pub fn new(engine: Engine, http: Http) -> wasmtime::Result<Host> {
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        files::add_to_linker(&mut linker)?;
        bindings::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        Ok(Host {
            engine,
            linker,
            http,
            queues: ArcSwap::default(),
            recorded: None,
            large: AsyncMutex::new(Instant::now()),
        })
    }

    /// Record what guests write instead of writing it: `runner run` works without
    /// Redis.
    pub fn recording(self) -> Host {
        Host {
            recorded: Some(Mutex::default()),
            ..self
        }
    }

    /// What was recorded since the last call.
    pub fn take_recorded(&self) -> Vec<Effect> {
        let Some(recorded) = &self.recorded else {
            return Vec::new();
        };
        std::mem::take(&mut recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Record an effect; false when this host writes to Redis.
    fn record(&self, effect: impl FnOnce() -> Effect) -> bool {
        let Some(recorded) = &self.recorded else {
            return false;
        };
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push(effect());
        true
    }

    /// Whether what guests write is recorded instead of written.
    fn records(&self) -> bool {
        self.recorded.is_some()
    }

    /// Wait for the turn of a write of so many bytes, kept until it is done. Large
    /// ones go one after the other, with as long a rest in between as they took:
    /// whatever else this process and others have to say to Redis waits behind
    /// them.
    async fn turn(&self, bytes: usize) -> Option<Turn<'_>> {
        if bytes < LARGE {
            return None;
        }
        let rest = self.large.lock().await;
        tokio::time::sleep_until(*rest).await;
        let began = Instant::now();
        Some(Turn { rest, began })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Everything a component can import.
    pub fn linker(&self) -> &Linker<State> {
        &self.linker
    }

    /// The queues plugins can add to: all that are declared.
    pub fn set_queues(&self, queues: HashMap<String, Queue>) {
        self.queues.store(Arc::new(queues));
    }

    /// The declared queue of this name.
    pub fn queue(&self, name: &str) -> Option<Queue> {
        self.queues.load().get(name).cloned()
    }

    /// What this plugin may reach.
    pub fn grants(&self, plugin: Arc<Plugin>) -> Grants {
        let http = self.http.grant(&plugin);
        Grants {
            redactor: http.redactor(),
            http: Arc::new(http),
            opens: files::opens(),
            plugin,
        }
    }
}

/// The turn of a large write.
struct Turn<'a> {
    rest: AsyncMutexGuard<'a, Instant>,
    began: Instant,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.rest = Instant::now() + self.began.elapsed().min(REST);
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// What one plugin may reach, prepared once per version and configuration.
#[derive(Debug, Clone)]
pub struct Grants {
    /// Its table of `queues.toml`.
    pub plugin: Arc<Plugin>,
    /// Hosts.
    pub http: Arc<Grant>,
    /// Secrets that must not leave it.
    pub redactor: Arc<Redactor>,
    /// Files it may have in the course of being opened.
    opens: Arc<Semaphore>,
}

/// What the store of one attempt holds.
pub struct State {
    attempt: Arc<Attempt>,
    settings: JobSettings,
    host: Arc<Host>,
    plugin: Arc<Plugin>,
    redactor: Arc<Redactor>,
    grant: Arc<Grant>,
    opens: Arc<Semaphore>,
    limits: Limits,
    budget: Arc<Budget>,
    log: Log,
    stdout: Lines,
    stderr: Lines,
    request_id: Option<String>,
    idempotent_requests: u32,
    jobs_added: usize,
    checkpoints: Vec<(String, String)>,
    /// Handles of open listings of directories.
    listings: Vec<u32>,
    wasi: WasiCtx,
    wasi_http: WasiHttpCtx,
    /// Made with the first use: most jobs send nothing by `wasi:http`.
    wasi_hooks: Option<http::Hooks>,
    /// As is this.
    room: Option<http::Room>,
    table: ResourceTable,
}

impl State {
    /// A store for one attempt, with every limit set and no directory opened.
    pub fn store(
        host: &Arc<Host>,
        grants: &Grants,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
    ) -> Store<State> {
        let request_id = job::request_id(&attempt.job.data);
        let budget = Arc::new(Budget::new(settings.max_logs, settings.max_sent));
        let log = Log::new(
            attempt.clone(),
            grants.redactor.clone(),
            settings.contract.clone(),
            request_id.as_deref().map(Into::into),
            budget.clone(),
        );
        let stdout = Lines::new(log.clone(), Level::Info);
        let stderr = Lines::new(log.clone(), Level::Warn);
        let wasi = wasi::context(&stdout, &stderr);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let state = State {
            attempt: attempt.clone(),
            settings: settings.clone(),
            host: host.clone(),
            plugin: grants.plugin.clone(),
            redactor: grants.redactor.clone(),
            grant: grants.http.clone(),
            opens: grants.opens.clone(),
            limits: Limits::new(settings.memory),
            budget,
            log,
            stdout,
            stderr,
            wasi_hooks: None,
            room: None,
            request_id,
            idempotent_requests: 0,
            jobs_added: 0,
            checkpoints: Vec::new(),
            listings: Vec::new(),
            wasi,
            wasi_http: wasi::http_context(),
            table,
        };
        let mut store = Store::new(&host.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(CALL);
        store
    }

    /// What the memory limit was and what the guest asked for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A text of the guest for people, without what is secret or sensitive.
    pub fn discreet(&self, text: String) -> String {
        self.log.redact(text)
    }

    /// End the guest's output; the last lines of its stderr.
    pub fn finish_output(&self) -> Vec<String> {
        self.stdout.finish();
        self.stderr.finish()
    }

    /// What the requests of the attempt may take.
    fn room(&mut self) -> http::Room {
        let room = || http::Room::new(&self.settings);
        self.room.get_or_insert_with(room).clone()
    }

    /// The text that refuses a write of an attempt whose job is lost.
    fn refuse_lost(&self) -> Result<(), String> {
        match self.attempt.stopped() {
            Some(Stop::LockLost) => {
                Err("the lock of this job is lost; another worker may be running it".into())
            }
            Some(Stop::Removed) => Err("this job was removed".into()),
            _ => Ok(()),
        }
    }
}

/// Whether a text is JSON that is not nested deeper than this. Does not recurse,
/// so depth is no danger.
///
/// # Errors
/// What is wrong, to follow a name of the text: `is not JSON: …`; the place in it
/// begins with `root`.
pub fn check_json(root: &'static str, text: &str, depth: usize) -> Result<(), String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("is not JSON: {error}"))?;
    match contract::too_deep(root, text, depth) {
        Some(fault) => Err(format!("is nested too deep: {fault}")),
        None => Ok(()),
    }
}
