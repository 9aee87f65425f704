//! `runner contract show`: a queue's types of jobs, for people.

use serde_json::json;

use super::Bound;
use crate::cli::Cli;
use crate::cli::terminal::output::{self, dim, plain};
use crate::contract::{self, Shape, Type};

pub(super) fn run(cli: &Cli, bound: &Bound) {
    let interface = &bound.interface;
    if cli.json {
        let jobs = interface.functions.iter().map(|function| {
            json!({
                "name": function.key,
                "description": function.notes.text,
                "data": contract::schema(interface, function, bound.config.strict),
            })
        });
        let names = bound.config.names.iter();
        let names = names.map(|(pattern, function)| (pattern.0.clone(), function.clone().into()));
        output::json(&json!({
            "queue": bound.queue,
            "contract": interface.id,
            "strict": bound.config.strict,
            "names": serde_json::Map::from_iter(names),
            "jobs": jobs.collect::<Vec<_>>(),
        }));
        return;
    }
    output::line([dim("contract"), plain(&interface.id)]);
    prose(&interface.notes.text, "");
    for (pattern, function) in &bound.config.names {
        output::line([
            dim("jobs"),
            plain(&pattern.0),
            dim("go to"),
            plain(function),
        ]);
    }
    for function in &interface.functions {
        output::line("");
        let result = function
            .value()
            .map_or("nothing".to_owned(), |ty| ty.word());
        output::line([plain(&function.key), dim(format!("→ {result}"))]);
        prose(&function.notes.text, "  ");
        match &function.data {
            Some(ty) => payload(ty, "  "),
            None => output::line("  any payload"),
        }
    }
}

fn prose(text: &str, indent: &str) {
    for line in text.lines() {
        output::line([dim(format!("{indent}{line}"))]);
    }
}

/// The fields of a record, or what else the payload is.
fn payload(ty: &Type, indent: &str) {
    let Shape::Record(fields) = &ty.shape else {
        output::line(format!("{indent}{}", ty.word()));
        return;
    };
    for field in fields {
        let mut about = vec![ty_word(&field.ty)];
        if field.is_sensitive() {
            about.push("sensitive".into());
        }
        let examples = field.notes.examples.iter().chain(&field.ty.notes.examples);
        about.extend(examples.map(|example| format!("e.g. {example}")));
        let text = field.notes.text.replace('\n', " ");
        output::line([
            plain(format!("{indent}{}", field.key)),
            dim(about.join(", ")),
            plain(text),
        ]);
    }
}

/// The type; of an enum what it may be.
fn ty_word(ty: &Type) -> String {
    match &ty.shape {
        Shape::Enum(cases) => {
            let cases: Vec<String> = cases.iter().map(|case| format!("{:?}", case.key)).collect();
            cases.join(" | ")
        }
        Shape::Option(item) => format!("option<{}>", ty_word(&item.ty)),
        _ => ty.word(),
    }
}
