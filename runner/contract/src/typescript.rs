//! A contract as the types that a producer in TypeScript imports.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::interface::Interface;
use super::notes::Notes;
use super::types::{Case, Field, Integer, Shape, Type};

/// Declarations for one contract: its types, `Jobs` by name, and a `Queue` of
/// BullMQ for each type of job and for all of them.
pub fn typescript(queue: &str, interface: &Interface) -> String {
    let mut text = format!(
        "// Types of the queue {queue}, from the contract {}.\n\
         // Made by `runner contract typescript {queue}`.\n\n\
         import type {{ Queue }} from 'bullmq';\n",
        interface.id
    );
    jobs(interface, Wide::Number, &mut text);
    for function in &interface.functions {
        let key = quote(&function.key);
        text.push('\n');
        let _ = writeln!(
            text,
            "/** `new Queue({})` for jobs {key} alone. */\n\
             export type {}Queue = Queue<Jobs[{key}]['data'], Jobs[{key}]['result'], {key}>;",
            quote(queue),
            pascal(&function.name),
        );
    }
    let _ = write!(
        text,
        "\n/** All jobs of {queue}: `add` takes the payload that belongs to the name. */\n\
         export type {}Queue = Omit<InstanceType<typeof Queue>, 'add'> & {{\n  \
         add<Name extends keyof Jobs>(\n    name: Name,\n    data: Jobs[Name]['data'],\n    \
         opts?: Parameters<Queue['add']>[2],\n  ): ReturnType<Queue<Jobs[Name]['data'], \
         Jobs[Name]['result'], Name>['add']>;\n}};\n",
        match interface.functions.as_slice() {
            [only] if pascal(&only.name) == pascal(name(interface)) => "Typed".to_owned(),
            _ => pascal(name(interface)),
        }
    );
    text
}

/// Declarations for the handler of a contract: its types, and `Jobs` by name. A payload
/// comes from the SDK's exact reader, which makes bigints of what a number cannot hold.
pub fn typescript_handler(interface: &Interface) -> String {
    let mut text = format!(
        "// Types of the contract {}, for its handlers.\n",
        interface.id
    );
    jobs(interface, Wide::Exact, &mut text);
    text
}

/// What 64-bit integers are.
#[derive(Clone, Copy)]
enum Wide {
    /// Numbers, as `JSON.parse` makes them.
    Number,
    /// Bigints beyond 2^53.
    Exact,
}

/// The types of a contract, and `Jobs`.
fn jobs(interface: &Interface, wide: Wide, text: &mut String) {
    let mut declared = BTreeSet::new();
    for function in &interface.functions {
        let types = [function.data.as_deref(), function.value().map(|ty| &**ty)];
        for ty in types.into_iter().flatten() {
            declare(ty, wide, &mut declared, text);
        }
    }
    let notes = &interface.notes;
    text.push('\n');
    comment(notes, "", text);
    text.push_str("export interface Jobs {\n");
    for function in &interface.functions {
        let data = function.data.as_deref();
        let data = data.map_or("unknown".into(), |ty| word(ty, wide));
        let result = function.value().map_or("null".into(), |ty| word(ty, wide));
        comment(&function.notes, "  ", text);
        let _ = writeln!(
            text,
            "  {}: {{ data: {data}; result: {result} }};",
            quote(&function.key)
        );
    }
    text.push_str("}\n");
}

/// `otp-queue` without what the type's own name says again.
fn name(interface: &Interface) -> &str {
    let name = interface.unversioned();
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    name.strip_suffix("-queue").unwrap_or(name)
}

/// Declare the named types that a type is made of, and the type.
fn declare(ty: &Type, wide: Wide, declared: &mut BTreeSet<String>, text: &mut String) {
    match &ty.shape {
        Shape::List(of) => declare(of, wide, declared, text),
        Shape::Option(item) => declare(&item.ty, wide, declared, text),
        Shape::Tuple(items) => items
            .iter()
            .for_each(|item| declare(&item.ty, wide, declared, text)),
        Shape::Record(fields) => fields
            .iter()
            .for_each(|field| declare(&field.ty, wide, declared, text)),
        Shape::Variant { cases, .. } => cases
            .iter()
            .filter_map(|case| case.ty.as_deref())
            .for_each(|ty| declare(ty, wide, declared, text)),
        _ => {}
    }
    let Some(name) = ty.name.as_ref().filter(|_| ty.is_structured()) else {
        return;
    };
    if !declared.insert(name.clone()) {
        return;
    }
    text.push('\n');
    comment(&ty.notes, "", text);
    let name = pascal(name);
    match &ty.shape {
        Shape::Record(fields) => {
            let _ = writeln!(text, "export interface {name} {}", record(fields, wide, ""));
        }
        shape => {
            let _ = writeln!(text, "export type {name} ={};", union(shape, wide));
        }
    }
}

/// The type where it is used.
fn word(ty: &Type, wide: Wide) -> String {
    match &ty.name {
        Some(name) if ty.is_structured() => pascal(name),
        _ => inline(ty, wide),
    }
}

fn inline(ty: &Type, wide: Wide) -> String {
    match &ty.shape {
        Shape::Bool => "boolean".into(),
        Shape::Integer(of) => match (of, wide) {
            (Integer::U64 | Integer::S64, Wide::Exact) => "number | bigint".into(),
            _ => "number".into(),
        },
        Shape::F32 | Shape::F64 => "number".into(),
        Shape::Char | Shape::String | Shape::Bytes => "string".into(),
        Shape::Json => "unknown".into(),
        Shape::List(of) => match word(of, wide) {
            plain if plain.chars().all(char::is_alphanumeric) => format!("{plain}[]"),
            other => format!("Array<{other}>"),
        },
        Shape::Tuple(items) => {
            let items: Vec<String> = items.iter().map(|item| word(&item.ty, wide)).collect();
            format!("[{}]", items.join(", "))
        }
        Shape::Record(fields) => record(fields, wide, "  "),
        Shape::Option(item) => match &item.ty.shape {
            Shape::Option(inner) => format!(
                "null | {{ tag: 'none' }} | {{ tag: 'some'; val: {} | null }}",
                word(&inner.ty, wide)
            ),
            _ => format!("{} | null", word(&item.ty, wide)),
        },
        shape => union(shape, wide).trim_start().replace("\n  ", " "),
    }
}

fn record(fields: &[Field], wide: Wide, indent: &str) -> String {
    let mut text = "{\n".to_owned();
    for field in fields {
        let inner = format!("{indent}  ");
        comment(&field.notes, &inner, &mut text);
        let long = matches!(field.ty.shape, Shape::Integer(Integer::U64 | Integer::S64));
        if long && field.notes == Notes::default() {
            let words = match wide {
                Wide::Number => "64 bits: exact as a number up to 2^53.",
                Wide::Exact => "A bigint beyond 2^53.",
            };
            let _ = writeln!(text, "{inner}/** {words} */");
        }
        let mark = if field.is_optional() { "?" } else { "" };
        let key = match field.key.chars().all(|c| c.is_alphanumeric() || c == '_') {
            true => field.key.clone(),
            false => quote(&field.key),
        };
        let _ = writeln!(text, "{inner}{key}{mark}: {};", word(&field.ty, wide));
    }
    text.push_str(indent);
    text.push('}');
    text
}

/// The cases of an enum, a variant or flags.
fn union(shape: &Shape, wide: Wide) -> String {
    let lines = |cases: &[Case], of: &dyn Fn(&Case) -> String| {
        let mut text = String::new();
        for case in cases {
            text.push('\n');
            comment(&case.notes, "  ", &mut text);
            let _ = write!(text, "  | {}", of(case));
        }
        text
    };
    match shape {
        Shape::Enum(cases) => lines(cases, &|case| quote(&case.key)),
        Shape::Variant { cases, .. } => lines(cases, &|case| {
            let value = case
                .ty
                .as_deref()
                .map(|ty| format!("; val: {}", word(ty, wide)));
            format!(
                "{{ tag: {}{} }}",
                quote(&case.key),
                value.unwrap_or_default()
            )
        }),
        Shape::Flags(flags) => {
            let flags: Vec<String> = flags
                .iter()
                .map(|flag| format!("{}?: boolean", quote(&flag.key)))
                .collect();
            format!(" {{ {} }}", flags.join("; "))
        }
        _ => " unknown".into(),
    }
}

fn comment(notes: &Notes, indent: &str, text: &mut String) {
    let mut lines: Vec<String> = notes.text.lines().map(str::to_owned).collect();
    lines.extend(notes.examples.iter().map(|of| format!("@example {of}")));
    if notes.sensitive {
        lines.push("Sensitive: not shown in logs and output.".into());
    }
    match lines.as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(text, "{indent}/** {} */", safe(one));
        }
        many => {
            let _ = writeln!(text, "{indent}/**");
            for line in many {
                let _ = writeln!(text, "{indent} * {}", safe(line));
            }
            let _ = writeln!(text, "{indent} */");
        }
    }
}

/// Nothing ends the comment early.
fn safe(line: &str) -> String {
    line.replace("*/", "*\\/")
}

fn quote(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let inner = json[1..json.len() - 1].replace("\\\"", "\"");
    format!("'{}'", inner.replace('\'', "\\'"))
}

/// `OtpRequest` of `otp-request`.
pub(super) fn pascal(name: &str) -> String {
    let mut pascal = String::with_capacity(name.len());
    for word in name.split('-') {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            pascal.push(first.to_ascii_uppercase());
            pascal.extend(letters);
        }
    }
    pascal
}
