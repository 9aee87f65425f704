//! What a program has before it is changed.

use anyhow::anyhow;
use wasmparser_encoded::{Parser, Payload, TypeRef};

/// What the adapter asks for memory by.
pub(super) const REALLOC: &str = "cabi_realloc";

/// What a program has before it is changed.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) types: u32,
    /// Imported functions.
    pub(super) imports: u32,
    /// All functions.
    pub(super) functions: u32,
    pub(super) globals: u32,
    /// Pages of its memory at first.
    pub(super) pages: u32,
    /// Pages it may have by itself.
    pub(super) most: Option<u32>,
    /// Whether it gives out memory itself, as a component does.
    pub(super) gives: bool,
}

impl Parts {
    pub(super) fn read(program: &[u8]) -> anyhow::Result<Parts> {
        let mut parts = Parts::default();
        for payload in Parser::new(0).parse_all(program) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        parts.types += group?.types().len() as u32;
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(_) = import.ty else {
                            return Err(anyhow!("it imports {:?}, no function", import.name));
                        };
                        parts.imports += 1;
                    }
                    parts.functions += parts.imports;
                }
                Payload::FunctionSection(section) => parts.functions += section.count(),
                Payload::GlobalSection(section) => parts.globals = section.count(),
                Payload::MemorySection(section) => {
                    if let Some(memory) = section.into_iter().next() {
                        let memory = memory?;
                        parts.pages = u32::try_from(memory.initial)?;
                        parts.most = memory.maximum.map(u32::try_from).transpose()?;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        parts.gives |= export?.name == REALLOC;
                    }
                }
                _ => {}
            }
        }
        Ok(parts)
    }
}
