//! Programs as plugins: modules of WASI preview 1 and components that are run. The
//! programs of these tests are in `tests/programs`; others come from package
//! registries, as they are there.

mod called;
mod docs;
mod ends;
mod refused;
mod scratch;
mod served;
mod shelf;

use runner::config::{JobSettings, Plugin};
use runner::outcome::{Failure, Outcome};

use crate::support::sandbox::{Sandbox, job};
use crate::support::wasm::module;

/// `program` as a module, with these grants.
fn granted(plugin: Plugin) -> Sandbox {
    Sandbox::granted(&module("program"), plugin)
}

fn sandbox() -> Sandbox {
    granted(Plugin::default())
}

/// The result of a job that completes.
#[track_caller]
fn completes(sandbox: &Sandbox, name: &str, data: &str) -> String {
    match sandbox.run(name, data) {
        Outcome::Completed(value) => value,
        other => panic!("{name}: {other:?}"),
    }
}

/// The failure of an attempt that is retried.
#[track_caller]
fn fails(sandbox: &Sandbox, name: &str, data: &str) -> Failure {
    match sandbox.run(name, data) {
        Outcome::Retry {
            failure,
            delay: None,
        } => failure,
        other => panic!("{name}: {other:?}"),
    }
}

/// The failure of a job that is rejected.
#[track_caller]
fn rejects(sandbox: &Sandbox, name: &str, data: &str) -> Failure {
    match sandbox.run(name, data) {
        Outcome::Rejected(failure) => failure,
        other => panic!("{name}: {other:?}"),
    }
}

/// A job under these settings.
fn run(sandbox: &Sandbox, name: &str, data: &str, settings: JobSettings) -> Outcome {
    sandbox.start(job(name, data), settings).outcome()
}
