//! C, and what is compiled like it: C++.
//!
//! For [`super::build`] and [`super::create`]. Knows zig and clang.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::component::{Maker, World};
use super::create::Words;
use super::error::Error;
use super::generated::{self, OUT};
use super::project::{Contract, Project};
use super::tools::{self, Tool, Tools, Wanted};
use super::{Built, manifest};

const ZIG: Tool = Tool {
    name: "Zig, a C compiler for WebAssembly,",
    programs: &["zig", "python-zig"],
    version: &["version"],
    wanted: Wanted::AtLeast("0.14"),
    install: "pip install ziglang==0.17.1",
};

/// The other one. Debian: clang, lld, libclang-rt-dev-wasm32, wasi-libc.
const CLANG: Tool = Tool {
    name: "clang",
    programs: &["clang", "clang-21", "clang-20", "clang-19"],
    version: &["--version"],
    wanted: Wanted::AtLeast("17"),
    install: "apt-get install clang lld libclang-rt-dev-wasm32 wasi-libc",
};

/// A module without `main`, small, with a stack that takes no more memory than it needs:
/// the compilers' own is 16 MiB in zig.
const FLAGS: [&str; 5] = [
    "-mexec-model=reactor",
    "-Oz",
    "-s",
    "-Wl,-z,stack-size=131072",
    "-Wl,--stack-first",
];

/// Files that are compiled as C++.
const CXX: [&str; 3] = ["cpp", "cc", "cxx"];

pub(crate) fn build(
    project: &Project,
    contract: Option<&Contract>,
    tools: &Tools,
) -> Result<Built, Error> {
    let world = match contract {
        Some(contract) => World::typed(contract)?,
        None => World::handler()?,
    };
    let out = project.directory.join(OUT);
    let bindings = out.join("bindings");
    let files = world.bindings(wit_bindgen_c::Opts::default().build())?;
    generated::fill(&bindings, &files)?;
    let mut sources = sources(project)?;
    let is_cxx = sources.iter().any(|file| is(file, &CXX));
    let sdk = project.directory.join(".runner/sdk");
    sources.extend(within(&sdk, &["c"]));
    sources.extend(within(&bindings, &["c", "o"]));

    let (mut command, compiler) = compiler(project, tools, is_cxx)?;
    let module = out.join("plugin.wasm");
    command
        .args(FLAGS)
        .arg("-I")
        .arg(&bindings)
        .arg("-I")
        .arg(&sdk);
    command.args(&project.manifest.flags).args(&sources);
    tools::run(command.arg("-o").arg(&module), compiler)?;
    let module = std::fs::read(&module).map_err(Error::system("cannot read", &module))?;
    let maker = Maker {
        language: if is_cxx { "C++" } else { "C" },
        compiler: (compiler, ""),
    };
    Ok(Built {
        component: world.component(&module, &maker)?,
        ..Built::default()
    })
}

/// The compiler's command, and its name for people.
fn compiler(
    project: &Project,
    tools: &Tools,
    is_cxx: bool,
) -> Result<(Command, &'static str), Error> {
    let zig = tools.find_one(project, &ZIG);
    if zig.is_none() && tools.find_one(project, &CLANG).is_some() {
        let clang = tools.need(project, &CLANG)?;
        let mut command = tools.command(project, &clang);
        command.arg("--target=wasm32-wasi");
        if is_cxx {
            command.arg("--driver-mode=g++");
        }
        return Ok((command, "clang"));
    }
    let zig = tools.need(project, &ZIG)?;
    let mut command = tools.command(project, &zig);
    command.arg(if is_cxx { "c++" } else { "cc" });
    command.args(["-target", "wasm32-wasi"]);
    Ok((command, "zig"))
}

/// The files that `plugin.toml` names.
fn sources(project: &Project) -> Result<Vec<PathBuf>, Error> {
    let place = project.directory.join(manifest::FILE);
    let place = place.display();
    if project.manifest.sources.is_empty() {
        return Err(Error::wrong(format!(
            "{place}: say what to compile, sources = [\"src/*.c\"]"
        )));
    }
    let mut files = Vec::new();
    for pattern in &project.manifest.sources {
        let before = files.len();
        let path = project.directory.join(pattern);
        let (directory, name) = (path.parent(), path.file_name());
        let name = name.unwrap_or_default().to_string_lossy();
        match (directory, name.split_once('*')) {
            (Some(directory), Some((start, end))) => {
                let fits = |file: &PathBuf| {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    name.len() >= start.len() + end.len()
                        && name.starts_with(start)
                        && name.ends_with(end)
                };
                files.extend(entries(directory).into_iter().filter(fits));
            }
            _ if path.is_file() => files.push(path),
            _ => {}
        }
        if files.len() == before {
            return Err(Error::wrong(format!(
                "{place}: no file is {pattern:?} of `sources`"
            )));
        }
    }
    Ok(files)
}

/// The files of a directory with one of these extensions.
fn within(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = entries(directory);
    files.retain(|file| is(file, extensions));
    files
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn is(file: &Path, extensions: &[&str]) -> bool {
    file.extension()
        .is_some_and(|of| extensions.iter().any(|known| of == *known))
}

/// What the template of a project with a contract leaves open.
pub(crate) fn words(_contract: &Contract) -> Words {
    Words::new()
}
