//! `runner contract`: what the jobs of a queue are, for people and for other tools.
//! One file per command; here is how a queue's contract is found.

mod go;
mod list;
mod openapi;
mod python;
mod schema;
mod show;
mod typescript;

use std::sync::Arc;

use super::{Cli, Exit, Result, target, trial};
use crate::config::{self, Loaded};
use crate::contract::Interface;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the queues that have a contract.
    #[command(after_help = "Example: runner contract list")]
    List,
    /// Show a queue's job types with their payloads and results.
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
        /// Only this job type.
        #[arg(long, value_name = "NAME")]
        job: Option<String>,
    },
    /// Print types for a BullMQ producer in TypeScript.
    #[command(after_help = "Example: runner contract typescript otp-queue > otp-queue.ts")]
    Typescript {
        /// A queue of queues.toml.
        queue: String,
    },
    /// Print dataclasses for handlers and producers in Python.
    #[command(after_help = "Example: runner contract python otp-queue > otp_queue.py")]
    Python {
        /// A queue of queues.toml.
        queue: String,
    },
    /// Print types for handlers and producers in Go.
    #[command(after_help = "Example: runner contract go otp-queue > contract/contract.go")]
    Go {
        /// A queue of queues.toml.
        queue: String,
    },
    /// Print the payloads of queues as OpenAPI 3.1 request bodies.
    #[command(after_help = "Example: runner contract openapi > openapi.json")]
    Openapi {
        /// A queue of queues.toml [default: all queues that have a contract].
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
            Command::List => list::run(cli, &loaded),
            Command::Show { queue } => {
                show::run(cli, &bound(&loaded, queue)?);
                Ok(())
            }
            Command::Schema { queue, job } => schema::run(&bound(&loaded, queue)?, job.as_deref()),
            Command::Typescript { queue } => {
                typescript::run(&bound(&loaded, queue)?);
                Ok(())
            }
            Command::Python { queue } => {
                python::run(&bound(&loaded, queue)?);
                Ok(())
            }
            Command::Go { queue } => {
                go::run(&bound(&loaded, queue)?);
                Ok(())
            }
            Command::Openapi { queue: None } => {
                openapi::run(&loaded, &every(&loaded)?);
                Ok(())
            }
            Command::Openapi { queue: Some(queue) } => {
                openapi::run(&loaded, &[bound(&loaded, queue)?]);
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
    let queue = target::declared(loaded, queue)?;
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
    let (bench, _) = trial::load(&trial::only(&loaded.config, file, name))?;
    let serving = bench.plugin(name)?;
    let interface = serving.doors.contract(contract).cloned();
    interface
        .ok_or_else(|| Exit::failed(format!("plugin {name:?} does not export {:?}", contract.id)))
}
