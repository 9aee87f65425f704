//! `runner contract schema`: payloads as JSON Schema.

use super::Bound;
use crate::cli::{Exit, Result, output};
use crate::contract::{self, Function};

pub(super) fn run(bound: &Bound, job: Option<&str>) -> Result {
    let strict = bound.config.strict;
    let of = |function: &Function| contract::schema(&bound.interface, function, strict);
    let Some(job) = job else {
        let all = bound.interface.functions.iter();
        let all = all.map(|function| (function.key.clone(), of(function)));
        output::json(&serde_json::Value::Object(all.collect()));
        return Ok(());
    };
    match bound.interface.function(bound.config.function(job)) {
        Some(function) => {
            output::json(&of(function));
            Ok(())
        }
        None => Err(Exit::not_found(contract::no_function(
            &bound.config.id,
            Some(&bound.interface),
            job,
        ))),
    }
}
