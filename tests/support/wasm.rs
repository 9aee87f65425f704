//! Guests and plugins, compiled to Wasm when a test first asks for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use wasm_encoder::{
    BlockType, CodeSection, ComponentSection, Function, FunctionSection, InstanceSection,
    Instruction, MemorySection, MemoryType, Module, ModuleArg, ModuleSection, TypeSection,
};

/// A guest of `tests/guests/examples`.
pub(crate) fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&["-p", "guests", "--examples"]));
    found(&release().join("examples"), name)
}

/// A program of `tests/programs`, as a module of WASI preview 1.
pub(crate) fn module(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo_for("wasm32-wasip1", &["-p", "programs"]));
    found(&target().join("wasm32-wasip1/plugin"), name)
}

/// A program of `tests/programs`, as a component.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&["-p", "programs"]));
    found(&release(), name)
}

/// This component with one more core module, instantiated so many times. Nothing
/// calls it.
pub(crate) fn with_module(component: &Path, module: &Module, instances: usize) -> Vec<u8> {
    let mut bytes = std::fs::read(component).expect("a compiled guest");
    let payloads = wasmparser::Parser::new(0).parse_all(&bytes);
    let modules = payloads
        .filter(|payload| matches!(payload, Ok(wasmparser::Payload::ModuleSection { .. })))
        .count();
    ModuleSection(module).append_to_component(&mut bytes);
    let mut section = InstanceSection::new();
    for _ in 0..instances {
        section.instantiate(modules as u32, [("", ModuleArg::Instance(0)); 0]);
    }
    section.append_to_component(&mut bytes);
    bytes
}

/// A module with a memory of so many bytes.
pub(crate) fn memory(bytes: u64) -> Module {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: bytes >> 16,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut module = Module::new();
    module.section(&memories);
    module
}

/// A module of so many functions of two thousand branches each: a compiler takes
/// some milliseconds for one.
pub(crate) fn functions(count: u32) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut body = Function::new([(1, wasm_encoder::ValType::I32)]);
    for number in 0..2_000 {
        for instruction in [
            Instruction::LocalGet(0),
            Instruction::If(BlockType::Empty),
            Instruction::LocalGet(0),
            Instruction::I32Const(number),
            Instruction::I32Mul,
            Instruction::LocalSet(0),
            Instruction::End,
        ] {
            body.instruction(&instruction);
        }
    }
    body.instruction(&Instruction::End);
    for _ in 0..count {
        functions.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

/// A module whose start does not end.
pub(crate) fn endless_start() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    functions.function(0);
    let mut body = Function::new([]);
    for instruction in [
        Instruction::Loop(BlockType::Empty),
        Instruction::Br(0),
        Instruction::End,
        Instruction::End,
    ] {
        body.instruction(&instruction);
    }
    code.function(&body);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&wasm_encoder::StartSection { function_index: 0 })
        .section(&code);
    module
}

/// A plugin of `plugins/`.
pub(crate) fn plugin(name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .entry(name.to_owned())
        .or_insert_with(|| {
            cargo(&["-p", name]);
            found(&release(), name)
        })
        .clone()
}

/// The target directory of this very build.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_runner"))
        .ancestors()
        .nth(2)
        .expect("target/<profile>/runner")
}

fn release() -> PathBuf {
    target().join("wasm32-wasip2/plugin")
}

fn cargo(packages: &[&str]) {
    cargo_for("wasm32-wasip2", packages);
}

fn cargo_for(triple: &str, packages: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--quiet", "--locked", "--profile", "plugin"])
        .args(["--target", triple, "--target-dir"])
        .arg(target())
        .args(packages)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "cargo build {packages:?}: {status}");
}

/// Libraries are named with underscores, programs as in their manifest.
fn found(directory: &Path, name: &str) -> PathBuf {
    let as_library = directory.join(format!("{}.wasm", name.replace('-', "_")));
    let as_program = directory.join(format!("{name}.wasm"));
    [as_library, as_program]
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no guest {name:?} in {}", directory.display()))
}
