//! The way into a component with typed functions: a component around it, made
//! when the plugin is loaded, with one function for all of them.
//!
//! `call` takes the number of a function and an image of its parameters, which
//! lands at a known address of a small memory of its own; it passes the values
//! on and gives back the memory that the result was written to. What crosses
//! into the plugin and back is copied by wasmtime's compiled adapters, as
//! between any two components: this side never holds one boxed value per field
//! or byte, and the plugin's memory stays its own.
//!
//! Called once per component, by the compiling child; knows no values.
//!
//! ```text
//! host ── image ──▶ door (memory: image, result) ── typed call ──▶ plugin
//! ```

mod module;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{InterfaceId, Resolve};

use self::module::module;

/// The function of the door.
const CALL: &str = "call";

/// Where a result begins in the region that comes back: after its own address.
pub(super) const RESULT: u32 = 8;

/// Part of the name of compiled code: a door that works otherwise is compiled
/// again.
pub const VERSION: &str = "door3";

/// The component around this one, whose `call` numbers the functions of these
/// interfaces one after the other. This other export, if it has it, stays.
///
/// # Errors
/// What of it cannot be encoded.
pub(super) fn around(
    component: &[u8],
    resolve: &Resolve,
    interfaces: &[(InterfaceId, String)],
    other: &str,
) -> anyhow::Result<Vec<u8>> {
    let door = door(resolve.clone(), interfaces)?;
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes("runner:guest", None, component, graph.types_mut())?;
    let guest = graph.register_package(package)?;
    let package = Package::from_bytes("runner:door", None, door, graph.types_mut())?;
    let door = graph.register_package(package)?;
    let guest = graph.instantiate(guest);
    let door = graph.instantiate(door);
    for (_, name) in interfaces {
        let export = graph.alias_instance_export(guest, name)?;
        graph.set_instantiation_argument(door, name, export)?;
    }
    let call = graph.alias_instance_export(door, CALL)?;
    graph.export(call, CALL)?;
    if let Ok(export) = graph.alias_instance_export(guest, other) {
        graph.export(export, other)?;
    }
    Ok(graph.encode(EncodeOptions {
        validate: false,
        ..EncodeOptions::default()
    })?)
}

/// The door as a component of its own, which imports the interfaces.
fn door(mut resolve: Resolve, interfaces: &[(InterfaceId, String)]) -> anyhow::Result<Vec<u8>> {
    let imports: String = interfaces
        .iter()
        .map(|(_, name)| format!("import {name};\n"))
        .collect();
    let world = format!(
        "package runner:door;\nworld door {{\n{imports}\
         export {CALL}: func(function: u32, image: list<u8>) -> list<u8>;\n}}"
    );
    let package = resolve.push_source("door.wit", &world)?;
    let world = resolve.select_world(&[package], Some("door"))?;
    let mut module = module(&resolve, interfaces);
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.encode()
}
