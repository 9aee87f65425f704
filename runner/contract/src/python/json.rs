//! How a value of a type gets from and to what Python's `json` knows, as expressions.

use super::class_name;
use crate::types::{Item, Shape, Type};

/// The value that an expression of JSON means. `depth` keeps the names of loops apart.
pub(super) fn reads(ty: &Type, from: &str, depth: usize) -> String {
    if is_plain(ty) {
        return from.to_owned();
    }
    let one = variable(depth);
    match &ty.shape {
        Shape::Bytes => format!(
            "bytes({one} if isinstance({one} := {from}, list) else _base64.b64decode({one}))"
        ),
        Shape::List(of) => format!("[{} for {one} in {from}]", reads(of, &one, depth + 1)),
        Shape::Tuple(items) if items.iter().all(|item| is_plain(&item.ty)) => {
            format!("tuple({from})")
        }
        Shape::Tuple(items) => {
            let read =
                |(at, item): (usize, &Item)| reads(&item.ty, &format!("{one}[{at}]"), depth + 1);
            let items: Vec<String> = items.iter().enumerate().map(read).collect();
            // The loop names what is read once.
            format!("next(({},) for {one} in [{from}])", items.join(", "))
        }
        Shape::Option(item) => {
            let value = match &item.ty.shape {
                Shape::Option(inner) => format!(
                    "Some({} if {one}[\"tag\"] == \"some\" else None)",
                    reads_optional(&inner.ty, &format!("{one}[\"val\"]"), depth + 1)
                ),
                _ => reads(&item.ty, &one, depth + 1),
            };
            format!("None if ({one} := {from}) is None else {value}")
        }
        Shape::Variant { cases, .. } if ty.name.is_none() => {
            let case = |at: usize| match &cases[at].ty {
                Some(ty) => reads(ty, &format!("{one}[\"val\"]"), depth + 1),
                None => "None".into(),
            };
            format!(
                "ResultOk({}) if ({one} := {from})[\"tag\"] == \"ok\" else ResultError({})",
                case(0),
                case(1)
            )
        }
        Shape::Variant { .. } => {
            let name = ty.name.as_deref().unwrap_or_default();
            let cases = format!("_CASES_OF_{}", name.replace('-', "_").to_ascii_uppercase());
            format!("{cases}[({one} := {from})[\"tag\"]].from_json({one})")
        }
        Shape::Enum(_) => format!("{}({from})", class(ty)),
        _ => format!("{}.from_json({from})", class(ty)),
    }
}

fn reads_optional(ty: &Type, from: &str, depth: usize) -> String {
    if is_plain(ty) {
        return from.to_owned();
    }
    let one = variable(depth);
    format!(
        "None if ({one} := {from}) is None else {}",
        reads(ty, &one, depth + 1)
    )
}

/// What `json` writes for the value of an expression.
pub(super) fn writes(ty: &Type, of: &str, depth: usize) -> String {
    if is_plain(ty) {
        return of.to_owned();
    }
    let one = variable(depth);
    match &ty.shape {
        Shape::Bytes => format!("_base64.b64encode({of}).decode()"),
        Shape::List(item) => format!("[{} for {one} in {of}]", writes(item, &one, depth + 1)),
        Shape::Tuple(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(at, item)| writes(&item.ty, &format!("{of}[{at}]"), depth));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Shape::Option(item) => match &item.ty.shape {
            Shape::Option(inner) => {
                let value = format!("{of}.val");
                format!(
                    "None if {of} is None else {{\"tag\": \"none\"}} if {value} is None else \
                     {{\"tag\": \"some\", \"val\": {}}}",
                    writes(&inner.ty, &value, depth)
                )
            }
            _ => format!("None if {of} is None else {}", writes(&item.ty, of, depth)),
        },
        Shape::Variant { cases, .. } if ty.name.is_none() => {
            let case = |at: usize| match &cases[at].ty {
                Some(ty) => format!(", \"val\": {}", writes(ty, &format!("{of}.val"), depth)),
                None => String::new(),
            };
            format!(
                "{{\"tag\": \"ok\"{}}} if isinstance({of}, ResultOk) else {{\"tag\": \"error\"{}}}",
                case(0),
                case(1)
            )
        }
        Shape::Enum(_) => format!("{of}.value"),
        _ => format!("{of}.to_json()"),
    }
}

/// Whether the value is what `json` makes of it.
fn is_plain(ty: &Type) -> bool {
    match &ty.shape {
        Shape::List(of) => is_plain(of),
        Shape::Option(item) => !matches!(item.ty.shape, Shape::Option(_)) && is_plain(&item.ty),
        Shape::Bool
        | Shape::Integer(_)
        | Shape::F32
        | Shape::F64
        | Shape::Char
        | Shape::String
        | Shape::Json => true,
        _ => false,
    }
}

fn class(ty: &Type) -> String {
    class_name(ty.name.as_deref().unwrap_or_default())
}

fn variable(depth: usize) -> String {
    match depth {
        0 => "one".into(),
        _ => format!("one{depth}"),
    }
}
