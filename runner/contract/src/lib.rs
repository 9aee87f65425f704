//! Contracts: queues whose jobs are functions of a WIT interface.
//!
//! An [`Interface`] comes from WIT files or from the exports of a component. Its
//! [`Type`]s are compiled once into what the codec walks: [`read`] turns JSON
//! into the bytes a guest is called with, [`returned`] turns what it returned
//! into JSON. [`door`] is how these bytes get in and out of a component.
//!
//! For everybody who has a contract at hand: configuration, loading, the executor,
//! commands. Knows WIT and the canonical ABI; no queue, no job, no running guest.

mod bundle;
mod compare;
mod cover;
mod door;
mod fault;
mod go;
mod interface;
mod json;
mod library;
mod notes;
mod python;
mod read;
mod sample;
mod schema;
#[cfg(test)]
mod tests;
mod types;
mod typescript;
mod write;

use wit_component::DecodedWasm;
use wit_parser::{InterfaceId, Resolve};

pub use self::bundle::bundle;
pub use self::compare::{Difference, compare};
pub use self::cover::{cover, sensitive};
pub use self::door::VERSION as DOOR;
pub use self::fault::{Fault, Path, Step};
pub use self::go::{GoFunction, go, go_functions, go_handlers};
pub use self::interface::{Function, Interface, unversioned};
pub use self::json::{check_json, is_json, too_deep};
pub use self::library::{HOST, Library};
pub use self::notes::Notes;
pub use self::python::{PythonJob, python, python_jobs};
pub use self::read::{Rules, read};
pub use self::sample::sample;
pub use self::schema::{openapi, schema};
pub use self::types::{Case, Field, Integer, Item, Shape, Type};
pub use self::typescript::{typescript, typescript_handler};

/// What a component exports that may be contracts.
#[derive(Debug, Default)]
pub struct Opened {
    /// Its contracts. The number of a function is its place in all of them.
    pub interfaces: Vec<Interface>,
    /// Exported interfaces that cannot be contracts, and why.
    pub unfit: Vec<(String, String)>,
    resolve: Resolve,
    ids: Vec<(InterfaceId, String)>,
}

impl Opened {
    /// Look for contracts in a component. One that cannot be read has none; the
    /// compiler says what is wrong with it.
    pub fn read(component: &[u8]) -> Opened {
        let mut opened = Opened::default();
        let Ok(DecodedWasm::Component(resolve, world)) = wit_component::decode(component) else {
            return opened;
        };
        for (id, name, read) in interface::exported(&resolve, world) {
            match read {
                Ok(interface) => {
                    opened.ids.push((id, name));
                    opened.interfaces.push(interface);
                }
                Err(reason) => opened.unfit.push((name, reason)),
            }
        }
        opened.resolve = resolve;
        opened
    }

    /// Whether it has contracts, so that it needs a door.
    pub fn is_typed(&self) -> bool {
        !self.interfaces.is_empty()
    }

    /// The component with a door around it, to be compiled in its place; this
    /// other export of it stays.
    ///
    /// # Errors
    /// When it cannot be put into another.
    pub fn with_door(&self, component: &[u8], other: &str) -> anyhow::Result<Vec<u8>> {
        door::around(component, &self.resolve, &self.ids, other)
    }
}

/// What a function returned, in the memory that a door gave back: its value, or
/// its error, as JSON.
///
/// # Errors
/// A text that should be JSON and is not, with its place.
pub fn returned(
    function: &Function,
    region: &[u8],
) -> Result<Result<Option<String>, Option<String>>, String> {
    let start = region
        .first_chunk()
        .map(|start| u32::from_le_bytes(*start))
        .ok_or("the door gave nothing back")?;
    let region = write::Region {
        bytes: region,
        start,
    };
    write::returned(function, region, start + door::RESULT)
}

/// The reason of a job whose payload does not fit.
pub fn violation(contract: &str, function: &Function, fault: &Fault) -> String {
    format!(
        "the payload is not that of {contract}#{}: {fault}",
        function.key
    )
}

/// Whether JSON is what a function returns when it succeeds. One that returns nothing
/// takes any.
///
/// # Errors
/// The first thing that does not fit.
pub fn check_result(function: &Function, result: &str, rules: Rules) -> Result<(), Fault> {
    let returned = Function {
        data: function.value().cloned(),
        ..function.clone()
    };
    read(&returned, result, rules)
        .map(drop)
        .map_err(|mut fault| {
            fault.path.root = "result";
            fault
        })
}

/// The reason of a job whose result does not fit.
pub fn unfit_result(contract: &str, function: &Function, fault: &Fault) -> String {
    format!(
        "the result is not that of {contract}#{}: {fault}",
        function.key
    )
}

/// The reason of a job whose name is no function.
pub fn no_function(contract: &str, interface: Option<&Interface>, job: &str) -> String {
    let functions = interface.into_iter().flat_map(|of| &of.functions);
    let names: Vec<&str> = functions.map(|function| function.key.as_str()).collect();
    format!(
        "the contract {contract} has no job {job:?}; it has {}",
        names.join(", ")
    )
}
