//! What the store of one attempt holds, and what a plugin was granted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

use super::client::{Grant, Hooks, Http, Room, Stores};
use super::databases::{Databases, Granted};
use super::limits::{Budget, Memory, Quota};
use super::lost::refuse_lost;
use super::output::{Lines, Log, Reports};
use super::program::{Program, Stdout};
use super::scratch::{Scratch, Scratches};
use super::wasi::{context, handles};
use super::writes::Writes;
use crate::config::{JobSettings, Plugin};
use crate::queue::{Attempt, request_id};
use crate::redact::Redactor;

/// Bytes a guest may hand over in one call; an HTTP body of 10 MiB fits.
const CALL: usize = 16 << 20;
/// Handles a guest may hold: streams, descriptors, requests.
const HANDLES: usize = 1_000;

/// What one plugin may reach, prepared once per version and configuration.
#[derive(Debug, Clone)]
pub struct Grants {
    /// Its table of `queues.toml`.
    pub plugin: Arc<Plugin>,
    /// The hosts it may send requests to, with its connections.
    pub http: Arc<Grant>,
    /// Its databases, with their connections.
    databases: Arc<Granted>,
    /// Its object stores, with their connections.
    pub stores: Arc<Stores>,
    /// Takes its secrets out of what leaves it.
    pub redactor: Arc<Redactor>,
    /// How many files it may be opening at the same time.
    opens: Arc<Semaphore>,
    /// Where its scratch directories are made.
    scratches: Arc<Scratches>,
}

impl Grants {
    /// What the table of this plugin grants, by way of `http`.
    pub(super) fn new(
        http: &Http,
        databases: &Databases,
        scratches: &Arc<Scratches>,
        plugin: Arc<Plugin>,
    ) -> Grants {
        let stores = Arc::new(http.stores(&plugin));
        let http = http.grant(&plugin);
        Grants {
            stores,
            databases: Arc::new(databases.of(&plugin)),
            redactor: http.redactor(),
            http: Arc::new(http),
            opens: context::opens(),
            scratches: scratches.clone(),
            plugin,
        }
    }
}

/// What the store of one attempt holds.
pub struct State {
    pub(super) attempt: Arc<Attempt>,
    pub(super) settings: JobSettings,
    /// The way to Redis.
    pub(super) writes: Arc<Writes>,
    pub(super) plugin: Arc<Plugin>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) grant: Arc<Grant>,
    pub(super) databases: Arc<Granted>,
    /// Statements run so far, by database.
    pub(super) statements: BTreeMap<String, usize>,
    pub(super) stores: Arc<Stores>,
    /// Each unfinished upload has a clone. Made with the first.
    pub(super) uploads: Option<Arc<()>>,
    pub(super) opens: Arc<Semaphore>,
    pub(super) scratches: Arc<Scratches>,
    /// Made with its other directories.
    pub(super) scratch: Option<Scratch>,
    /// What is in it.
    pub(super) quota: Arc<Mutex<Quota>>,
    pub(super) memory: Memory,
    /// Log lines and bytes for Redis that are left.
    pub(super) budget: Arc<Budget>,
    pub(super) log: Log,
    pub(super) stdout: Stdout,
    pub(super) stderr: Lines,
    /// `requestId` of the payload, carried on to requests and jobs.
    pub(super) request_id: Option<String>,
    /// Requests so far that asked for an idempotency key: each gets its number.
    pub(super) idempotent_requests: u32,
    /// Jobs added so far, which `max_adds` limits.
    pub(super) jobs_added: usize,
    /// Steps recorded in this attempt; those of earlier ones are in the job.
    pub(super) checkpoints: Vec<(String, String)>,
    /// Handles of open listings of directories.
    pub(super) listings: Vec<u32>,
    pub(super) wasi: WasiCtx,
    pub(super) wasi_http: WasiHttpCtx,
    /// Made when it is first used: most jobs send nothing by `wasi:http`.
    pub(super) wasi_hooks: Option<Hooks>,
    /// What its requests may take; also made when it is first used.
    pub(super) room: Option<Room>,
    pub(super) table: ResourceTable,
}

impl State {
    /// A store for one attempt, with every limit set and no directory opened.
    pub(super) fn store(engine: &Engine, state: State) -> Store<State> {
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(CALL);
        store
    }

    // Long because a state has many fields.
    /// What is held for one attempt, with no directory opened; for a command with what
    /// the program is called with.
    pub(super) fn new(
        writes: &Arc<Writes>,
        grants: &Grants,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
        program: Option<&Program>,
    ) -> State {
        let request_id = request_id(&attempt.job.data);
        let budget = Arc::new(Budget::new(settings.max_logs, settings.max_sent));
        let log = Log::new(
            attempt.clone(),
            grants.redactor.clone(),
            settings.contract.clone(),
            request_id.as_deref().map(Into::into),
            budget.clone(),
        );
        let mut wasi = context::wasi(&grants.plugin);
        let (stdout, stderr) = match program {
            None => Stdout::logged(&mut wasi, &log),
            Some(program) => {
                let reports = Reports {
                    attempt: attempt.clone(),
                    redactor: grants.redactor.clone(),
                    budget: budget.clone(),
                    log: log.clone(),
                };
                let id = request_id.as_deref();
                program.set_up(&mut wasi, reports, id, settings.max_result)
            }
        };
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        State {
            attempt: attempt.clone(),
            settings: settings.clone(),
            writes: writes.clone(),
            plugin: grants.plugin.clone(),
            redactor: grants.redactor.clone(),
            grant: grants.http.clone(),
            databases: grants.databases.clone(),
            statements: BTreeMap::new(),
            stores: grants.stores.clone(),
            uploads: None,
            opens: grants.opens.clone(),
            scratches: grants.scratches.clone(),
            scratch: None,
            quota: Arc::new(Mutex::new(Quota::new(
                grants.plugin.scratch.unwrap_or(0) as u64
            ))),
            memory: Memory::new(settings.memory),
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
            wasi: wasi.build(),
            wasi_http: context::http(),
            table,
        }
    }

    /// The instance has been made.
    pub fn has_started(&mut self) {
        self.memory.has_started();
    }

    /// Put this state of another attempt in the place of the last one's. What the guest
    /// has of WASI goes on: its clock does not jump, its handles stay as they are, and
    /// its standard streams are those of the new attempt.
    pub(super) fn renew(&mut self, new: State) {
        let old = std::mem::replace(self, new);
        self.memory = old.memory.renewed(self.settings.memory);
        old.stdout.become_that(&self.stdout);
        old.stderr.become_those(&self.stderr);
        self.stdout = old.stdout;
        self.stderr = old.stderr;
        self.wasi = old.wasi;
        self.table = old.table;
    }

    /// Whether the attempt came to one of its limits, also if the guest made do.
    fn is_limited(&self) -> bool {
        self.memory.refused().is_some() || self.budget.is_reached()
    }

    /// Whether the guest of an attempt that has ended may serve another: it came to no
    /// limit, and holds nothing of the host but what every job has. Otherwise this says
    /// why not.
    ///
    /// # Errors
    /// Why it may not.
    pub fn is_reusable(&mut self) -> Result<(), &'static str> {
        if self.is_limited() {
            return Err("it came to a limit");
        }
        if self.plugin.scratch.is_some() {
            return Err("it has the scratch directory of its job");
        }
        let streams = self.stdout.streams() + self.stderr.streams();
        match handles::are_those_of_every_job(&mut self.table, streams) {
            true => Ok(()),
            false => Err("it holds handles of its job"),
        }
    }

    /// What the memory limit was and what the guest asked for.
    pub fn memory(&self) -> &Memory {
        &self.memory
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
    pub(super) fn room(&mut self) -> Room {
        let room = || Room::new(&self.settings);
        self.room.get_or_insert_with(room).clone()
    }

    /// Refuse a write for a job that is another's.
    pub(super) fn refuse_lost(&self) -> Result<(), String> {
        refuse_lost(&self.attempt)
    }
}
