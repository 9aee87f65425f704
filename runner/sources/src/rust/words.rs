//! The functions of a contract in Rust, for a new project.

use runner_contract::{Function, Integer, Shape, Type};

use crate::embedded::Words;
use crate::project::Contract;

/// What the template of a crate with a contract leaves open.
pub(crate) fn words(contract: &Contract) -> Words {
    let interface = &contract.interface;
    let module = interface.unversioned().replace([':', '/'], "::");
    let mut types = Vec::new();
    for function in &interface.functions {
        let of = [function.data.as_deref(), function.returns.as_deref()];
        of.into_iter().flatten().for_each(|ty| name(ty, &mut types));
    }
    let first = interface.functions.first();
    let mut arguments = Vec::new();
    for (_, ty) in first.map(parameters).unwrap_or_default() {
        names(ty, &mut types);
        arguments.push(value(ty));
    }
    let check = first.map_or_else(String::new, |function| {
        let call = format!(
            "Plugin::{}({})",
            snake(&function.name),
            arguments.join(", ")
        );
        match function.fails {
            true => format!("assert!(matches!({call}, Err(Failure::Reject(_))));"),
            false => format!("assert!(std::panic::catch_unwind(|| {call}).is_err());"),
        }
    });
    types.sort();
    types.dedup();
    let functions = interface.functions.iter().map(body);
    vec![
        ("module", snake(&module)),
        (
            "types",
            types.iter().map(|name| format!(", {name}")).collect(),
        ),
        ("functions", functions.collect::<Vec<_>>().join("\n\n")),
        ("check", check),
    ]
}

fn body(function: &Function) -> String {
    let parameters = parameters(function);
    let listed = parameters
        .iter()
        .map(|(name, ty)| format!("_{}: {}", snake(name), word(ty)));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let returns = function.returns.as_deref().map(|ty| match &ty.shape {
        Shape::Variant { cases, .. } if function.fallible => {
            let word = |at: usize| cases[at].ty.as_deref().map_or("()".to_owned(), word);
            format!("Result<{}, {}>", word(0), word(1))
        }
        _ => word(ty),
    });
    let returns = returns.map_or(String::new(), |ty| format!(" -> {ty}"));
    let body = match function.fails {
        true => format!("Err(reject(\"not written yet: {}\").into())", function.key),
        false => format!("panic!(\"not written yet: {}\")", function.key),
    };
    let docs = function.notes.text.lines();
    let docs: String = docs.map(|line| format!("    /// {line}\n")).collect();
    format!(
        "{docs}    fn {}({listed}){returns} {{\n        {body}\n    }}",
        snake(&function.name)
    )
}

/// The parameters of a function: their one type, or the fields of the object that is
/// made of several.
fn parameters(function: &Function) -> Vec<(&str, &Type)> {
    match function.data.as_deref() {
        None => Vec::new(),
        Some(Type {
            shape: Shape::Record(fields),
            name: None,
            ..
        }) => fields
            .iter()
            .map(|field| (&*field.name, &*field.ty))
            .collect(),
        Some(ty) => vec![("data", ty)],
    }
}

/// Add the names that a signature has.
fn name(ty: &Type, found: &mut Vec<String>) {
    match (&ty.name, &ty.shape) {
        // The SDK's own.
        (Some(name), _) if name == "failure" => {}
        (Some(name), _) if ty.is_structured() => found.push(pascal(name)),
        (_, Shape::List(of)) => name(of, found),
        (_, Shape::Option(item)) => name(&item.ty, found),
        (_, Shape::Tuple(items)) => items.iter().for_each(|item| name(&item.ty, found)),
        (_, Shape::Record(fields)) => fields.iter().for_each(|field| name(&field.ty, found)),
        (_, Shape::Variant { cases, .. }) => {
            let values = cases.iter().filter_map(|case| case.ty.as_deref());
            values.for_each(|ty| name(ty, found));
        }
        _ => {}
    }
}

/// Add the names that a value written in Rust has.
fn names(ty: &Type, found: &mut Vec<String>) {
    name(ty, found);
    match &ty.shape {
        Shape::Tuple(items) => items.iter().for_each(|item| names(&item.ty, found)),
        Shape::Record(fields) => fields.iter().for_each(|field| names(&field.ty, found)),
        Shape::Variant { cases, .. } => {
            if let Some(ty) = cases.first().and_then(|case| case.ty.as_deref()) {
                names(ty, found);
            }
        }
        _ => {}
    }
}

/// A type.
fn word(ty: &Type) -> String {
    if let Some(name) = ty.name.as_ref().filter(|_| ty.is_structured()) {
        return pascal(name);
    }
    match &ty.shape {
        Shape::Bool => "bool".into(),
        Shape::Integer(of) => integer(*of).into(),
        Shape::F32 => "f32".into(),
        Shape::F64 => "f64".into(),
        Shape::Char => "char".into(),
        Shape::String | Shape::Json => "String".into(),
        Shape::Bytes => "Vec<u8>".into(),
        Shape::List(of) => format!("Vec<{}>", word(of)),
        Shape::Option(item) => format!("Option<{}>", word(&item.ty)),
        Shape::Tuple(items) => {
            let items: Vec<String> = items.iter().map(|item| word(&item.ty)).collect();
            match items.as_slice() {
                [one] => format!("({one},)"),
                all => format!("({})", all.join(", ")),
            }
        }
        Shape::Variant { cases, .. } => {
            let word = |at: usize| cases[at].ty.as_deref().map_or("()".to_owned(), word);
            format!("Result<{}, {}>", word(0), word(1))
        }
        Shape::Record(_) | Shape::Enum(_) | Shape::Flags(_) => "()".into(),
    }
}

/// A value of a type.
fn value(ty: &Type) -> String {
    let of = ty.name.as_deref().map(pascal).unwrap_or_default();
    match &ty.shape {
        Shape::Bool => "false".into(),
        Shape::Integer(_) => "1".into(),
        Shape::F32 | Shape::F64 => "1.0".into(),
        Shape::Char => "'a'".into(),
        Shape::String => "\"text\".to_owned()".into(),
        Shape::Json => "\"{}\".to_owned()".into(),
        Shape::Bytes | Shape::List(_) => "Vec::new()".into(),
        Shape::Option(_) => "None".into(),
        Shape::Tuple(items) => {
            let items = items.iter().map(|item| value(&item.ty) + ", ");
            format!("({})", items.collect::<String>())
        }
        Shape::Record(fields) => {
            let fields = fields
                .iter()
                .map(|field| format!("{}: {}", snake(&field.name), value(&field.ty)));
            format!("{of} {{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Shape::Enum(cases) => format!("{of}::{}", pascal(&cases[0].name)),
        Shape::Variant { cases, .. } => {
            let of = if of.is_empty() {
                String::new()
            } else {
                of + "::"
            };
            match &cases[0].ty {
                Some(ty) => format!("{of}{}({})", pascal(&cases[0].name), value(ty)),
                None => format!("{of}{}", pascal(&cases[0].name)),
            }
        }
        Shape::Flags(_) => format!("{of}::empty()"),
    }
}

fn integer(of: Integer) -> &'static str {
    match of {
        Integer::U8 => "u8",
        Integer::U16 => "u16",
        Integer::U32 => "u32",
        Integer::U64 => "u64",
        Integer::S8 => "i8",
        Integer::S16 => "i16",
        Integer::S32 => "i32",
        Integer::S64 => "i64",
    }
}

/// `OtpRequest` of `otp-request`.
fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + &rest.to_lowercase()
    });
    words.collect()
}

/// `otp_queue` of `otp-queue`; what is a word of Rust has an underscore behind it, as
/// wit-bindgen does it.
fn snake(name: &str) -> String {
    let name = name.to_lowercase().replace('-', "_");
    match super::RESERVED.contains(&&*name) {
        true => name + "_",
        false => name,
    }
}
