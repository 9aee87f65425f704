//! The OpenAPI document: its head, what holds for all routes, and for each queue with a
//! contract the way to add a job of it.
//!
//! For the routes that serve it and the command that prints it. Knows no handler.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::config::Server;
use crate::contract::{self, Interface};

/// Where a job is added to a queue, and what its description begins from.
const ADD: &str = "/api/jobs/{queue}";

/// What stands in the document besides the routes.
#[derive(OpenApi)]
#[openapi(info(
    title = "Runner",
    description = "Jobs, queues and plugins of one Runner process.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
))]
struct Head;

/// The document without routes.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    let session = ApiKey::Cookie(ApiKeyValue::new("__Host-runner"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    document
}

/// The document of these routes, as JSON.
pub(super) fn of(routes: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(routes).unwrap_or_default();
    mended(&mut document);
    let mut names = BTreeMap::<String, usize>::new();
    for operation in operations(&mut document) {
        if let Value::Object(responses) = &mut operation["responses"] {
            for class in ["4XX", "5XX"] {
                responses.entry(class).or_insert_with(|| problem(class));
            }
            for (status, response) in responses {
                if response["description"].is_null() {
                    response["description"] = meaning(status).into();
                }
            }
        }
        let name = operation["operationId"].as_str().unwrap_or_default();
        *names.entry(name.to_owned()).or_default() += 1;
    }
    for operation in operations(&mut document) {
        let name = operation["operationId"].as_str().unwrap_or_default();
        // Handlers of different nouns may have one name; clients need two.
        if names.get(name).is_some_and(|count| *count > 1) {
            let noun = operation["tags"][0].as_str().unwrap_or_default();
            operation["operationId"] = format!("{name}_{noun}").into();
        }
    }
    document
}

/// Ask for no credentials where the server does not.
pub(super) fn fit(document: &mut Value, server: Option<&Server>) {
    if server.is_some_and(Server::authenticates) {
        return;
    }
    for operation in operations(document) {
        if let Value::Object(operation) = operation {
            operation.remove("security");
        }
    }
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let items = entries(&mut document["paths"]);
    items.flat_map(|(_, item)| entries(item).map(|(_, operation)| operation))
}

/// What a status says, where the route says no more: a response must have a description.
fn meaning(status: &str) -> &str {
    let code = StatusCode::from_bytes(status.as_bytes()).ok();
    match (status, code.and_then(|code| code.canonical_reason())) {
        ("4XX", _) => "Something is wrong with the request.",
        ("5XX", _) => "Redis does not answer, or Runner has a fault.",
        (_, Some(reason)) => reason,
        (status, None) => status,
    }
}

/// What every request may meet.
fn problem(class: &str) -> Value {
    json!({
        "description": meaning(class),
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
        } },
    })
}

fn entries(of: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    of.as_object_mut().into_iter().flatten()
}

/// Mend what types say of themselves: numbers without a sign have the format of those
/// with one, and so half the range; see [`optional`].
fn mended(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let is_unsigned = object.get("minimum").and_then(Value::as_f64) == Some(0.0);
            let format = object.get("format").and_then(Value::as_str);
            if is_unsigned && format == Some("int32") {
                object.entry("maximum").or_insert(u32::MAX.into());
                object.remove("format");
            }
            if let Some(Value::Array(parts)) = object.get_mut("allOf") {
                parts.iter_mut().for_each(optional);
            }
            object.values_mut().for_each(mended);
        }
        Value::Array(items) => items.iter_mut().for_each(mended),
        _ => {}
    }
}

/// A part of an object that need not be there: where it is not, the object is not null.
fn optional(part: &mut Value) {
    let Some(Value::Array(choices)) = part.get("oneOf") else {
        return;
    };
    let null = json!({ "type": "null" });
    if choices.contains(&null) {
        let others = choices.iter().filter(|choice| **choice != null).cloned();
        let any = others.chain([json!({ "type": "object" })]);
        *part = json!({ "anyOf": any.collect::<Vec<_>>() });
    }
}

/// Add to a document what these queues' contracts say: for each a path of its own, with
/// the payloads of its jobs.
pub(super) fn bind<'a>(
    document: &mut Value,
    queues: impl IntoIterator<Item = (&'a str, &'a Interface, bool)>,
) {
    let mut bound = contract::openapi(queues);
    let generic = document["paths"][ADD]["post"].clone();
    for (path, item) in entries(&mut bound["paths"]) {
        document["paths"][path] = json!({ "post": narrowed(&generic, &item["post"]) });
    }
    for (name, schema) in entries(&mut bound["components"]["schemas"]) {
        document["components"]["schemas"][name] = schema.take();
    }
}

/// Only how jobs of these queues are added.
pub(super) fn bound<'a>(
    mut document: Value,
    queues: impl IntoIterator<Item = (&'a str, &'a Interface, bool)>,
) -> Value {
    let generic = document["paths"][ADD].take();
    document["paths"] = json!({ ADD: generic });
    bind(&mut document, queues);
    if let Value::Object(paths) = &mut document["paths"] {
        paths.remove(ADD);
    }
    let used = reachable(&document);
    if let Value::Object(schemas) = &mut document["components"]["schemas"] {
        schemas.retain(|name, _| used.contains(name));
    }
    document
}

/// The schemas that paths lead to.
fn reachable(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![&document["paths"]];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => open.extend(object.values()),
            Value::Array(items) => open.extend(items),
            Value::String(text) => {
                if let Some(name) = text.strip_prefix("#/components/schemas/")
                    && found.insert(name.to_owned())
                {
                    open.push(&document["components"]["schemas"][name]);
                }
            }
            _ => {}
        }
    }
    found
}

/// How a job is added to any queue, with what a contract says of one.
fn narrowed(generic: &Value, contract: &Value) -> Value {
    let mut operation = generic.as_object().cloned().unwrap_or_else(Map::new);
    let contract = contract.as_object().into_iter().flatten();
    for (key, value) in contract {
        match key.as_str() {
            "parameters" => {
                let own = operation.get("parameters").and_then(Value::as_array);
                let others = own.into_iter().flatten().filter(|parameter| {
                    !["queue", "name"]
                        .map(Value::from)
                        .contains(&parameter["name"])
                });
                let all = value.as_array().into_iter().flatten().chain(others);
                let all = all.cloned().collect::<Vec<_>>();
                operation.insert(key.clone(), all.into());
            }
            // Those of the route say more.
            "responses" => {}
            _ => {
                operation.insert(key.clone(), value.clone());
            }
        }
    }
    operation.into()
}
