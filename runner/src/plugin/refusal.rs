//! Why a file does not serve, in words.

use super::foreign::Foreign;
use crate::units;
use runner_bindings::HANDLER;

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
    /// It is a directory, a FIFO, a device or a socket.
    #[error("it is {0}; a plugin is a regular file, or a link to one")]
    Special(&'static str),
    /// It is larger than `[runtime] max_plugin`.
    #[error("the file is larger than {} (`max_plugin` of [runtime])", units::size(*.max))]
    TooLarge {
        /// Bytes a plugin may have.
        max: u64,
    },
    /// It does not begin like Wasm.
    #[error("this is not a WebAssembly file; was it written to the end?")]
    NotWasm,
    /// It is a core module that is no command.
    #[error("{0}")]
    Foreign(#[from] Foreign),
    /// It does not compile.
    #[error("this is not a valid component: {0}")]
    Invalid(String),
    /// It does not compile, or cannot be made a component.
    #[error("this is not a valid module: {0}")]
    InvalidModule(String),
    /// It is valid, but larger than anything a compiler makes.
    #[error("it has more than {max} {what}")]
    Bound {
        /// What is counted, in the plural.
        what: String,
        /// How many a plugin may have.
        max: u64,
    },
    /// The compiler gave up on it, or was stopped.
    #[error("{0}")]
    Compile(String),
    /// It imports an interface that the host does not offer.
    #[error("it imports {name:?}, which is not offered; {nearest}")]
    Import {
        /// The interface.
        name: String,
        /// What to import instead, or where to look.
        nearest: String,
    },
    /// It imports a function that an interface of the host does not have.
    #[error(
        "it imports {function:?} of {interface:?}, which this Runner does not have; a newer one \
         may"
    )]
    Missing {
        /// The interface, as it is imported.
        interface: String,
        /// The function.
        function: String,
    },
    /// It imports an interface of the host, but with other types.
    #[error(
        "its imports do not fit this host: {0}; rebuild it with this version's runner-sdk or \
         wit/runner"
    )]
    Imports(String),
    /// Its handler was built against types that differ from the host's.
    #[error(
        "its handler was built against different types: {0}; rebuild it with this \
         version's runner-sdk or wit/runner"
    )]
    Types(String),
    /// It cannot be instantiated.
    #[error("it does not start: {0}")]
    Start(String),
    /// It exports nothing that takes jobs.
    #[error(
        "it does not export {HANDLER:?}, an interface of typed functions or wasi:cli/run, which \
         a command has; it exports {found}"
    )]
    Export {
        /// What it exports instead.
        found: String,
    },
    /// It exports no handler, and no queue names the contract it exports.
    #[error(
        "it exports {found} but not {HANDLER:?}: name the interface in queues.toml, \
         `contract = \"{}\"`", crate::contract::unversioned(.found)
    )]
    Unnamed {
        /// The interface.
        found: String,
    },
    /// It does not export the contract of a queue.
    #[error("it does not export the contract {contract:?}; it exports {found}")]
    Contract {
        /// The interface the queue names.
        contract: String,
        /// What it exports instead.
        found: String,
    },
    /// One of its interfaces cannot be a contract.
    #[error("{contract} cannot be a contract: {reason}")]
    Unfit {
        /// The interface.
        contract: String,
        /// Which part of it has no JSON.
        reason: String,
    },
    /// Its types are not those of the contract.
    #[error("it differs from the contract {contract}: {differences}")]
    Differs {
        /// The interface.
        contract: String,
        /// All that differs, `; ` between.
        differences: String,
    },
    /// Jobs in Redis would no longer fit its contract, or cannot be looked at. It
    /// is tried again.
    #[error(
        "it changes its contract and is held back: {0} (`swap_check = \"off\"` on the \
         queue lets it in)"
    )]
    Held(String),
    /// `names` in queues.toml names a function that it does not have.
    #[error("`names` sends jobs to {function:?}, which {contract} does not have; it has {found}")]
    Function {
        /// The interface.
        contract: String,
        /// What `names` says.
        function: String,
        /// What there is.
        found: String,
    },
}

impl Refusal {
    /// Whether the same file may be let in later.
    pub fn is_held(&self) -> bool {
        matches!(self, Refusal::Held(_))
    }

    /// Whether the file alone is not to blame: the next time it is looked at, the
    /// system may have more time or memory for it.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Refusal::Held(_) | Refusal::Compile(_))
    }
}
