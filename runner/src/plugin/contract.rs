//! What a component must be to serve as a plugin: its exports and imports, and
//! the contracts of its queues.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Trap};

use super::engine::TICK;
use crate::config::{self, Contract, JobSettings};
use crate::contract::{Difference, Function, Interface, Opened, compare};
use crate::host::bindings::PluginPre;
use crate::host::bindings::door::DoorPre;
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
    /// It exports nothing that takes jobs.
    #[error(
        "it does not export {HANDLER:?} or an interface of typed functions; it exports {found}"
    )]
    Export {
        /// What it exports instead.
        found: String,
    },
    /// It exports no handler, and no queue names the contract it exports.
    #[error(
        "it exports {found} and not {HANDLER:?}: name the interface in queues.toml, \
         `contract = \"{}\"`", crate::contract::unversioned(.found)
    )]
    Unnamed {
        /// The interface.
        found: String,
    },
    /// It has not the contract of a queue.
    #[error("it does not export the contract {contract:?}; it exports {found}")]
    Contract {
        /// The interface the queue names.
        contract: String,
        /// What it exports instead.
        found: String,
    },
    /// An interface of it cannot be a contract.
    #[error("{contract} cannot be a contract: {reason}")]
    Unfit {
        /// The interface.
        contract: String,
        /// What of it has no JSON.
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
        "it changes its contract, and is held back: {0} (`swap_check = \"off\"` of the \
         queue lets it in)"
    )]
    Held(String),
    /// `names` in queues.toml names a function it has not.
    #[error("`names` sends jobs to {function:?}, which {contract} has not; it has {found}")]
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
}

/// The ways into a component.
#[derive(Clone)]
pub struct Doors {
    /// For any job as JSON text.
    pub handler: Option<PluginPre<State>>,
    /// For jobs by contract.
    pub typed: Option<DoorPre<State>>,
    /// Imports and exports.
    pub shape: Shape,
    contracts: Vec<Served>,
}

/// A contract that a component has.
#[derive(Clone)]
struct Served {
    interface: Arc<Interface>,
    /// Of each of its functions the number at the door.
    numbers: Vec<u32>,
}

impl Doors {
    /// The function for jobs of this name, with its number at the door.
    pub fn function(&self, contract: &Contract, job: &str) -> Option<(&Function, u32)> {
        let mut contracts = self.contracts.iter();
        let served = contracts.find(|served| contract.is(&served.interface.id))?;
        let key = contract.function(job);
        let functions = &served.interface.functions;
        let at = functions.iter().position(|function| function.key == key)?;
        Some((&functions[at], served.numbers[at]))
    }

    /// The contract of this queue, as it is declared or exported.
    pub fn contract(&self, contract: &Contract) -> Option<&Arc<Interface>> {
        let mut contracts = self.contracts.iter().map(|served| &served.interface);
        contracts.find(|interface| contract.is(&interface.id))
    }

    /// All contracts.
    pub fn contracts(&self) -> impl Iterator<Item = &Arc<Interface>> {
        self.contracts.iter().map(|served| &served.interface)
    }
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
fn shape(engine: &Engine, component: &Component) -> Shape {
    let ty = component.component_type();
    let names = |items: &mut dyn Iterator<Item = (&str, ComponentItem)>| {
        items.map(|(name, _)| name.to_owned()).collect()
    };
    Shape {
        imports: names(&mut ty.imports(engine).map(|(name, item)| (name, item.ty))),
        exports: names(&mut ty.exports(engine).map(|(name, item)| (name, item.ty))),
    }
}

/// Check the component against what takes jobs, and link it, so that it cannot
/// fail to link later. `opened` are the contracts it exports.
pub fn check(
    host: &Host,
    component: &Component,
    opened: &Opened,
    plugin: &config::Plugin,
) -> Result<Doors, Refusal> {
    let wanted = &plugin.contracts;
    let mut shape = shape(host.engine(), component);
    let pre: InstancePre<State> = host
        .linker()
        .instantiate_pre(component)
        .map_err(|error| unlinked(&shape, &error))?;
    let exported = opened.interfaces.iter().map(|of| of.id.as_str());
    let exported = exported.chain(opened.unfit.iter().map(|(id, _)| id.as_str()));
    shape.exports.retain(|name| name != "call");
    shape.exports.extend(exported.map(str::to_owned));
    let found = match shape.exports.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };

    let handler = PluginPre::new(pre.clone()).ok();
    let mut contracts = Vec::new();
    let mut next = 0;
    for own in &opened.interfaces {
        let numbers = (next..).take(own.functions.len()).collect();
        next += own.functions.len() as u32;
        contracts.push(Served {
            interface: Arc::new(own.clone()),
            numbers,
        });
    }
    for contract in wanted {
        if let Some((id, reason)) = opened.unfit.iter().find(|(id, _)| contract.is(id)) {
            return Err(Refusal::Unfit {
                contract: id.clone(),
                reason: reason.clone(),
            });
        }
        let mut own = contracts.iter_mut();
        match own.find(|served| contract.is(&served.interface.id)) {
            Some(served) => served.bind(contract)?,
            // It gets what fits the contract as JSON.
            None if handler.is_some() && contract.declared.is_some() => {}
            None => {
                return Err(Refusal::Contract {
                    contract: contract.id.clone(),
                    found,
                });
            }
        }
    }

    let typed = DoorPre::new(pre).ok();
    let named = !wanted.is_empty() || plugin.unbound && !contracts.is_empty();
    if handler.is_none() && !named {
        let unnamed = opened.interfaces.first().map(|of| of.id.clone());
        return Err(match unnamed {
            Some(found) => Refusal::Unnamed { found },
            None => Refusal::Export { found },
        });
    }
    Ok(Doors {
        handler,
        typed,
        shape,
        contracts,
    })
}

impl Served {
    /// Take the contract's own words, its docs and names, when the types are the
    /// same.
    fn bind(&mut self, contract: &Contract) -> Result<(), Refusal> {
        if let Some(declared) = &contract.declared {
            let differences = compare(declared, &self.interface);
            if !differences.is_empty() {
                return Err(Refusal::Differs {
                    contract: declared.id.clone(),
                    differences: listed(&differences),
                });
            }
            let number = |function: &Function| {
                let own = self.interface.functions.iter();
                own.zip(&self.numbers)
                    .find(|(own, _)| own.name == function.name)
                    .map(|(_, number)| *number)
            };
            self.numbers = declared.functions.iter().filter_map(number).collect();
            self.interface = declared.clone();
        }
        for (_, function) in &contract.names {
            if self.interface.function(function).is_none() {
                let functions = self.interface.functions.iter();
                let found: Vec<&str> = functions.map(|of| of.key.as_str()).collect();
                return Err(Refusal::Function {
                    contract: self.interface.id.clone(),
                    function: function.clone(),
                    found: found.join(", "),
                });
            }
        }
        Ok(())
    }
}

/// The first differences, and how many more there are: a type that is used often
/// differs wherever it is used.
fn listed(differences: &[Difference]) -> String {
    const SHOWN: usize = 5;
    let shown = differences.iter().take(SHOWN).map(ToString::to_string);
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if let more @ 1.. = differences.len().saturating_sub(SHOWN) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// Make one instance as a job does, and drop it: what goes wrong here would go
/// wrong for each job. The types of exports are compared only then.
pub fn try_out(host: &Arc<Host>, grants: &Grants, doors: &Doors) -> Result<(), Refusal> {
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
    let tried: wasmtime::Result<()> = runtime.block_on(async {
        if let Some(handler) = &doors.handler {
            handler.instantiate_async(&mut store).await?;
        }
        if let Some(typed) = &doors.typed {
            typed.instantiate_async(&mut store).await?;
        }
        Ok(())
    });
    match tried {
        Ok(()) => Ok(()),
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
