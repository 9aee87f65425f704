//! A contract as JSON Schema 2020-12 and as the bodies of an OpenAPI document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::interface::{Function, Interface};
use super::notes::Notes;
use super::types::{Case, Field, Integer, Shape, Type};

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The payload of one type of job as a schema of its own, with the types it uses
/// in `$defs`.
pub fn schema(interface: &Interface, function: &Function, strict: bool) -> Value {
    let mut schemas = Schemas::new("#/$defs/", strict);
    let data = match &function.data {
        Some(ty) => schemas.ty(ty),
        None => json!({}),
    };
    let mut schema = Map::new();
    schema.insert("$schema".into(), DIALECT.into());
    schema.insert("title".into(), function.key.clone().into());
    let id = format!("urn:wit:{}:{}", interface.id, function.name);
    schema.insert("$id".into(), id.into());
    describe(&mut schema, &function.notes);
    if let Value::Object(data) = data {
        for (key, value) in data {
            schema.entry(key).or_insert(value);
        }
    }
    if !schemas.definitions.is_empty() {
        schema.insert("$defs".into(), json!(schemas.definitions));
    }
    schema.into()
}

/// The paths and schemas of an OpenAPI 3.1 document: for each queue the body of `POST
/// /api/jobs/{queue}` by the name of the job, and what the jobs return.
pub fn openapi<'a>(queues: impl IntoIterator<Item = (&'a str, &'a Interface, bool)>) -> Value {
    let mut paths = Map::new();
    let mut components = Map::new();
    for (queue, interface, strict) in queues {
        let mut schemas = Schemas::new("#/components/schemas/", strict);
        schemas.within = format!("{queue}.");
        let mut bodies = Vec::new();
        let mut results = Map::new();
        for function in &interface.functions {
            let data = match &function.data {
                Some(ty) => schemas.ty(ty),
                None => json!({}),
            };
            let mut body = Map::new();
            body.insert("title".into(), function.key.clone().into());
            describe(&mut body, &function.notes);
            body.insert("allOf".into(), json!([data]));
            bodies.push(Value::Object(body));
            let result = match function.value() {
                Some(ty) => schemas.ty(ty),
                None => json!({ "type": "null" }),
            };
            results.insert(function.key.clone(), result);
        }
        components.extend(schemas.definitions);
        let operation = operation(queue, interface, bodies, results);
        // Braces have a meaning in a path.
        let part = queue.replace('{', "%7B").replace('}', "%7D");
        paths.insert(format!("/api/jobs/{part}"), json!({ "post": operation }));
    }
    json!({
        "paths": paths,
        "components": { "schemas": components },
    })
}

/// `POST /api/jobs/{queue}`: one of these bodies.
fn operation(
    queue: &str,
    interface: &Interface,
    bodies: Vec<Value>,
    results: Map<String, Value>,
) -> Value {
    let names = interface.functions.iter().map(|function| &function.key);
    let names: Vec<&String> = names.collect();
    json!({
        "operationId": format!("add-{queue}"),
        "summary": format!("Add a job to {queue}"),
        "description": interface.notes.text,
        "parameters": [{
            "name": "name", "in": "query", "description": "The type of job.",
            "required": names.len() > 1, "schema": { "enum": names },
        }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "anyOf": bodies } } },
        },
        "x-results": results,
    })
}

struct Schemas {
    /// Where definitions are.
    root: &'static str,
    /// What their names begin with.
    within: String,
    strict: bool,
    definitions: BTreeMap<String, Value>,
}

impl Schemas {
    fn new(root: &'static str, strict: bool) -> Schemas {
        Schemas {
            root,
            within: String::new(),
            strict,
            definitions: BTreeMap::new(),
        }
    }

    /// A type by reference when it has a name and is worth one.
    fn ty(&mut self, ty: &Type) -> Value {
        let Some(name) = ty.name.as_ref().filter(|_| ty.is_structured()) else {
            return self.inline(ty);
        };
        let name = format!("{}{name}", self.within);
        if !self.definitions.contains_key(&name) {
            self.definitions.insert(name.clone(), Value::Null);
            let inline = self.inline(ty);
            self.definitions.insert(name.clone(), inline);
        }
        json!({ "$ref": format!("{}{name}", self.root) })
    }

    fn inline(&mut self, ty: &Type) -> Value {
        let mut schema = match self.shape(&ty.shape) {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        describe(&mut schema, &ty.notes);
        schema.into()
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Integer(integer) => range(*integer),
            Shape::F32 | Shape::F64 => json!({ "type": "number" }),
            Shape::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Shape::String => json!({ "type": "string" }),
            Shape::Json => json!({}),
            Shape::Bytes => json!({ "oneOf": [
                { "type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$" },
                { "type": "array", "items": range(Integer::U8) },
            ] }),
            Shape::List(ty) => json!({ "type": "array", "items": self.ty(ty) }),
            Shape::Tuple(items) => {
                let prefix: Vec<Value> = items.iter().map(|item| self.ty(&item.ty)).collect();
                let count = prefix.len();
                json!({ "type": "array", "prefixItems": prefix, "minItems": count, "maxItems": count })
            }
            Shape::Record(fields) => self.record(fields),
            Shape::Option(item) => self.option(&item.ty),
            Shape::Enum(cases) => one_of(cases),
            Shape::Variant { cases, .. } => {
                let cases: Vec<Value> = cases.iter().map(|case| self.case(case)).collect();
                json!({ "oneOf": cases })
            }
            Shape::Flags(flags) => {
                let mut properties = Map::new();
                for flag in flags {
                    let mut schema = Map::new();
                    schema.insert("type".into(), "boolean".into());
                    describe(&mut schema, &flag.notes);
                    properties.insert(flag.key.clone(), schema.into());
                }
                self.object(properties, Vec::new())
            }
        }
    }

    fn option(&mut self, ty: &Type) -> Value {
        let Shape::Option(inner) = &ty.shape else {
            return json!({ "anyOf": [self.ty(ty), { "type": "null" }] });
        };
        let some = self.ty(&inner.ty);
        json!({ "oneOf": [
            { "type": "null" },
            self.tagged("none", None),
            self.tagged("some", Some(json!({ "anyOf": [some, { "type": "null" }] }))),
        ] })
    }

    fn case(&mut self, case: &Case) -> Value {
        let value = case.ty.as_ref().map(|ty| self.ty(ty));
        let mut schema = self.tagged(&case.key, value);
        if let Value::Object(schema) = &mut schema {
            describe(schema, &case.notes);
        }
        schema
    }

    fn record(&mut self, fields: &[Field]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields {
            let schema = match &field.ty.shape {
                Shape::Json => json!({}),
                _ => self.ty(&field.ty),
            };
            let Value::Object(mut schema) = schema else {
                continue;
            };
            describe(&mut schema, &field.notes);
            properties.insert(field.key.clone(), schema.into());
            if !field.is_optional() {
                required.push(Value::from(field.key.clone()));
            }
        }
        self.object(properties, required)
    }

    fn tagged(&self, tag: &str, value: Option<Value>) -> Value {
        let mut properties = Map::new();
        properties.insert("tag".into(), json!({ "const": tag }));
        let mut required = vec![Value::from("tag")];
        if let Some(value) = value {
            properties.insert("val".into(), value);
            required.push("val".into());
        }
        self.object(properties, required)
    }

    fn object(&self, properties: Map<String, Value>, required: Vec<Value>) -> Value {
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), properties.into());
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        if self.strict {
            schema.insert("additionalProperties".into(), false.into());
        }
        schema.into()
    }
}

impl Type {
    /// Whether it is worth a definition of its own.
    pub fn is_structured(&self) -> bool {
        matches!(
            self.shape,
            Shape::Record(_) | Shape::Variant { .. } | Shape::Enum(_) | Shape::Flags(_)
        )
    }
}

fn range(integer: Integer) -> Value {
    let range = integer.range();
    let bound = |bound: i128| match u64::try_from(bound) {
        Ok(bound) => Value::from(bound),
        Err(_) => Value::from(bound as i64),
    };
    json!({ "type": "integer", "minimum": bound(*range.start()), "maximum": bound(*range.end()) })
}

/// The cases of an enum, with what is said of them.
fn one_of(cases: &[Case]) -> Value {
    if cases.iter().all(|case| case.notes == Notes::default()) {
        let keys: Vec<&str> = cases.iter().map(|case| case.key.as_str()).collect();
        return json!({ "enum": keys });
    }
    let cases: Vec<Value> = cases.iter().map(constant).collect();
    json!({ "oneOf": cases })
}

fn constant(case: &Case) -> Value {
    let mut schema = Map::new();
    schema.insert("const".into(), case.key.clone().into());
    describe(&mut schema, &case.notes);
    schema.into()
}

/// What a doc comment says, as a schema says it.
fn describe(schema: &mut Map<String, Value>, notes: &Notes) {
    if !notes.text.is_empty() {
        schema.insert("description".into(), notes.text.clone().into());
    }
    if let Some(format) = &notes.format {
        schema.insert("format".into(), format.clone().into());
    }
    if !notes.examples.is_empty() {
        let examples: Vec<Value> = notes
            .examples
            .iter()
            .filter_map(|example| serde_json::from_str(example).ok())
            .collect();
        schema.insert("examples".into(), examples.into());
    }
    if notes.sensitive {
        schema.insert("x-sensitive".into(), true.into());
    }
}
