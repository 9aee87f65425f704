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
//! ```text
//! host ── image ──▶ door (memory: image, result) ── typed call ──▶ plugin
//! ```

use std::borrow::Cow;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, Instruction, MemArg, MemorySection, MemoryType,
    Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, WasmImport, WorldKey};

use super::read::{BASE, MAX_FLAT};

/// Names as the toolchains of all languages write them.
const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
/// The function of the door.
const CALL: &str = "call";

/// Where a result begins in the region that comes back: after its own address.
pub(super) const RESULT: u32 = 8;

/// Part of the name of compiled code: a door that works otherwise is compiled
/// again.
pub const VERSION: &str = "door2";

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

// Functions of the module, after the imports.
const REALLOC: u32 = 0;
const CALLS: u32 = 1;
/// The global: where free memory begins.
const FREE: u32 = 0;
/// Bytes of a page of memory, as a power of two.
const PAGE: i32 = 16;

/// The core module of the door.
fn module(resolve: &Resolve, interfaces: &[(InterfaceId, String)]) -> Vec<u8> {
    let functions: Vec<_> = interfaces
        .iter()
        .flat_map(|(id, _)| {
            let functions = resolve.interfaces[*id].functions.values();
            functions.map(|function| (WorldKey::Interface(*id), function))
        })
        .collect();
    let signatures: Vec<WasmSignature> = functions
        .iter()
        .map(|(_, function)| resolve.wasm_signature(AbiVariant::GuestImport, function))
        .collect();

    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    types.ty().function([ValType::I32; 3], [ValType::I32]);
    let mut imports = ImportSection::new();
    for (at, (key, func)) in functions.iter().enumerate() {
        let signature = &signatures[at];
        types.ty().function(
            signature.params.iter().map(core),
            signature.results.iter().map(core),
        );
        let (module, name) = resolve.wasm_import_name(
            ABI,
            WasmImport::Func {
                interface: Some(key),
                func,
            },
        );
        let ty = wasm_encoder::EntityType::Function(at as u32 + 2);
        imports.import(&module, &name, ty);
    }
    let imported = functions.len() as u32;

    let mut declared = FunctionSection::new();
    declared.function(0).function(1);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    globals.global(
        GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        },
        &ConstExpr::i32_const(BASE as i32),
    );
    let mut exports = ExportSection::new();
    exports
        .export("memory", ExportKind::Memory, 0)
        .export("cabi_realloc", ExportKind::Func, imported + REALLOC)
        .export(CALL, ExportKind::Func, imported + CALLS);
    let mut code = CodeSection::new();
    code.function(&realloc());
    let mut layout = wit_parser::SizeAlign::default();
    layout.fill(resolve);
    let results = functions.iter().map(|(_, function)| &function.result);
    let sizes: Vec<i32> = results
        .map(|ty| {
            ty.as_ref()
                .map_or(0, |ty| layout.size(ty).size_wasm32() as i32)
        })
        .collect();
    code.function(&call(&signatures, &sizes, imported));

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&declared)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&code);
    module.finish()
}

fn core(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// `cabi_realloc(old, old size, align, size)`: memory is only ever taken; it
/// goes with the instance.
fn realloc() -> Function {
    use Instruction as I;
    let (old, old_size, align, size, start, pages) = (0, 1, 2, 3, 4, 5);
    let mut body = Function::new([(2, ValType::I32)]);
    for instruction in [
        // start = (free + align - 1) & -align
        I::GlobalGet(FREE),
        I::LocalGet(align),
        I::I32Add,
        I::I32Const(1),
        I::I32Sub,
        I::I32Const(0),
        I::LocalGet(align),
        I::I32Sub,
        I::I32And,
        I::LocalTee(start),
        // free = start + size, which must not wrap
        I::LocalGet(size),
        I::I32Add,
        I::GlobalSet(FREE),
        I::GlobalGet(FREE),
        I::LocalGet(start),
        I::I32LtU,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        // pages = ceil(free / page); grow by what is missing
        I::GlobalGet(FREE),
        I::I32Const(1),
        I::I32Sub,
        I::I32Const(PAGE),
        I::I32ShrU,
        I::I32Const(1),
        I::I32Add,
        I::LocalTee(pages),
        I::MemorySize(0),
        I::I32GtU,
        I::If(BlockType::Empty),
        I::LocalGet(pages),
        I::MemorySize(0),
        I::I32Sub,
        I::MemoryGrow(0),
        I::I32Const(-1),
        I::I32Eq,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::End,
        // What was there moves along; the new block is never smaller than what
        // is copied.
        I::LocalGet(old_size),
        I::If(BlockType::Empty),
        I::LocalGet(start),
        I::LocalGet(old),
        I::LocalGet(old_size),
        I::LocalGet(size),
        I::LocalGet(old_size),
        I::LocalGet(size),
        I::I32LtU,
        I::Select,
        I::MemoryCopy {
            src_mem: 0,
            dst_mem: 0,
        },
        I::End,
        I::LocalGet(start),
        I::End,
    ] {
        body.instruction(&instruction);
    }
    body
}

/// `call(function, image, length)`: the address of address and length of the
/// region in which the result is, after its own address and, in 8 bytes each,
/// what it is made of.
fn call(signatures: &[WasmSignature], sizes: &[i32], imported: u32) -> Function {
    use Instruction as I;
    let (function, image, region, pair) = (0, 1, 3, 4);
    let word = |offset: u32| MemArg {
        offset: offset.into(),
        align: 2,
        memory_index: 0,
    };
    let wide = |slot: usize| MemArg {
        offset: slot as u64 * 8,
        align: 3,
        memory_index: 0,
    };
    let alloc = |body: &mut Function, size: i32| {
        for instruction in [
            I::I32Const(0),
            I::I32Const(0),
            I::I32Const(8),
            I::I32Const(size),
            I::Call(imported + REALLOC),
        ] {
            body.instruction(&instruction);
        }
    };
    let mut body = Function::new([(2, ValType::I32)]);
    alloc(&mut body, RESULT as i32);
    body.instruction(&I::LocalTee(region))
        .instruction(&I::LocalGet(region))
        .instruction(&I::I32Store(word(0)));

    // One block around all, and one for each function that ends before its code.
    body.instruction(&I::Block(BlockType::Empty));
    for _ in signatures {
        body.instruction(&I::Block(BlockType::Empty));
    }
    body.instruction(&I::Block(BlockType::Empty));
    let targets: Vec<u32> = (1..=signatures.len() as u32).collect();
    body.instruction(&I::LocalGet(function))
        .instruction(&I::BrTable(Cow::Owned(targets), 0))
        .instruction(&I::End)
        .instruction(&I::Unreachable);
    for (at, signature) in signatures.iter().enumerate() {
        body.instruction(&I::End);
        let slots = signature.params.len() - usize::from(signature.retptr);
        debug_assert!(slots <= MAX_FLAT);
        if !signature.retptr && !signature.results.is_empty() {
            // Takes the room where the value is put.
            alloc(&mut body, 8);
        }
        for (slot, ty) in signature.params.iter().take(slots).enumerate() {
            body.instruction(&I::LocalGet(image));
            body.instruction(&match core(ty) {
                ValType::I64 => I::I64Load(wide(slot)),
                ValType::F32 => I::F32Load(MemArg {
                    align: 2,
                    ..wide(slot)
                }),
                ValType::F64 => I::F64Load(wide(slot)),
                _ => I::I32Load(MemArg {
                    align: 2,
                    ..wide(slot)
                }),
            });
        }
        if signature.retptr {
            alloc(&mut body, sizes[at]);
        }
        body.instruction(&I::Call(at as u32));
        match signature.results.first().map(core) {
            None => {}
            Some(ValType::I64) => {
                body.instruction(&I::I64Store(wide(0)));
            }
            Some(ValType::F32) => {
                body.instruction(&I::F32Store(word(0)));
            }
            Some(ValType::F64) => {
                body.instruction(&I::F64Store(wide(0)));
            }
            Some(_) => {
                body.instruction(&I::I32Store(word(0)));
            }
        }
        // Out of what is left of the blocks.
        body.instruction(&I::Br((signatures.len() - 1 - at) as u32));
    }
    body.instruction(&I::End);

    for instruction in [
        // pair = (region, free - region)
        I::GlobalGet(FREE),
        I::LocalGet(region),
        I::I32Sub,
        I::LocalSet(image),
    ] {
        body.instruction(&instruction);
    }
    alloc(&mut body, 8);
    for instruction in [
        I::LocalTee(pair),
        I::LocalGet(region),
        I::I32Store(word(0)),
        I::LocalGet(pair),
        I::LocalGet(image),
        I::I32Store(word(4)),
        I::LocalGet(pair),
        I::End,
    ] {
        body.instruction(&instruction);
    }
    body
}
