//! What a component must be to serve as a plugin: its exports and imports.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use crate::host::bindings::PluginPre;
use crate::host::{Host, State};

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
