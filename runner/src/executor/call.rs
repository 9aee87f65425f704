//! How a job is handed to its plugin: to a typed function of the queue's contract, to
//! the handler that takes any job as JSON text, or to a program that is run.

use serde::Deserialize;
use wasmtime::Store;
use wasmtime_wasi::I32Exit;

use super::classify::Ended;
use super::program;
use crate::config::JobSettings;
use crate::contract::{self, Function};
use crate::host::{Program, State};
use crate::outcome::{Cause, Failure, Outcome};
use crate::plugin::{Entry, Plugin};
use crate::queue::Attempt;
use runner_bindings::runner::plugin::outcome::Failure as Returned;

/// A call that is ready to be made.
pub(super) enum Call<'a> {
    /// The handler takes the job as it is.
    Handler,
    /// This program is run, with the payload on stdin.
    Command(Program),
    /// This function takes its parameters as the bytes of its memory.
    Function {
        function: &'a Function,
        number: u32,
        image: Vec<u8>,
    },
}

impl Call<'_> {
    /// Whether it is of a typed function.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self, Call::Function { .. })
    }

    /// The program that is run.
    pub(super) fn program(&self) -> Option<&Program> {
        match self {
            Call::Command(program) => Some(program),
            _ => None,
        }
    }
}

/// Find the door for a job, and check its payload before there is an instance.
///
/// # Errors
/// The outcome of a job that no function takes, or whose payload does not fit.
pub(super) fn ready<'a>(
    plugin: &'a Plugin,
    attempt: &Attempt,
    settings: &JobSettings,
) -> Result<Call<'a>, Outcome> {
    let job = &attempt.job;
    let rejected = |cause, reason| {
        Outcome::Rejected(Failure {
            cause,
            reason,
            frames: Vec::new(),
        })
    };
    if let Some(fault) = contract::too_deep("data", &job.data, settings.max_depth) {
        let reason = format!("the payload is nested too deep: {fault}");
        return Err(rejected(Cause::Payload, reason));
    }
    let json = || match plugin.doors.handler {
        Some(_) => Ok(Call::Handler),
        None => program::of(&plugin.grants.plugin, attempt)
            .map(Call::Command)
            .map_err(|reason| rejected(Cause::Payload, reason)),
    };
    let Some(contract) = &settings.contract else {
        return match plugin.doors.takes_json() {
            true => json(),
            false => Err(rejected(Cause::Unrouted, unnamed(plugin))),
        };
    };
    let Some((function, number)) = plugin.doors.function(contract, &job.name) else {
        // A handler or program in any language has the contract's checks, too.
        if plugin.doors.takes_json() {
            let checked = contract.check(&job.name, &job.data);
            checked.map_err(|reason| rejected(Cause::Contract, reason))?;
            return json();
        }
        let interface = plugin.doors.contract(contract).map(|of| &**of);
        let reason = contract::no_function(&contract.id, interface, &job.name);
        return Err(rejected(Cause::Contract, reason));
    };
    match contract::read(function, &job.data, contract.rules(settings.memory)) {
        Ok(image) => Ok(Call::Function {
            function,
            number,
            image,
        }),
        Err(fault) => Err(rejected(
            Cause::Contract,
            contract::violation(&contract.id, function, &fault),
        )),
    }
}

/// A plugin of typed functions under a queue that names no contract.
fn unnamed(plugin: &Plugin) -> String {
    let ids: Vec<&str> = plugin
        .doors
        .contracts()
        .map(|of| of.unversioned())
        .collect();
    format!(
        "plugin {:?} has typed functions and no handler; the queue must name its contract: \
         contract = {:?}",
        plugin.grants.plugin.name,
        ids.join("\", \"")
    )
}

/// Make an instance, unless there is one, and call it.
pub(super) async fn make(
    store: &mut Store<State>,
    entry: &mut Option<Entry>,
    plugin: &Plugin,
    call: Call<'_>,
) -> wasmtime::Result<Ended> {
    let entry = match entry {
        Some(entry) => entry,
        None => {
            if let Err(reason) = store.data_mut().open_directories().await {
                return Ok(Ended::Unready(reason));
            }
            if let Call::Command(_) = call {
                return command(store, plugin).await;
            }
            let made = instantiate(store, plugin, &call).await?;
            store.data_mut().has_started();
            entry.insert(made)
        }
    };
    Ok(match (call, entry) {
        (Call::Handler, Entry::Handler(instance)) => {
            let job = store.data().job();
            let handler = instance.runner_plugin_handler();
            match handler.call_handle(&mut *store, &job).await? {
                Ok(value) => Ended::Text(value),
                Err(failure) => Ended::Returned(failure),
            }
        }
        (
            Call::Function {
                function,
                number,
                image,
            },
            Entry::Typed(instance),
        ) => {
            let region = instance.call_call(&mut *store, number, &image).await?;
            match contract::returned(function, &region) {
                Ok(Ok(value)) => Ended::Value(value),
                Ok(Err(error)) => Ended::Returned(failure(function, error)),
                Err(reason) => Ended::Unwritable(reason),
            }
        }
        _ => unreachable!("an instance was made or taken for this call"),
    })
}

async fn instantiate(
    store: &mut Store<State>,
    plugin: &Plugin,
    call: &Call<'_>,
) -> wasmtime::Result<Entry> {
    Ok(match call {
        Call::Handler => {
            let handler = plugin.doors.handler.as_ref().expect("found before");
            Entry::Handler(handler.instantiate_async(store).await?)
        }
        Call::Function { .. } => {
            let door = plugin.doors.typed.as_ref().expect("found before");
            Entry::Typed(door.instantiate_async(store).await?)
        }
        Call::Command(_) => unreachable!("a program is run once"),
    })
}

/// Run a program, which can be done once.
async fn command(store: &mut Store<State>, plugin: &Plugin) -> wasmtime::Result<Ended> {
    let command = plugin.doors.command.as_ref().expect("found before");
    let instance = command.instantiate_async(&mut *store).await?;
    store.data_mut().has_started();
    let run = instance.wasi_cli_run().call_run(&mut *store).await;
    Ok(Ended::Exited(code(run)?))
}

/// The code with which a program ended.
fn code(run: wasmtime::Result<Result<(), ()>>) -> wasmtime::Result<i32> {
    match run {
        Ok(ended) => Ok(i32::from(ended.is_err())),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            // As a system has it, but that no failure looks like success.
            Some(exit) => Ok(match exit.0 & 0xff {
                0 => exit.0,
                code => code,
            }),
            None => Err(error),
        },
    }
}

/// An error as a failure: the host's own type, or any other as the text of a
/// retry.
fn failure(function: &Function, error: Option<String>) -> Returned {
    /// `runner:plugin/outcome`'s `failure` in JSON.
    #[derive(Deserialize)]
    #[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
    enum Wire {
        Retry(String),
        RetryAfter((u64, String)),
        Reject(String),
        Snooze((u64, String)),
        WaitChildren,
        RateLimit((u64, String)),
    }
    let text = error.unwrap_or_else(|| "it failed without a reason".to_owned());
    if function.fails
        && let Ok(wire) = serde_json::from_str(&text)
    {
        return match wire {
            Wire::Retry(reason) => Returned::Retry(reason),
            Wire::RetryAfter(of) => Returned::RetryAfter(of),
            Wire::Reject(reason) => Returned::Reject(reason),
            Wire::Snooze(of) => Returned::Snooze(of),
            Wire::WaitChildren => Returned::WaitChildren,
            Wire::RateLimit(of) => Returned::RateLimit(of),
        };
    }
    // A text as it is, not in quotes.
    Returned::Retry(serde_json::from_str(&text).unwrap_or(text))
}
