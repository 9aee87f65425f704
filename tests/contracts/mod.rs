//! Contracts: queues whose jobs are functions of a WIT interface. `doors` shows where a
//! payload is checked and what a mistake looks like, `loading` what a plugin and a change
//! are refused for, `tools` what producers get: TypeScript, JSON Schema and OpenAPI,
//! `python` and `go` what handlers of these languages get.

mod doors;
mod go;
mod loading;
mod python;
mod tools;

use std::path::Path;

use crate::support::{Redis, Setup, guest};

const ID: &str = "test:typed/jobs";
const TOML: &str = "[queues.work]\nplugin = \"typed\"\ncontract = \"test:typed/jobs\"\n";

/// The WIT file of the guest.
fn wit() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/wit/typed.wit")
}

/// A directory with the contract, on this Redis.
fn setup(redis: &Redis, toml: &str) -> Setup {
    let setup = Setup::new(redis, toml).plugin("typed", &guest("typed"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::copy(wit(), setup.path("wit/typed.wit")).unwrap();
    setup
}
