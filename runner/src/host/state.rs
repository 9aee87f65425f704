//! What the store of one attempt holds, and what a plugin was granted.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

use super::client::{Grant, Hooks, Http, Room};
use super::limits::{Budget, Memory};
use super::lost::refuse_lost;
use super::output::{Lines, Log};
use super::wasi::context;
use super::writes::Writes;
use crate::config::{JobSettings, Plugin};
use crate::queue::Attempt;
use crate::redact::Redactor;
use runner_bindings::runner::plugin::log::Level;

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
    /// Takes its secrets out of what leaves it.
    pub redactor: Arc<Redactor>,
    /// How many files it may be opening at the same time.
    opens: Arc<Semaphore>,
}

impl Grants {
    /// What the table of this plugin grants, by way of `http`.
    pub(super) fn new(http: &Http, plugin: Arc<Plugin>) -> Grants {
        let http = http.grant(&plugin);
        Grants {
            redactor: http.redactor(),
            http: Arc::new(http),
            opens: context::opens(),
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
    pub(super) opens: Arc<Semaphore>,
    pub(super) memory: Memory,
    /// Log lines and bytes for Redis that are left.
    pub(super) budget: Arc<Budget>,
    pub(super) log: Log,
    pub(super) stdout: Lines,
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
    pub(super) fn store(
        engine: &Engine,
        writes: &Arc<Writes>,
        grants: &Grants,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
    ) -> Store<State> {
        let request_id = request_id(&attempt.job.data);
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
        let wasi = context::wasi(&stdout, &stderr);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let state = State {
            attempt: attempt.clone(),
            settings: settings.clone(),
            writes: writes.clone(),
            plugin: grants.plugin.clone(),
            redactor: grants.redactor.clone(),
            grant: grants.http.clone(),
            opens: grants.opens.clone(),
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
            wasi,
            wasi_http: context::http(),
            table,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(CALL);
        store
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

/// `requestId`, or else `xRequestId`, of a payload that is an object.
pub(super) fn request_id(data: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ids {
        #[serde(default, deserialize_with = "text")]
        request_id: Option<String>,
        #[serde(default, deserialize_with = "text")]
        x_request_id: Option<String>,
    }
    /// A string; anything else is as good as absent.
    fn text<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
        let value = <&serde_json::value::RawValue>::deserialize(value)?;
        Ok(serde_json::from_str(value.get()).ok())
    }
    // Most payloads have none, and looking for the word is faster than parsing.
    if !data.contains("equestId\"") {
        return None;
    }
    let ids: Ids = serde_json::from_str(data).ok()?;
    ids.request_id.or(ids.x_request_id)
}
