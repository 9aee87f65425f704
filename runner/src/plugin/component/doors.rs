//! What a component must be to serve as a plugin: its exports and imports, and
//! the contracts of its queues.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre};

use super::module::START;
use super::nearest::nearest;
use super::shape::{self, Shape};
use crate::config::{self, Contract};
use crate::contract::{Difference, Function, Interface, Opened, compare};
use crate::host::wasi::offered::offers;
use crate::host::{Host, State};
use crate::plugin::refusal::Refusal;
use runner_bindings::command::CommandPre;
use runner_bindings::door::DoorPre;
use runner_bindings::{HANDLER, PluginPre};

/// The ways into a component.
#[derive(Clone)]
pub struct Doors {
    /// For any job as JSON text.
    pub handler: Option<PluginPre<State>>,
    /// For jobs by contract.
    pub typed: Option<DoorPre<State>>,
    /// For any job, by a program that is run.
    pub command: Option<CommandPre<State>>,
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
    /// What the ways in are, for people.
    pub fn names(&self) -> Vec<&'static str> {
        let ways = [
            (self.handler.is_some(), "handler"),
            (self.typed.is_some(), "typed functions"),
            (self.command.is_some(), "command"),
        ];
        let open = ways.into_iter().filter(|(open, _)| *open);
        open.map(|(_, name)| name).collect()
    }

    /// Whether any job may come in as JSON.
    pub fn takes_json(&self) -> bool {
        self.handler.is_some() || self.command.is_some()
    }

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

/// Check a component's exports against the queues it is for, before it is
/// compiled. `opened` are the contracts it exports.
pub(in crate::plugin) fn fits(
    shape: &Shape,
    opened: &Opened,
    plugin: &config::Plugin,
) -> Result<Exports, Refusal> {
    let wanted = &plugin.contracts;
    let handler = shape.exports.iter().any(|name| is_handler(name));
    let runs = shape.exports.iter().any(|name| is_run(name));
    let command = runs && !handler && opened.interfaces.is_empty();
    let found = match shape.exports.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
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
            None if (handler || command) && contract.declared.is_some() => {}
            None => {
                return Err(Refusal::Contract {
                    contract: contract.id.clone(),
                    found,
                });
            }
        }
    }
    let named = !wanted.is_empty() || plugin.unbound && !contracts.is_empty();
    if !handler && !command && !named {
        let unnamed = opened.interfaces.first().map(|of| of.id.clone());
        return Err(match unnamed {
            Some(found) => Refusal::Unnamed { found },
            None => Refusal::Export { found },
        });
    }
    Ok(Exports {
        handler,
        command,
        contracts,
    })
}

/// [`HANDLER`], or a later version that is compatible.
fn is_handler(export: &str) -> bool {
    let unpatched = HANDLER.trim_end_matches(|of: char| of.is_ascii_digit());
    export
        .strip_prefix(unpatched)
        .is_some_and(|patch| !patch.is_empty())
}

/// `wasi:cli/run` in a version that this host can call, or the start of a module
/// that is adapted to it.
fn is_run(export: &str) -> bool {
    export.starts_with("wasi:cli/run@0.2.") || export == START
}

/// The contracts of a component whose exports fit.
pub(in crate::plugin) struct Exports {
    handler: bool,
    command: bool,
    contracts: Vec<Served>,
}

/// Check a component's imports before it is compiled. Where that cannot be told
/// beforehand, [`link`] tells.
pub(in crate::plugin) fn check_imports(
    host: &Host,
    shape: &Shape,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let alone = shape::alone(bytes);
    let Some(alone) = alone.and_then(|bytes| Component::new(host.engine(), bytes).ok()) else {
        return Ok(());
    };
    link_imports(host, shape, &alone).map(drop)
}

fn link_imports(
    host: &Host,
    shape: &Shape,
    component: &Component,
) -> Result<InstancePre<State>, Refusal> {
    host.linker()
        .instantiate_pre(component)
        .map_err(|error| unlinked(shape, &error))
}

/// Link a compiled component, so that it cannot fail to link later.
pub(in crate::plugin) fn link(
    host: &Host,
    component: &Component,
    shape: Shape,
    exports: Exports,
) -> Result<Doors, Refusal> {
    let pre = link_imports(host, &shape, component)?;
    let types = |error| Refusal::Types(format!("{error:#}"));
    let handler = exports.handler.then(|| PluginPre::new(pre.clone()));
    let command = exports.command.then(|| CommandPre::new(pre.clone()));
    Ok(Doors {
        handler: handler.transpose().map_err(types)?,
        command: command.transpose().map_err(types)?,
        typed: DoorPre::new(pre).ok(),
        shape,
        contracts: exports.contracts,
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

/// What of the imports is not there. wasmtime names the first, and says of each
/// fault that the import was not found.
fn unlinked(shape: &Shape, error: &wasmtime::Error) -> Refusal {
    let text = format!("{error:#}");
    let named = |name: &&String| text.contains(&format!("`{name}`"));
    let Some(first) = shape.imports.iter().find(named) else {
        return Refusal::Imports(text);
    };
    if offers(first) {
        return unlike(first, &text);
    }
    Refusal::Import {
        name: first.clone(),
        nearest: nearest(first),
    }
}

/// An interface that is there, but not with this function or these types.
fn unlike(interface: &str, text: &str) -> Refusal {
    let function = text.split("instance export `").nth(1);
    let function = function.and_then(|rest| rest.split('`').next());
    let (Some(function), Some((_, fault))) = (function, text.rsplit_once(": ")) else {
        return Refusal::Imports(text.to_owned());
    };
    match fault.ends_with("implementation is missing") {
        true => Refusal::Missing {
            interface: interface.to_owned(),
            function: function.to_owned(),
        },
        false => Refusal::Imports(format!("{function:?} of {interface:?}: {fault}")),
    }
}
