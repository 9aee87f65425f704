//! `runner contract`: what the jobs of a queue are, for people and for other
//! tools.

use std::sync::Arc;

use serde_json::json;

use super::output::{self, dim, plain};
use super::{Cli, Exit, Result};
use super::{connect, plugin};
use crate::config::{self, Loaded};
use crate::contract::{self, Function, Interface, Shape, Type};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the queues that have a contract.
    #[command(after_help = "Example: runner contract list")]
    List,
    /// Show a queue's types of jobs, their payloads and results.
    #[command(after_help = "Example: runner contract show otp-queue")]
    Show {
        /// A queue of queues.toml.
        queue: String,
    },
    /// Print the payloads as JSON Schema 2020-12.
    #[command(after_help = "Example: runner contract schema otp-queue --job whatsapp-otp")]
    Schema {
        /// A queue of queues.toml.
        queue: String,
        /// Only this type of job.
        #[arg(long, value_name = "NAME")]
        job: Option<String>,
    },
    /// Print types for a BullMQ producer in TypeScript.
    #[command(after_help = "Example: runner contract typescript otp-queue > otp-queue.ts")]
    Typescript {
        /// A queue of queues.toml.
        queue: String,
    },
    /// Print the request bodies of the queues as OpenAPI 3.1.
    #[command(after_help = "Example: runner contract openapi > openapi.json")]
    Openapi {
        /// A queue of queues.toml; all that have a contract if none is given.
        queue: Option<String>,
    },
}

/// A queue with its contract.
struct Bound {
    queue: String,
    config: Arc<config::Contract>,
    interface: Arc<Interface>,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load()?;
        match self {
            Command::List => list(cli, &loaded),
            Command::Show { queue } => {
                let bound = bound(&loaded, queue)?;
                show(cli, &bound);
                Ok(())
            }
            Command::Schema { queue, job } => schema(&bound(&loaded, queue)?, job.as_deref()),
            Command::Typescript { queue } => {
                let bound = bound(&loaded, queue)?;
                let text = contract::typescript(&bound.queue, &bound.interface);
                output::line(text.trim_end());
                Ok(())
            }
            Command::Openapi { queue } => {
                let all = match queue {
                    Some(queue) => vec![bound(&loaded, queue)?],
                    None => every(&loaded)?,
                };
                let queues = all
                    .iter()
                    .map(|of| (of.queue.as_str(), &*of.interface, of.config.strict));
                output::json(&contract::openapi(queues));
                Ok(())
            }
        }
    }
}

fn every(loaded: &Loaded) -> Result<Vec<Bound>> {
    let queues = loaded.config.queues.values();
    queues
        .filter(|queue| queue.base.contract.is_some())
        .map(|queue| bound(loaded, &queue.name))
        .collect()
}

fn bound(loaded: &Loaded, queue: &str) -> Result<Bound> {
    let queue = connect::declared(loaded, queue)?;
    let Some(contract) = &queue.base.contract else {
        return Err(Exit::usage(format!(
            "queue {:?} has no contract; name one in queues.toml: contract = \
             \"namespace:package/interface\"",
            queue.name
        )));
    };
    let interface = match (&contract.declared, &queue.base.plugin) {
        (Some(declared), _) => declared.clone(),
        (None, Some(plugin)) => exported(loaded, plugin, contract)?,
        (None, None) => unreachable!("the configuration refuses it"),
    };
    Ok(Bound {
        queue: queue.name.clone(),
        config: contract.clone(),
        interface,
    })
}

/// The contract as the plugin exports it.
fn exported(loaded: &Loaded, name: &str, contract: &config::Contract) -> Result<Arc<Interface>> {
    let file = &loaded.config.plugins[name].file;
    let status = plugin::load(&plugin::only(&loaded.config, file, name))?
        .0
        .pop();
    let status = status.expect("one plugin was configured");
    let serving = status.serving.as_ref();
    let interface = serving.and_then(|serving| serving.doors.contract(contract).cloned());
    interface.ok_or_else(|| {
        let why = status.refusal.map(|refusal| refusal.to_string());
        Exit::failed(format!("plugin {name:?}: {}", why.unwrap_or_default()))
    })
}

fn list(cli: &Cli, loaded: &Loaded) -> Result {
    let all = every(loaded)?;
    let jobs = |of: &Bound| -> Vec<String> {
        let functions = of.interface.functions.iter();
        functions.map(|function| function.key.clone()).collect()
    };
    if cli.json {
        let rows = all
            .iter()
            .map(|of| json!({ "queue": of.queue, "contract": of.interface.id, "jobs": jobs(of) }));
        output::json(&rows.collect::<Vec<_>>());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|of| {
            vec![
                of.queue.clone(),
                of.interface.id.clone(),
                jobs(of).join(", "),
            ]
        })
        .collect();
    output::table(&["QUEUE", "CONTRACT", "JOBS"], &rows);
    Ok(())
}

fn schema(bound: &Bound, job: Option<&str>) -> Result {
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

fn show(cli: &Cli, bound: &Bound) {
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
