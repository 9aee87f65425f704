//! The host API: what a guest can reach, and how much of it.
//!
//! One file here per WIT interface, an `impl Host for State`; they know [`State`],
//! and nothing here knows them. What an attempt needs for one is a field of
//! [`State`]; what the process shares is in [`Host`] and [`writes`]. Around them:
//! [`client`] (HTTP), [`wasi`], [`output`] (log lines), [`command`] (what only programs
//! have), [`limits`].
//!
//! [`Host`] belongs to the process, [`State`] to one attempt: it is made from nothing,
//! so that no job sees anything of another. Where instances serve several jobs
//! (`reuse`), each has a state of its own, too; only WASI's clock, standard streams and
//! directories go on.

mod blobs;
mod checkpoint;
pub mod client;
mod command;
mod config;
mod databases;
mod http;
mod job;
mod kept;
mod kv;
pub mod limits;
mod log;
mod lost;
pub mod output;
mod program;
mod progress;
mod queue;
mod scratch;
mod sql;
mod state;
pub mod wasi;
mod writes;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch::Receiver;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, Store};

pub use self::client::Http;
pub use self::command::NoResult;
use self::databases::Databases;
pub use self::databases::script::{Answer, Asked, Script};
pub use self::program::Program;
use self::scratch::Scratches;
pub use self::state::{Grants, State};
use self::wasi::files;
pub use self::writes::Effect;
use self::writes::Writes;
use crate::config::{JobSettings, Plugin};
use crate::queue::{Attempt, Queue, Settings};
use runner_bindings::program::Programs;

/// What all guests of the process share.
pub struct Host {
    engine: Engine,
    linker: Linker<State>,
    http: Http,
    databases: Databases,
    writes: Arc<Writes>,
    scratches: Arc<Scratches>,
}

impl Host {
    /// A host on this engine, with this way out. Scratch directories are made in
    /// `scratch`, which need not be there.
    ///
    /// # Errors
    /// When an interface cannot be linked, which is a fault of ours.
    pub fn new(engine: Engine, http: Http, scratch: PathBuf) -> wasmtime::Result<Host> {
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        files::add_to_linker(&mut linker)?;
        wasi::logging::add_to_linker(&mut linker)?;
        wasi::config::add_to_linker(&mut linker)?;
        Programs::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        runner_bindings::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        Ok(Host {
            engine,
            linker,
            databases: Databases::new(http.io().clone()),
            http,
            writes: Arc::new(Writes::new()),
            scratches: Arc::new(Scratches::new(scratch)),
        })
    }

    /// Record what guests write instead of writing it: `runner run` works without
    /// Redis. These are the queues they can add to.
    pub fn recording(self, queues: HashMap<String, Settings>) -> Host {
        Host {
            writes: Arc::new(Writes::recording(queues)),
            ..self
        }
    }

    /// Have this answer in the place of all databases.
    pub fn scripted(self, script: Arc<Script>) -> Host {
        Host {
            databases: self.databases.by_script(script),
            ..self
        }
    }

    /// What was recorded since the last call.
    pub fn take_recorded(&self) -> Vec<Effect> {
        self.writes.take_recorded()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The way out of the process.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Everything a component can import.
    pub fn linker(&self) -> &Linker<State> {
        &self.linker
    }

    /// The queues plugins can add to: all that are declared. A host that records keeps
    /// its own.
    pub fn set_queues(&self, queues: HashMap<String, Queue>) {
        self.writes.set_queues(queues);
    }

    /// The declared queue of this name.
    pub fn queue(&self, name: &str) -> Option<Queue> {
        self.writes.queue(name)
    }

    /// What this plugin may reach.
    pub fn grants(&self, plugin: Arc<Plugin>) -> Grants {
        Grants::new(&self.http, &self.databases, &self.scratches, plugin)
    }

    /// Whether all databases of a plugin have answered since they were granted; otherwise
    /// why one has not, if that is known. They are tried until they do.
    ///
    /// # Errors
    /// The reason.
    pub fn reached(&self, plugin: &str) -> Result<(), Option<String>> {
        self.databases.reached(plugin)
    }

    /// Close the databases of plugins that are no longer configured.
    pub fn keep_databases(&self, configured: impl Fn(&str) -> bool) {
        self.databases.keep(configured);
    }

    /// Why one of a plugin's databases has not answered, once it was tried.
    pub fn unreached(&self, plugin: &str) -> Option<String> {
        self.databases.unreached(plugin)
    }

    /// Told when a database has answered for the first time, or has not.
    pub fn databases(&self) -> Receiver<()> {
        self.databases.changes()
    }

    /// A store for one attempt, with every limit set and no directory opened; for a
    /// command with what the program is called with.
    pub fn store(
        &self,
        grants: &Grants,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
        program: Option<&Program>,
    ) -> Store<State> {
        let state = State::new(&self.writes, grants, attempt, settings, program);
        State::store(&self.engine, state)
    }

    /// Prepare the store of an attempt that has ended for another of the same plugin.
    pub fn renew(
        &self,
        store: &mut Store<State>,
        grants: &Grants,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
    ) {
        let state = State::new(&self.writes, grants, attempt, settings, None);
        store.data_mut().renew(state);
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
