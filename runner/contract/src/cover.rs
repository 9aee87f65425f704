//! Values of `@sensitive` fields: covered in what people are shown of a payload or
//! result, and listed, to be looked for in what a plugin says.

use std::borrow::Cow;

use serde_json::Value;

use super::types::{Shape, Type};

/// What stands for a value.
const COVER: &str = "[sensitive]";

/// JSON text with its sensitive values covered. Text that is no value of the
/// type is covered as far as it looks like one; without sensitive fields it is
/// left as it is.
pub fn cover<'a>(ty: &Type, json: &'a str) -> Cow<'a, str> {
    if !has_sensitive(ty) {
        return Cow::Borrowed(json);
    }
    match serde_json::from_str(json) {
        Ok(mut value) => {
            visit(ty, &mut value, &mut |value| *value = COVER.into());
            Cow::Owned(value.to_string())
        }
        // Whatever it is, it may be the secret.
        Err(_) => Cow::Borrowed(COVER),
    }
}

/// The texts and numbers in the sensitive values of JSON text.
pub fn sensitive(ty: &Type, json: &str) -> Vec<String> {
    fn leaves(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Number(number) => found.push(number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
            Value::Object(fields) => fields.values().for_each(|field| leaves(field, found)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut found = Vec::new();
    if has_sensitive(ty)
        && let Ok(mut value) = serde_json::from_str(json)
    {
        visit(ty, &mut value, &mut |value| leaves(value, &mut found));
    }
    found
}

fn has_sensitive(ty: &Type) -> bool {
    ty.notes.sensitive
        || match &ty.shape {
            Shape::List(of) => has_sensitive(of),
            Shape::Option(item) => has_sensitive(&item.ty),
            Shape::Tuple(items) => items.iter().any(|item| has_sensitive(&item.ty)),
            Shape::Record(fields) => fields
                .iter()
                .any(|field| field.is_sensitive() || has_sensitive(&field.ty)),
            Shape::Variant { cases, .. } => cases
                .iter()
                .filter_map(|case| case.ty.as_ref())
                .any(|ty| has_sensitive(ty)),
            _ => false,
        }
}

/// Each sensitive value that is there.
fn visit(ty: &Type, value: &mut Value, see: &mut dyn FnMut(&mut Value)) {
    if value.is_null() {
        return;
    }
    if ty.notes.sensitive {
        return see(value);
    }
    match (&ty.shape, value) {
        (Shape::Option(item), value) => match (&item.ty.shape, value) {
            (Shape::Option(inner), Value::Object(tagged)) => {
                if let Some(value) = tagged.get_mut("val") {
                    visit(&inner.ty, value, see);
                }
            }
            (_, value) => visit(&item.ty, value, see),
        },
        (Shape::List(of), Value::Array(values)) => {
            values.iter_mut().for_each(|v| visit(of, v, see))
        }
        (Shape::Tuple(items), Value::Array(values)) => {
            for (item, value) in items.iter().zip(values) {
                visit(&item.ty, value, see);
            }
        }
        (Shape::Record(fields), Value::Object(object)) => {
            for field in fields {
                match object.get_mut(&field.key) {
                    Some(value) if field.is_sensitive() && !value.is_null() => see(value),
                    Some(value) => visit(&field.ty, value, see),
                    None => {}
                }
            }
        }
        (Shape::Variant { cases, .. }, Value::Object(tagged)) => {
            let tag = tagged.get("tag").and_then(Value::as_str);
            let case = cases.iter().find(|case| Some(case.key.as_str()) == tag);
            let ty = case.and_then(|case| case.ty.clone());
            if let (Some(ty), Some(value)) = (ty, tagged.get_mut("val")) {
                visit(&ty, value, see);
            }
        }
        _ => {}
    }
}
