//! `runner new` and `runner build`: from nothing to a plugin, with only the binary and
//! the tools of a language.

mod c;
mod dev;
mod go;
mod js;
mod mistakes;
mod python;
mod readme;
mod rust;

use std::path::Path;

use crate::support::runner::Ended;
use crate::support::{Redis, Setup, env};

/// A directory outside of the repository, with this `queues.toml`, in which the tools of
/// all languages are found.
fn setup(toml: &str) -> Setup {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let tools = env("RUNNER_TOOLS").unwrap_or_else(|| tools.join("bin").display().to_string());
    // What is compiled for one test need not be for the next.
    let crates = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crates");
    let mut setup = Setup::new(&Redis::shared(), toml)
        .env("RUNNER_TOOLS", &tools)
        .env("CARGO_TARGET_DIR", &crates.display().to_string());
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = env(name) {
            setup = setup.env(name, &value);
        }
    }
    setup
}

/// Write a file there, with the directories above it.
fn write(setup: &Setup, path: &str, text: &str) {
    let path = setup.path(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Run a command that must do its work; what it printed to stdout.
#[track_caller]
fn done(setup: &Setup, arguments: &[&str]) -> String {
    let ended = setup.cli(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}\n{}", shown(&ended));
    ended.stdout
}

/// Run a command that must end with this code and this last line.
#[track_caller]
fn refused(setup: &Setup, arguments: &[&str], code: i32, message: &str) {
    let ended = setup.cli(arguments);
    let said = ended.stderr.lines().last().unwrap_or_default();
    assert_eq!(
        (ended.code, said),
        (Some(code), message),
        "{}",
        shown(&ended)
    );
}

fn shown(ended: &Ended) -> String {
    format!("{}\n{}", ended.stdout, ended.stderr)
}
