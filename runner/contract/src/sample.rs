//! A payload to begin with.

use serde_json::{Map, Value, json};

use super::types::{Case, Shape, Type};

/// A value of a type: its first `@example`, or the simplest there is.
pub fn sample(ty: &Type) -> Value {
    let example = ty.notes.examples.first();
    if let Some(value) = example.and_then(|text| serde_json::from_str(text).ok()) {
        return value;
    }
    match &ty.shape {
        Shape::Bool => Value::Bool(false),
        Shape::Integer(_) | Shape::F32 | Shape::F64 => json!(1),
        Shape::Char => json!("a"),
        Shape::String => json!("text"),
        Shape::Json => json!({}),
        Shape::Bytes => json!(""),
        Shape::List(of) => Value::Array(vec![sample(of)]),
        Shape::Tuple(items) => items.iter().map(|item| sample(&item.ty)).collect(),
        Shape::Record(fields) => {
            let shown = fields.iter().filter(|field| !field.is_optional());
            let entries = shown.map(|field| {
                let example = field.notes.examples.first();
                let example = example.and_then(|text| serde_json::from_str(text).ok());
                (
                    field.key.clone(),
                    example.unwrap_or_else(|| sample(&field.ty)),
                )
            });
            Value::Object(entries.collect())
        }
        Shape::Option(_) => Value::Null,
        Shape::Enum(cases) => json!(first(cases)),
        Shape::Variant { cases, .. } => {
            let mut variant = Map::new();
            variant.insert("tag".into(), json!(first(cases)));
            if let Some(value) = cases.first().and_then(|case| case.ty.as_deref()) {
                variant.insert("val".into(), sample(value));
            }
            Value::Object(variant)
        }
        Shape::Flags(_) => json!({}),
    }
}

fn first(cases: &[Case]) -> &str {
    cases.first().map_or("", |case| &case.key)
}
