//! Rust: a crate that cargo builds for `wasm32-wasip2`, which makes a component by
//! itself.
//!
//! For [`super::build`] and [`super::create`]. Knows cargo.

mod words;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Built;
use super::error::Error;
use super::generated::Files;
use super::project::Project;
use super::tools::{self, Tool, Tools, Wanted};

pub(crate) use self::words::words;

/// What cannot be the name of a crate of this kind, with underscores: keywords, and the
/// crates that every crate sees.
pub(crate) const RESERVED: [&str; 44] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "pub", "ref", "return",
    "self", "static", "std", "struct", "super", "test", "trait", "true", "type", "use",
];

/// The manifest that holds what the packages of Runner have in common.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
/// The versions that Runner is tested with.
const LOCK: &str = include_str!("../../../Cargo.lock");

const TARGET: &str = "wasm32-wasip2";

const CARGO: Tool = Tool {
    name: "Cargo",
    programs: &["cargo"],
    version: &["--version"],
    wanted: Wanted::AtLeast("1.95"),
    install: "rustup update stable (https://rustup.rs brings rustup)",
};

/// What cargo says about each thing that it has built.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

pub(crate) fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let cargo = tools.need(project, &CARGO)?;
    let mut command = tools.command(project, &cargo);
    command.args(["build", "--release", "--target", TARGET]);
    command.arg("--message-format=json-render-diagnostics");
    let said = tools::output(&mut command, "cargo build");
    let said = said.map_err(|failed| missing_target(project, tools).unwrap_or(failed))?;
    let manifest = project.directory.join("Cargo.toml");
    let made = said.split(|of| *of == b'\n');
    let made = made.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let mut made = made
        .filter(|of| of.reason == "compiler-artifact" && of.manifest_path == manifest)
        .flat_map(|of| of.filenames)
        .filter(|file| file.extension().is_some_and(|of| of == "wasm"));
    let Some(file) = made.next() else {
        return Err(Error::wrong(format!(
            "{} makes no component: write [lib] crate-type = [\"cdylib\", \"rlib\"] into it",
            manifest.display()
        )));
    };
    let component = std::fs::read(&file).map_err(Error::system("cannot read", &file))?;
    Ok(Built {
        component,
        ..Built::default()
    })
}

/// Whether it failed for want of the target, which rustc tells in other words.
fn missing_target(project: &Project, tools: &Tools) -> Option<Error> {
    let rustc = tools.find(project, "rustc")?;
    let mut command = tools.command(project, &rustc);
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let said = tools::output(&mut command, "rustc").ok()?;
    let directory = String::from_utf8(said).ok()?;
    let is_there = Path::new(directory.trim()).is_dir();
    (!is_there).then(|| {
        Error::wrong(format!(
            "Rust cannot compile for {TARGET} yet. To install the target: rustup target add {TARGET}"
        ))
    })
}

/// The SDK as a package of its own: what it has in common with the rest of Runner
/// stands in its own manifest.
pub(crate) fn sdk(files: Files) -> Files {
    let placed = files.into_iter().map(|(path, content)| {
        let content = match path == Path::new("Cargo.toml") {
            true => alone(&String::from_utf8_lossy(&content)).into_bytes(),
            false => content,
        };
        // From there it finds the host API as it does in the checkout.
        (Path::new("rust").join(path), content)
    });
    placed.collect()
}

fn alone(manifest: &str) -> String {
    let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap_or_default();
    let (mut manifest, workspace) = (read(manifest), read(WORKSPACE));
    let common = |key: &str| {
        workspace
            .get("workspace")?
            .get("package")?
            .get(key)
            .cloned()
    };
    if let Some(package) = manifest
        .get_mut("package")
        .and_then(toml::Value::as_table_mut)
    {
        for (key, value) in package.iter_mut() {
            if value.get("workspace").is_some()
                && let Some(common) = common(key)
            {
                *value = common;
            }
        }
    }
    manifest.remove("lints");
    manifest.to_string()
}

/// A lock file with the versions that the SDK was tested with; cargo drops those that a
/// project does not need.
pub(crate) fn lock() -> String {
    LOCK.to_owned()
}
