//! The changes to a program: where it exits, and what it sees of its memory.

use std::convert::Infallible;

use anyhow::anyhow;
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection,
    ImportSection, Instruction, MemoryType, Module, SectionId, TypeSection,
};
use wasmparser_encoded::{self as wasmparser, Operator, Parser};

use super::memory::Added;
use super::parts::{Parts, REALLOC};
use runner_bindings::program;

type Result<T> = std::result::Result<T, Error<Infallible>>;

/// The program that exits by the host and has its memory to itself.
///
/// # Errors
/// What of it cannot be changed.
pub(super) fn changed(program: &[u8]) -> anyhow::Result<Vec<u8>> {
    let parts = Parts::read(program)?;
    let mut changes = Changes {
        added: Added::after(&parts),
        parts,
        imported: false,
        globals: false,
    };
    let mut module = Module::new();
    changes
        .parse_core_module(&mut module, Parser::new(0), program)
        .map_err(|error| anyhow!("{error}"))?;
    Ok(module.finish())
}

struct Changes {
    parts: Parts,
    added: Added,
    /// Whether the section is written.
    imported: bool,
    globals: bool,
}

impl Changes {
    fn add_imports(&mut self, imports: &mut ImportSection) {
        let ty = EntityType::Function(self.added.types.number);
        imports.import(program::INTERFACE, program::MEMORY, ty);
        self.imported = true;
    }

    fn add_globals(&mut self, globals: &mut GlobalSection) {
        self.added.globals(&self.parts, globals);
        self.globals = true;
    }
}

impl Reencode for Changes {
    type Error = Infallible;

    /// One more import stands before those that the program defines.
    fn function_index(&mut self, function: u32) -> Result<u32> {
        Ok(match function < self.parts.imports {
            true => function,
            false => function + 1,
        })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_type_section(self, types, section)?;
        self.added.types(types);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<()> {
        for import in section.into_imports() {
            let import = import?;
            let ty = self.entity_type(import.ty)?;
            match (import.module, import.name) {
                (PREVIEW1, "proc_exit") => {
                    imports.import(program::INTERFACE, program::EXIT, ty);
                }
                (module, name) => {
                    imports.import(module, name, ty);
                }
            }
        }
        self.add_imports(imports);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_function_section(self, functions, section)?;
        self.added.functions(functions);
        Ok(())
    }

    /// It has as much as its queue allows.
    fn memory_type(&mut self, memory: wasmparser::MemoryType) -> Result<MemoryType> {
        Ok(MemoryType {
            maximum: None,
            ..utils::memory_type(self, memory)
        })
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_global_section(self, globals, section)?;
        self.add_globals(globals);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_export_section(self, exports, section)?;
        if !self.parts.gives {
            exports.export(REALLOC, ExportKind::Func, self.added.realloc());
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_code_section(self, code, section)?;
        self.added.code(&self.parts, code);
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>> {
        Ok(match operator {
            Operator::MemorySize { mem: 0 } => Instruction::GlobalGet(self.added.size()),
            Operator::MemoryGrow { mem: 0 } => Instruction::Call(self.added.grow()),
            other => utils::instruction(self, other)?,
        })
    }

    /// Sections that the program does not have.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<()> {
        use SectionId::{Code, Data, DataCount, Element, Export, Function, Start};
        if before == Some(Function) && !self.imported {
            let mut imports = ImportSection::new();
            self.add_imports(&mut imports);
            module.section(&imports);
        }
        let last = matches!(
            before,
            Some(Export | Start | Element | DataCount | Code | Data)
        );
        if last && !self.globals {
            let mut globals = GlobalSection::new();
            self.add_globals(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    /// Places in the code are others now.
    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<()> {
        match section.name().starts_with(".debug_") {
            true => Ok(()),
            false => utils::parse_custom_section(self, module, section),
        }
    }
}
