//! What a component may have, looked at before anything else takes it apart.
//!
//! The bytes are validated first: the decoder of interfaces and the compiler
//! trust counts and nesting of what they are given. The bounds are far above
//! what toolchains make, and keep a small file from costing minutes.

use wasmparser::{
    BinaryReaderError, FuncValidator, FuncValidatorAllocations, FunctionBody, Instance, Parser,
    Payload, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use super::engine::CORES;

/// Functions with a body, over all modules. The largest programs known to run as
/// Wasm have a fifth.
const FUNCTIONS: u64 = 500_000;
/// Core modules. Python has one for each of its native libraries.
const MODULES: u64 = 256;
/// Types, core and component, over all parts.
const TYPES: u64 = 200_000;
/// Segments of data and of elements. Go's compiler makes the most of them, some
/// thousand.
const SEGMENTS: u64 = 100_000;
/// Locals of one function: the compiler's time grows with locals times blocks.
const LOCALS: u64 = 20_000;
/// Blocks in each other. LLVM nests one per case of a `switch`.
const NESTING: u64 = 10_000;

/// Why bytes go no further.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are no valid component.
    Invalid(String),
    /// They have too much of something.
    Bound {
        /// In the plural.
        what: &'static str,
        /// What is allowed.
        max: u64,
    },
}

impl From<BinaryReaderError> for Fault {
    fn from(error: BinaryReaderError) -> Fault {
        Fault::Invalid(error.to_string())
    }
}

#[derive(Default)]
struct Counts {
    functions: u64,
    modules: u64,
    instances: u64,
    types: u64,
    segments: u64,
}

/// Validate a component, and count what is in it.
///
/// # Errors
/// The first thing that is not valid, or too many.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fault> {
    // Which proposals the engine has is the compiler's to say, but for the one that
    // it will never have and that other toolchains still write.
    let features = WasmFeatures::all().difference(WasmFeatures::LEGACY_EXCEPTIONS);
    let mut validator = Validator::new_with_features(features);
    let mut counts = Counts::default();
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        counts.add(&payload)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let mut function = function.into_validator(allocations);
            check_function(&mut function, &body)?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

impl Counts {
    /// Before the validator looks at it: it makes room for what is announced.
    fn add(&mut self, payload: &Payload<'_>) -> Result<(), Fault> {
        let within = |count: &mut u64, more: u32, what, max| {
            *count += u64::from(more);
            match *count > max {
                true => Err(Fault::Bound { what, max }),
                false => Ok(()),
            }
        };
        match payload {
            Payload::ModuleSection { .. } => within(&mut self.modules, 1, "core modules", MODULES),
            Payload::FunctionSection(of) => {
                within(&mut self.functions, of.count(), "functions", FUNCTIONS)
            }
            Payload::TypeSection(of) => within(&mut self.types, of.count(), "types", TYPES),
            Payload::CoreTypeSection(of) => within(&mut self.types, of.count(), "types", TYPES),
            Payload::ComponentTypeSection(of) => {
                within(&mut self.types, of.count(), "types", TYPES)
            }
            Payload::DataSection(of) => {
                within(&mut self.segments, of.count(), "segments", SEGMENTS)
            }
            Payload::ElementSection(of) => {
                within(&mut self.segments, of.count(), "segments", SEGMENTS)
            }
            Payload::InstanceSection(of) => {
                for instance in of.clone() {
                    // The others are lists of names.
                    if let Instance::Instantiate { .. } = instance? {
                        let max = u64::from(CORES);
                        within(&mut self.instances, 1, "core instances", max)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn check_function(
    function: &mut FuncValidator<ValidatorResources>,
    body: &FunctionBody<'_>,
) -> Result<(), Fault> {
    let too_many = |what, max| Err(Fault::Bound { what, max });
    let mut reader = body.get_binary_reader();
    function.read_locals(&mut reader)?;
    if u64::from(function.len_locals()) > LOCALS {
        return too_many("locals in one function", LOCALS);
    }
    reader.set_features(*function.features());
    while !reader.eof() {
        let at = reader.original_position();
        reader.visit_operator(&mut function.visitor(at))??;
        if u64::from(function.control_stack_height()) > NESTING {
            return too_many("blocks in each other", NESTING);
        }
    }
    reader.finish_expression(&function.visitor(reader.original_position()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, Component, ComponentTypeSection, Function, FunctionSection, InstanceSection,
        Instruction, Module, ModuleArg, ModuleSection, TypeSection, ValType,
    };

    use super::*;

    fn module(bodies: impl IntoIterator<Item = Function>) -> Module {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        for body in bodies {
            functions.function(0);
            code.function(&body);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&code);
        module
    }

    fn around(module: &Module, instances: u32) -> Vec<u8> {
        let mut component = Component::new();
        component.section(&ModuleSection(module));
        let mut made = InstanceSection::new();
        for _ in 0..instances {
            made.instantiate(0, [("", ModuleArg::Instance(0)); 0]);
        }
        component.section(&made);
        component.finish()
    }

    fn body(locals: u32, nesting: usize) -> Function {
        let mut body = Function::new([(locals, ValType::I32)]);
        for _ in 0..nesting {
            body.instruction(&Instruction::Block(wasm_encoder::BlockType::Empty));
        }
        for _ in 0..=nesting {
            body.instruction(&Instruction::End);
        }
        body
    }

    fn bound(what: &'static str, max: u64) -> Result<(), Fault> {
        Err(Fault::Bound { what, max })
    }

    #[test]
    fn what_is_within_the_bounds_is_let_through_and_one_more_is_not() {
        let check = |bodies: Vec<Function>, instances| check(&around(&module(bodies), instances));
        // The function's own block counts, too.
        let most = body(LOCALS as u32, NESTING as usize - 1);
        assert_eq!(check(vec![most], CORES), Ok(()));
        assert_eq!(
            check(vec![body(LOCALS as u32 + 1, 0)], 1),
            bound("locals in one function", LOCALS)
        );
        assert_eq!(
            check(vec![body(0, NESTING as usize)], 1),
            bound("blocks in each other", NESTING)
        );
        assert_eq!(
            check(Vec::new(), CORES + 1),
            bound("core instances", CORES.into())
        );
        let many = vec![body(0, 0); FUNCTIONS as usize + 1];
        assert_eq!(check(many, 1), bound("functions", FUNCTIONS));
    }

    #[test]
    fn types_and_modules_are_counted_over_all_parts() {
        let mut component = Component::new();
        for _ in 0..=MODULES {
            component.section(&ModuleSection(&module([])));
        }
        assert_eq!(check(&component.finish()), bound("core modules", MODULES));
        let mut component = Component::new();
        for _ in 0..=TYPES / 50_000 {
            let mut types = ComponentTypeSection::new();
            for _ in 0..50_000 {
                types
                    .defined_type()
                    .primitive(wasm_encoder::PrimitiveValType::U8);
            }
            component.section(&types);
        }
        assert_eq!(check(&component.finish()), bound("types", TYPES));
    }

    #[test]
    fn what_is_not_valid_is_told_with_its_place() {
        let mut wrong = Function::new([]);
        wrong
            .instruction(&Instruction::Drop)
            .instruction(&Instruction::End);
        let Err(Fault::Invalid(text)) = check(&around(&module([wrong]), 1)) else {
            panic!("it was let through");
        };
        assert!(text.contains("(at offset 0x"), "{text}");
    }
    #[test]
    fn exceptions_of_the_old_form_are_named() {
        let mut old = Function::new([]);
        old.instruction(&Instruction::Try(wasm_encoder::BlockType::Empty))
            .instruction(&Instruction::CatchAll)
            .instruction(&Instruction::End)
            .instruction(&Instruction::End);
        let Err(Fault::Invalid(text)) = check(&around(&module([old]), 1)) else {
            panic!("it was let through");
        };
        assert!(
            text.contains("legacy_exceptions feature required"),
            "{text}"
        );
    }
}
