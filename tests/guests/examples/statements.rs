//! Runs the statements of the payload, by the bindings themselves:
//! `{ database, call, statements: [{ text, parameters, expect }], timeout, times }`. Values
//! are written as `{ "integer": 7 }`. An error is the result, unless `retry` is true: then
//! it is what the attempt fails with.

use runner_sdk::prelude::*;
use serde_json::{Value, json};

use runner_sdk::bindings::runner::plugin::sql::{
    self, Error, Rows, Scalar, Statement, Value as Field,
};

fn handle(job: Job) -> Result<Value> {
    let data: Value = job.data()?;
    let times = data["times"].as_u64().unwrap_or(1);
    let mut last = json!(null);
    for _ in 0..times {
        last = match ask(&data) {
            Ok(rows) => rows,
            Err(error) if data["retry"] == true => return Err(retry(error.message)),
            Err(error) => told(&error),
        };
    }
    Ok(last)
}

fn ask(data: &Value) -> std::result::Result<Value, Error> {
    let database = data["database"].as_str().unwrap_or("main");
    let timeout = data["timeout"].as_u64().map(|ms| ms as u32);
    let all = data["statements"].as_array().cloned().unwrap_or_default();
    let all: Vec<Statement> = all.iter().map(statement).collect();
    Ok(match data["call"].as_str().unwrap_or("query") {
        "execute" => json!(sql::execute(database, &all[0], timeout)?),
        "transaction" => {
            let results = sql::transaction(database, &all, timeout)?;
            results.into_iter().map(rows).collect()
        }
        _ => rows(sql::query(database, &all[0], timeout)?),
    })
}

fn statement(of: &Value) -> Statement {
    let parameters = of["parameters"].as_array().cloned().unwrap_or_default();
    let text = of.as_str().or(of["text"].as_str()).unwrap_or_default();
    Statement {
        text: text.to_owned(),
        parameters: parameters.iter().map(field).collect(),
        expect: of["expect"].as_u64(),
    }
}

fn field(of: &Value) -> Field {
    match of["array"].as_array() {
        Some(all) => Field::Array(all.iter().map(scalar).collect()),
        None => Field::Scalar(scalar(of)),
    }
}

fn scalar(of: &Value) -> Scalar {
    let Some((kind, value)) = of.as_object().and_then(|of| of.iter().next()) else {
        return Scalar::Null;
    };
    let text = || value.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "boolean" => Scalar::Boolean(value == true),
        "integer" => Scalar::Integer(value.as_i64().unwrap_or_default()),
        "float" => Scalar::Float(value.as_f64().unwrap_or_default()),
        "numeric" => Scalar::Numeric(text()),
        "bytes" => Scalar::Bytes(text().into_bytes()),
        "json" => Scalar::Json(text()),
        "uuid" => Scalar::Uuid(text()),
        "date" => Scalar::Date(text()),
        "time" => Scalar::Time(text()),
        "timestamp" => Scalar::Timestamp(text()),
        "timestamptz" => Scalar::Timestamptz(text()),
        "other" => Scalar::Other(text()),
        _ => Scalar::Text(text()),
    }
}

fn rows(of: Rows) -> Value {
    let columns = of.columns.iter();
    let columns: Vec<_> = columns
        .map(|of| format!("{} {}", of.name, of.kind))
        .collect();
    let rows: Vec<Vec<Value>> = of
        .rows
        .into_iter()
        .map(|row| row.into_iter().map(shown).collect())
        .collect();
    json!({ "columns": columns, "rows": rows, "affected": of.affected })
}

fn shown(of: Field) -> Value {
    match of {
        Field::Scalar(of) => one(of),
        Field::Array(all) => json!({ "array": all.into_iter().map(one).collect::<Vec<_>>() }),
    }
}

fn one(of: Scalar) -> Value {
    match of {
        Scalar::Null => json!(null),
        Scalar::Boolean(of) => json!({ "boolean": of }),
        Scalar::Integer(of) => json!({ "integer": of }),
        Scalar::Float(of) => json!({ "float": of }),
        Scalar::Numeric(of) => json!({ "numeric": of }),
        Scalar::Text(of) => json!({ "text": of }),
        Scalar::Bytes(of) => json!({ "bytes": String::from_utf8_lossy(&of) }),
        Scalar::Json(of) => json!({ "json": of }),
        Scalar::Uuid(of) => json!({ "uuid": of }),
        Scalar::Date(of) => json!({ "date": of }),
        Scalar::Time(of) => json!({ "time": of }),
        Scalar::Timestamp(of) => json!({ "timestamp": of }),
        Scalar::Timestamptz(of) => json!({ "timestamptz": of }),
        Scalar::Other(of) => json!({ "other": of }),
    }
}

fn told(of: &Error) -> Value {
    json!({
        "kind": format!("{:?}", of.kind).replace("ErrorKind::", ""),
        "code": of.code,
        "constraint": of.constraint,
        "statement": of.statement,
        "position": of.position,
        "message": of.message,
    })
}

runner_sdk::handler!(handle);
