//! What a component may have, looked at before anything else takes it apart.
//!
//! All of it but the bodies of functions is validated first: the decoder of
//! interfaces trusts counts and nesting of what it is given. The bodies are the
//! compiler's to validate. The bounds are far above what toolchains make, and keep
//! a small file from costing minutes.

use wasmparser::{
    BinaryReaderError, FunctionBody, Instance, Operator, Parser, Payload, ValidPayload, Validator,
    WasmFeatures,
};

use crate::plugin::crew::cores;
use crate::plugin::engine::CORES;

/// Functions with a body, over all modules. The largest programs known to run as
/// Wasm have a fifth.
const FUNCTIONS: u64 = 500_000;
/// Core modules. Python has one for each of its native libraries.
const MODULES: u64 = 256;
/// Types, core and component, over all parts.
const TYPES: u64 = 200_000;
/// Segments of data and of elements. Go's linker makes the most of them, 100 000 for a
/// large program.
const SEGMENTS: u64 = 250_000;
/// Locals of one function: the compiler's time grows with locals times blocks.
const LOCALS: u64 = 20_000;
/// Blocks in each other. LLVM nests one per case of a `switch`.
const NESTING: u64 = 10_000;

/// Why bytes go no further.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::plugin) enum Fault {
    /// They are not a valid component.
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

/// Validate a component but for its functions, and count what is in it. The bodies
/// of its functions.
///
/// # Errors
/// The first thing that is not valid, or too many.
pub(in crate::plugin) fn check(bytes: &[u8]) -> Result<Vec<FunctionBody<'_>>, Fault> {
    // Which proposals the engine has is the compiler's to say.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut counts = Counts::default();
    let mut functions = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        counts.add(&payload)?;
        if let ValidPayload::Func(_, body) = validator.payload(&payload)? {
            functions.push(body);
        }
    }
    Ok(functions)
}

/// Look at the bodies of functions, on all cores.
///
/// # Errors
/// The first that cannot be read, or has too many of something.
pub(in crate::plugin) fn check_functions(functions: &[FunctionBody<'_>]) -> Result<(), Fault> {
    let share = functions.len().div_ceil(cores()).max(1);
    std::thread::scope(|threads| {
        let looks: Vec<_> = functions
            .chunks(share)
            .map(|share| threads.spawn(|| share.iter().try_for_each(check_function)))
            .collect();
        looks
            .into_iter()
            .try_for_each(|look| look.join().expect("looking does not panic"))
    })
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

fn check_function(function: &FunctionBody<'_>) -> Result<(), Fault> {
    let too_many = |what, max| Err(Fault::Bound { what, max });
    let mut locals = 0;
    for group in function.get_locals_reader()? {
        let (count, _) = group?;
        locals += u64::from(count);
    }
    if locals > LOCALS {
        return too_many("locals in one function", LOCALS);
    }
    // The engine will never have them, and other toolchains still write them.
    let old = "it has exceptions of the old form: build it with the new one, `try_table`";
    let mut nesting: u64 = 0;
    for operator in function.get_operators_reader()? {
        match operator? {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. } => nesting += 1,
            Operator::End => nesting = nesting.saturating_sub(1),
            Operator::Try { .. } => return Err(Fault::Invalid(old.to_owned())),
            _ => {}
        }
        if nesting > NESTING {
            return too_many("blocks in each other", NESTING);
        }
    }
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
        let check = |bodies: Vec<Function>, instances| {
            let component = around(&module(bodies), instances);
            check_functions(&check(&component)?)
        };
        let most = body(LOCALS as u32, NESTING as usize);
        assert_eq!(check(vec![most], CORES), Ok(()));
        assert_eq!(
            check(vec![body(LOCALS as u32 + 1, 0)], 1),
            bound("locals in one function", LOCALS)
        );
        assert_eq!(
            check(vec![body(0, NESTING as usize + 1)], 1),
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
        let check = |component: Component| check(&component.finish()).map(drop);
        assert_eq!(check(component), bound("core modules", MODULES));
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
        assert_eq!(check(component), bound("types", TYPES));
    }

    #[test]
    fn what_is_not_valid_is_told_with_its_place() {
        let mut wrong = FunctionSection::new();
        wrong.function(0);
        let mut module = Module::new();
        module.section(&wrong);
        let Err(Fault::Invalid(text)) = check(&around(&module, 1)) else {
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
        let component = around(&module([old]), 1);
        assert_eq!(
            check_functions(&check(&component).unwrap()),
            Err(Fault::Invalid(
                "it has exceptions of the old form: build it with the new one, `try_table`".into()
            ))
        );
    }
}
