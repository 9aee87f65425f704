//! A core module: whether it is a program of WASI preview 1, which the compiling
//! child makes a component of, and what it lacks if it is none.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wasmparser::{BinaryReaderError, ExternalKind, MemoryType, Parser, Payload, TypeRef};

use super::Shape;
use crate::plugin::foreign::Foreign;

/// What a command exports to be started.
pub(super) const START: &str = "_start";
/// What it has its memory under.
const MEMORY: &str = "memory";

/// Why a module goes no further.
#[derive(Debug)]
pub(in crate::plugin) enum Fault {
    /// It is no command.
    Foreign(Foreign),
    /// It is no module, which a validated one is.
    Invalid(BinaryReaderError),
}

impl From<BinaryReaderError> for Fault {
    fn from(error: BinaryReaderError) -> Fault {
        Fault::Invalid(error)
    }
}

impl From<Foreign> for Fault {
    fn from(foreign: Foreign) -> Fault {
        Fault::Foreign(foreign)
    }
}

/// Look at a valid module; what it asks for and offers when it is a command.
///
/// # Errors
/// What it lacks.
pub(in crate::plugin) fn command(module: &[u8]) -> Result<Shape, Fault> {
    let parts = Parts::read(module)?;
    let mut imports: Vec<String> = Vec::new();
    let known = functions(ADAPTER)?;
    for (module, name, ty) in &parts.imports {
        if let TypeRef::Memory(of) = ty {
            check_memory(of)?;
        }
        check_import(&parts, &known, module, name)?;
        if !imports.iter().any(|of| of == module) {
            imports.push((*module).to_owned());
        }
    }
    parts.memories.iter().try_for_each(check_memory)?;
    if parts.exports("wasi_thread_start") {
        return Err(Foreign::Threads("it exports `wasi_thread_start`".to_owned()).into());
    }
    if !parts.exports(START) {
        return Err(match parts.exports("_initialize") {
            true => Foreign::Library,
            false => Foreign::NoStart(match parts.exports.is_empty() {
                true => "nothing".to_owned(),
                false => listed(&parts.exports),
            }),
        }
        .into());
    }
    if !parts.exports(MEMORY) {
        return Err(Foreign::NoMemory.into());
    }
    Ok(Shape {
        imports,
        exports: vec![START.to_owned()],
    })
}

/// The first names, and how many more there are.
fn listed(exports: &[(&str, ExternalKind)]) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = exports.iter().take(SHOWN).map(|(name, _)| *name).collect();
    let mut text = names.join(", ");
    if let more @ 1.. = exports.len().saturating_sub(SHOWN) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn check_memory(memory: &MemoryType) -> Result<(), Foreign> {
    match memory {
        MemoryType { shared: true, .. } => Err(Foreign::Threads("its memory is shared".to_owned())),
        MemoryType { memory64: true, .. } => Err(Foreign::Memory64),
        _ => Ok(()),
    }
}

fn check_import(
    parts: &Parts<'_>,
    known: &[&str],
    module: &str,
    name: &str,
) -> Result<(), Foreign> {
    let own = || (name.to_owned(), module.to_owned());
    match module {
        PREVIEW1 if known.contains(&name) => Ok(()),
        PREVIEW1 if name.starts_with("sock_") => Err(Foreign::Sockets(name.to_owned())),
        PREVIEW1 => Err(Foreign::Function(name.to_owned())),
        "wasi_unstable" => Err(Foreign::Unstable),
        "wasi" => Err(Foreign::Threads(format!("it imports {name:?}"))),
        "gojs" | "go" => Err(Foreign::GoJs),
        "wbg" | "__wbindgen_placeholder__" => Err(Foreign::Bindgen),
        _ if module.starts_with("wasix") => Err(Foreign::Wasix(module.to_owned())),
        // Emscripten shortens names to one or two letters.
        "env" | "a" if parts.is_emscripten() => {
            let (name, module) = own();
            Err(Foreign::Emscripten { name, module })
        }
        // An interface of the component model, which its own metadata describes.
        _ if parts.described && module.contains(':') => Ok(()),
        _ => {
            let (name, module) = own();
            Err(Foreign::Import { name, module })
        }
    }
}

/// What of a module counts here.
#[derive(Default)]
struct Parts<'a> {
    imports: Vec<(&'a str, &'a str, TypeRef)>,
    memories: Vec<MemoryType>,
    exports: Vec<(&'a str, ExternalKind)>,
    /// Whether it has metadata of the component model.
    described: bool,
}

impl<'a> Parts<'a> {
    fn read(module: &'a [u8]) -> Result<Parts<'a>, BinaryReaderError> {
        let mut parts = Parts::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        parts.imports.push((import.module, import.name, import.ty));
                    }
                }
                Payload::MemorySection(section) => {
                    parts.memories = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        parts.exports.push((export.name, export.kind));
                    }
                }
                Payload::CustomSection(section) => {
                    parts.described |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(parts)
    }

    fn exports(&self, name: &str) -> bool {
        self.exports.iter().any(|(own, _)| *own == name)
    }

    /// Whether its imports are those of Emscripten's JavaScript.
    fn is_emscripten(&self) -> bool {
        self.imports.iter().any(|(module, name, _)| match *module {
            "a" => name.len() <= 2,
            "env" => {
                let starts = [
                    "emscripten_",
                    "_emscripten_",
                    "__syscall_",
                    "invoke_",
                    "__cxa_",
                ];
                starts.iter().any(|start| name.starts_with(start))
            }
            _ => false,
        })
    }
}

/// The functions that this module exports.
fn functions(module: &[u8]) -> Result<Vec<&str>, BinaryReaderError> {
    let exports = Parts::read(module)?.exports;
    let functions = exports
        .into_iter()
        .filter(|(_, kind)| *kind == ExternalKind::Func);
    Ok(functions.map(|(name, _)| name).collect())
}
