//! The core module of a door, instruction by instruction.

use std::borrow::Cow;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemArg,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{
    Function as WitFunction, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, SizeAlign,
    WasmImport, WorldKey,
};

use super::{CALL, RESULT};
use crate::read::{BASE, MAX_FLAT};

/// Names as the toolchains of all languages write them.
const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

// Functions of the module, after the imports.
const REALLOC: u32 = 0;
const CALLS: u32 = 1;
const FREES: u32 = 2;
/// The global: where free memory begins.
const FREE: u32 = 0;
/// Bytes of a page of memory, as a power of two.
const PAGE: i32 = 16;

/// A function that the door passes values on to.
struct Passed<'a> {
    interface: WorldKey,
    function: &'a WitFunction,
    signature: WasmSignature,
    /// Bytes of its result.
    result: i32,
}

/// The core module of the door.
pub(super) fn module(resolve: &Resolve, interfaces: &[(InterfaceId, String)]) -> Vec<u8> {
    let passed = passed(resolve, interfaces);
    let imported = passed.len() as u32;
    let (types, imports) = imports(resolve, &passed);
    let mut declared = FunctionSection::new();
    declared.function(0).function(1).function(2);
    let mut exports = ExportSection::new();
    exports
        .export("memory", ExportKind::Memory, 0)
        .export("cabi_realloc", ExportKind::Func, imported + REALLOC)
        .export(CALL, ExportKind::Func, imported + CALLS)
        .export(
            &format!("cabi_post_{CALL}"),
            ExportKind::Func,
            imported + FREES,
        );
    let mut code = CodeSection::new();
    code.function(&realloc());
    code.function(&call(&passed));
    code.function(&frees());

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&declared)
        .section(&memory())
        .section(&free())
        .section(&exports)
        .section(&code);
    module.finish()
}

fn passed<'a>(resolve: &'a Resolve, interfaces: &[(InterfaceId, String)]) -> Vec<Passed<'a>> {
    let mut layout = SizeAlign::default();
    layout.fill(resolve);
    let functions = interfaces.iter().flat_map(|(id, _)| {
        let functions = resolve.interfaces[*id].functions.values();
        functions.map(|function| (WorldKey::Interface(*id), function))
    });
    functions
        .map(|(interface, function)| Passed {
            interface,
            function,
            signature: resolve.wasm_signature(AbiVariant::GuestImport, function),
            result: function
                .result
                .as_ref()
                .map_or(0, |ty| layout.size(ty).size_wasm32() as i32),
        })
        .collect()
}

/// The types of all functions, those of the door first; and the imports.
fn imports(resolve: &Resolve, passed: &[Passed<'_>]) -> (TypeSection, ImportSection) {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    types.ty().function([ValType::I32; 3], [ValType::I32]);
    types.ty().function([ValType::I32], []);
    let mut imports = ImportSection::new();
    for of in passed {
        let ty = EntityType::Function(types.len());
        let (params, results) = (&of.signature.params, &of.signature.results);
        types
            .ty()
            .function(params.iter().map(core), results.iter().map(core));
        let import = WasmImport::Func {
            interface: Some(&of.interface),
            func: of.function,
        };
        let (module, name) = resolve.wasm_import_name(ABI, import);
        imports.import(&module, &name, ty);
    }
    (types, imports)
}

fn memory() -> MemorySection {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memories
}

fn free() -> GlobalSection {
    let mut globals = GlobalSection::new();
    let ty = GlobalType {
        val_type: ValType::I32,
        mutable: true,
        shared: false,
    };
    globals.global(ty, &ConstExpr::i32_const(BASE as i32));
    globals
}

fn core(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// `cabi_post_call(pair)`, when the result has been read: all memory is free again, for
/// the next call of the instance.
fn frees() -> Function {
    let mut body = Function::new([]);
    put(
        &mut body,
        [I::I32Const(BASE as i32), I::GlobalSet(FREE), I::End],
    );
    body
}

// Long because it is one program, read from top to bottom.
/// `cabi_realloc(old, old size, align, size)`: memory is only ever taken; a call's is
/// free when its result has been read.
fn realloc() -> Function {
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

// Locals of `call`: its parameters, without the length of the image, and its own.
const FUNCTION: u32 = 0;
const IMAGE: u32 = 1;
const REGION: u32 = 3;
const PAIR: u32 = 4;

/// A word at the address on the stack.
fn word(offset: u32) -> MemArg {
    MemArg {
        offset: offset.into(),
        align: 2,
        memory_index: 0,
    }
}

/// Eight bytes of the slots at the address on the stack.
fn wide(slot: usize) -> MemArg {
    MemArg {
        offset: slot as u64 * 8,
        align: 3,
        memory_index: 0,
    }
}

fn put<const N: usize>(body: &mut Function, instructions: [I<'_>; N]) {
    for instruction in instructions {
        body.instruction(&instruction);
    }
}

/// Take memory: its address is on the stack.
fn take(body: &mut Function, size: i32, imported: u32) {
    put(
        body,
        [
            I::I32Const(0),
            I::I32Const(0),
            I::I32Const(8),
            I::I32Const(size),
            I::Call(imported + REALLOC),
        ],
    );
}

/// `call(function, image, length)`: the address of address and length of the
/// region in which the result is, after its own address and, in 8 bytes each,
/// what it is made of.
fn call(passed: &[Passed<'_>]) -> Function {
    let imported = passed.len() as u32;
    let mut body = Function::new([(2, ValType::I32)]);
    take(&mut body, RESULT as i32, imported);
    put(
        &mut body,
        [
            I::LocalTee(REGION),
            I::LocalGet(REGION),
            I::I32Store(word(0)),
        ],
    );
    choose(&mut body, imported);
    for (at, of) in (0..).zip(passed) {
        body.instruction(&I::End);
        pass(&mut body, at, of, imported);
        // Out of what is left of the blocks.
        body.instruction(&I::Br(imported - 1 - at));
    }
    body.instruction(&I::End);
    give_back(&mut body, imported);
    body
}

/// Jump to the code of the function: one block around all, and one for each
/// function that ends before its code.
fn choose(body: &mut Function, functions: u32) {
    for _ in 0..functions + 2 {
        body.instruction(&I::Block(BlockType::Empty));
    }
    let targets: Vec<u32> = (1..=functions).collect();
    put(
        body,
        [
            I::LocalGet(FUNCTION),
            I::BrTable(Cow::Owned(targets), 0),
            I::End,
            I::Unreachable,
        ],
    );
}

/// Call the function of this number with what the image has for it; its result is
/// in the region then.
fn pass(body: &mut Function, number: u32, of: &Passed<'_>, imported: u32) {
    let signature = &of.signature;
    let slots = signature.params.len() - usize::from(signature.retptr);
    debug_assert!(slots <= MAX_FLAT);
    if !signature.retptr && !signature.results.is_empty() {
        // Takes the room where the value is put.
        take(body, 8, imported);
    }
    for (slot, ty) in signature.params.iter().take(slots).enumerate() {
        let narrow = MemArg {
            align: 2,
            ..wide(slot)
        };
        body.instruction(&I::LocalGet(IMAGE));
        body.instruction(&match core(ty) {
            ValType::I64 => I::I64Load(wide(slot)),
            ValType::F32 => I::F32Load(narrow),
            ValType::F64 => I::F64Load(wide(slot)),
            _ => I::I32Load(narrow),
        });
    }
    if signature.retptr {
        take(body, of.result, imported);
    }
    body.instruction(&I::Call(number));
    if let Some(result) = signature.results.first() {
        body.instruction(&match core(result) {
            ValType::I64 => I::I64Store(wide(0)),
            ValType::F32 => I::F32Store(word(0)),
            ValType::F64 => I::F64Store(wide(0)),
            _ => I::I32Store(word(0)),
        });
    }
}

/// Return the address of a pair: the region and its length.
fn give_back(body: &mut Function, imported: u32) {
    put(
        body,
        [
            I::GlobalGet(FREE),
            I::LocalGet(REGION),
            I::I32Sub,
            I::LocalSet(IMAGE),
        ],
    );
    take(body, 8, imported);
    put(
        body,
        [
            I::LocalTee(PAIR),
            I::LocalGet(REGION),
            I::I32Store(word(0)),
            I::LocalGet(PAIR),
            I::LocalGet(IMAGE),
            I::I32Store(word(4)),
            I::LocalGet(PAIR),
            I::End,
        ],
    );
}
