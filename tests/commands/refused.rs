//! Modules that are no commands: what they lack, and the way out.

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, Instruction, MemorySection, MemoryType, Module,
    TypeSection, ValType,
};

use crate::support::sandbox::Sandbox;
use crate::support::wasm::module;

/// A module by what it imports and exports.
#[derive(Clone)]
struct Made {
    imports: Vec<(&'static str, &'static str)>,
    exports: Vec<&'static str>,
    memory: MemoryType,
}

/// The least that is a command.
fn command() -> Made {
    Made {
        imports: Vec::new(),
        exports: vec!["_start"],
        memory: MemoryType {
            minimum: 1,
            maximum: Some(2),
            memory64: false,
            shared: false,
            page_size_log2: None,
        },
    }
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        for (from, name) in &self.imports {
            imports.import(from, name, EntityType::Function(0));
        }
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut memories = MemorySection::new();
        memories.memory(self.memory);
        let mut globals = GlobalSection::new();
        let constant = GlobalType {
            val_type: ValType::I32,
            mutable: false,
            shared: false,
        };
        globals.global(constant, &ConstExpr::i32_const(0));
        let mut exports = ExportSection::new();
        for name in &self.exports {
            exports.export(name, ExportKind::Func, self.imports.len() as u32);
        }
        exports.export("memory", ExportKind::Memory, 0);
        let mut body = Function::new([]);
        body.instruction(&Instruction::End);
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module
            .section(&memories)
            .section(&globals)
            .section(&exports);
        module.section(&code);
        module.finish()
    }
}

/// Why these bytes do not serve.
#[track_caller]
fn refusal(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("it.wasm");
    std::fs::write(&file, bytes).unwrap();
    let status = Sandbox::new(&file).plugins.list().pop().unwrap();
    status.refusal.expect("a refusal").to_string()
}

/// Why a command with this import does not serve.
#[track_caller]
fn importing(from: &'static str, name: &'static str) -> String {
    let made = Made {
        imports: vec![(from, name)],
        ..command()
    };
    refusal(&made.bytes())
}

#[test]
fn the_least_command_serves() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("it.wasm");
    std::fs::write(&file, command().bytes()).unwrap();
    let sandbox = Sandbox::new(&file);
    assert_eq!(super::completes(&sandbox, "any", "{}"), "null");
}

// Long because it is one table.
#[test]
fn what_another_host_has_is_named() {
    let emscripten = "it was built by Emscripten for JavaScript (it imports";
    let link = "link it with `emcc -sSTANDALONE_WASM -o x.wasm`, or build it with wasi-sdk or \
                `zig cc -target wasm32-wasi`";
    for (from, name, told) in [
        (
            "env",
            "emscripten_resize_heap",
            format!("{emscripten} \"emscripten_resize_heap\" of \"env\"): {link}"),
        ),
        ("a", "b", format!("{emscripten} \"b\" of \"a\"): {link}")),
        (
            "gojs",
            "runtime.wasmExit",
            "it was built for Go's JavaScript (GOOS=js): build it with GOOS=wasip1 GOARCH=wasm, \
             or use `runner build` for a plugin with a handler"
                .to_owned(),
        ),
        (
            "wbg",
            "__wbg_log_1",
            "it was built by wasm-bindgen for JavaScript: build it for wasm32-wasip1 without \
             wasm-bindgen"
                .to_owned(),
        ),
        (
            "wasi_unstable",
            "fd_write",
            "it was built for the first draft of WASI (wasi_unstable): build it again for \
             wasm32-wasip1, with a toolchain since 2020"
                .to_owned(),
        ),
        (
            "wasix_32v1",
            "proc_fork",
            "it was built for WASIX (wasix_32v1): build it for plain WASI, wasm32-wasip1"
                .to_owned(),
        ),
        (
            "wasi",
            "thread-spawn",
            "it needs threads (it imports \"thread-spawn\"), which plugins do not have: build it \
             without, for wasm32-wasip1"
                .to_owned(),
        ),
        (
            "wasi_snapshot_preview1",
            "sock_open",
            "it needs sockets (it imports \"sock_open\"), which plugins do not have: a program \
             reaches the network as a component with wasi:http, within its grants"
                .to_owned(),
        ),
        (
            "wasi_snapshot_preview1",
            "fd_teleport",
            "it imports \"fd_teleport\" of wasi_snapshot_preview1, which has no such function"
                .to_owned(),
        ),
        (
            "env",
            "draw",
            "it imports \"draw\" of \"env\", which only another host has: a command imports \
             nothing but wasi_snapshot_preview1"
                .to_owned(),
        ),
        (
            "runner:plugin/log@0.1.0",
            "write",
            "it imports \"write\" of \"runner:plugin/log@0.1.0\", which only another host has: a \
             command imports nothing but wasi_snapshot_preview1"
                .to_owned(),
        ),
    ] {
        assert_eq!(importing(from, name), told);
    }
}

#[test]
fn threads_and_wide_memories_are_named() {
    let mut made = command();
    made.memory.shared = true;
    assert_eq!(
        refusal(&made.bytes()),
        "it needs threads (its memory is shared), which plugins do not have: build it without, \
         for wasm32-wasip1"
    );
    let mut made = command();
    made.exports.push("wasi_thread_start");
    assert_eq!(
        refusal(&made.bytes()),
        "it needs threads (it exports `wasi_thread_start`), which plugins do not have: build it \
         without, for wasm32-wasip1"
    );
    let mut made = command();
    made.memory.memory64 = true;
    assert_eq!(
        refusal(&made.bytes()),
        "it has a 64-bit memory (wasm64), which plugins do not have: build it for wasm32"
    );
}

#[test]
fn a_library_is_no_command() {
    let mut made = command();
    made.exports = vec!["_initialize", "render"];
    assert_eq!(
        refusal(&made.bytes()),
        "it is a library, not a command: it exports `_initialize` and no `_start`. A command has \
         a main function; `runner build` makes a plugin with a handler"
    );
    made.exports = vec!["render"];
    assert_eq!(
        refusal(&made.bytes()),
        "it is a core module without `_start`, so it is no command; it exports render, memory. A \
         command has a main function and is built for wasm32-wasip1; a plugin with a handler is \
         a component, which `runner build` or `wasm-tools component new` makes"
    );
}

#[test]
fn a_program_whose_import_has_another_type_is_refused() {
    let reason = importing("wasi_snapshot_preview1", "fd_write");
    assert!(
        reason.starts_with("this is not a valid module: "),
        "{reason}"
    );
}

#[test]
fn half_a_module_is_refused_with_its_place() {
    let bytes = std::fs::read(module("answer")).unwrap();
    let reason = refusal(&bytes[..bytes.len() / 2]);
    assert!(
        reason.starts_with("this is not a valid module: ") && reason.contains("(at offset 0x"),
        "{reason}"
    );
}
