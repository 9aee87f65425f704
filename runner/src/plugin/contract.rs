//! What a component must be to serve as a plugin: its exports and imports.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Trap};

use super::engine::TICK;
use crate::config::JobSettings;
use crate::host::bindings::PluginPre;
use crate::host::{Grants, Host, State};
use crate::queue::{Attempt, Job, Queue};

/// How long a component may take to start; a job's own timeout is for its work.
const START: Duration = Duration::from_secs(10);

/// The interface that takes jobs.
pub const HANDLER: &str = "runner:plugin/handler@0.1.0";

/// Why a file does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// It is larger than [`super::MAX_SIZE`].
    #[error("the file has {size} MiB; a plugin may have {max} MiB", max = super::MAX_SIZE >> 20)]
    TooLarge {
        /// MiB, rounded up.
        size: u64,
    },
    /// It does not begin like Wasm.
    #[error("this is not a WebAssembly file; is it written to the end?")]
    NotWasm,
    /// It is a core module.
    #[error(
        "this is a core module, not a component: build for wasm32-wasip2, or run \
         `wasm-tools component new` on it"
    )]
    Module,
    /// It does not compile.
    #[error("this is not a valid component: {0}")]
    Invalid(String),
    /// It needs what the host has not got.
    #[error(
        "it imports {0:?}, which this host does not offer: see wit/runner for what a plugin can import"
    )]
    Import(String),
    /// It imports something in another shape.
    #[error("its imports do not fit this host: {0}")]
    Imports(String),
    /// It was built for other types than the host's.
    #[error(
        "its handler has not the types of this Runner: {0}; build it again with the \
         runner-sdk, or the wit/runner, of this version"
    )]
    Types(String),
    /// It cannot be instantiated.
    #[error("it does not start: {0}")]
    Start(String),
    /// It exports no handler.
    #[error("it does not export {HANDLER:?}; it exports {found}")]
    Export {
        /// What it exports instead.
        found: String,
    },
}

/// What a component asks for and offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    /// Names of imported interfaces.
    pub imports: Vec<String>,
    /// Names of exported interfaces and functions.
    pub exports: Vec<String>,
}

/// Names of imports and exports.
pub fn shape(engine: &Engine, component: &Component) -> Shape {
    let ty = component.component_type();
    let names = |items: &mut dyn Iterator<Item = (&str, ComponentItem)>| {
        items.map(|(name, _)| name.to_owned()).collect()
    };
    Shape {
        imports: names(&mut ty.imports(engine).map(|(name, item)| (name, item.ty))),
        exports: names(&mut ty.exports(engine).map(|(name, item)| (name, item.ty))),
    }
}

/// Check the component against the handler's contract and link it, so that it
/// cannot fail to link later.
pub fn check(host: &Host, component: &Component) -> Result<PluginPre<State>, Refusal> {
    let shape = shape(host.engine(), component);
    let pre: InstancePre<State> = host
        .linker()
        .instantiate_pre(component)
        .map_err(|error| unlinked(&shape, &error))?;
    PluginPre::new(pre).map_err(|_| Refusal::Export {
        found: match shape.exports.as_slice() {
            [] => "nothing".into(),
            names => names.join(", "),
        },
    })
}

/// Make one instance as a job does, and drop it: what goes wrong here would go
/// wrong for each job. The types of exports are compared only then.
pub fn try_out(host: &Arc<Host>, grants: &Grants, pre: &PluginPre<State>) -> Result<(), Refusal> {
    let settings = JobSettings {
        memory: usize::MAX,
        ..JobSettings::default()
    };
    let queue = Queue::detached("trial");
    let attempt = Attempt::new(Job::default(), queue, String::new(), START);
    // A granted directory that is not there yet is told to its jobs.
    let Ok(mut store) = State::store(host, grants, &Arc::new(attempt), &settings) else {
        return Ok(());
    };
    store.epoch_deadline_trap();
    store.set_epoch_deadline((START.as_millis() / TICK.as_millis()) as u64);
    let start = |error: &dyn std::fmt::Display| Refusal::Start(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| start(&error))?;
    match runtime.block_on(pre.instantiate_async(&mut store)) {
        Ok(_) => Ok(()),
        // A guest's own code fails with a trap, a type that differs does not.
        Err(error) if error.is::<Trap>() => Err(start(&error.root_cause())),
        Err(error) => Err(Refusal::Types(format!("{:#}", error.root_cause()))),
    }
}

/// wasmtime names the first import it cannot satisfy in its message.
fn unlinked(shape: &Shape, error: &wasmtime::Error) -> Refusal {
    let text = format!("{error:#}");
    let missing = shape
        .imports
        .iter()
        .find(|name| text.contains(&format!("`{name}`")) && text.contains("was not found"));
    match missing {
        Some(name) => Refusal::Import(name.clone()),
        None => Refusal::Imports(text),
    }
}
