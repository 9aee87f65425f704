//! C, and what is linked like it: C++ and Zig.
//!
//! For [`super::build`] and [`super::create`]. Knows zig and clang.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::component::{Maker, World};
use super::embedded::Words;
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

/// A module without `main`, small, with the lines of its source for the frames of a failed
/// job, and a stack that takes no more memory than it needs: zig's own has 16 MiB. Both
/// compilers would otherwise drop `assert` or may do so one day.
const FLAGS: [&str; 6] = [
    "-mexec-model=reactor",
    "-Oz",
    "-gline-tables-only",
    "-UNDEBUG",
    "-Wall",
    "-Wl,-z,stack-size=131072",
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
    let sources = sources(project)?;
    let is_cxx = sources.iter().any(|file| is(file, &CXX));
    let sdk = project.directory.join(".runner/sdk");
    let (in_zig, mut sources): (Vec<PathBuf>, Vec<PathBuf>) =
        sources.into_iter().partition(|file| is(file, &["zig"]));
    for source in &in_zig {
        sources.push(object(project, tools, source, &sdk.join("runner.h"))?);
    }
    sources.extend(within(&sdk, &["c"]));
    sources.extend(within(&bindings, &["c", "o"]));

    let (mut command, compiler) = compiler(project, tools)?;
    let module = out.join("plugin.wasm");
    // Frames and messages name files from the project on.
    let map = format!("-ffile-prefix-map={}/=", project.directory.display());
    command
        .args(FLAGS)
        .arg(map)
        .arg("-I")
        .arg(&bindings)
        .arg("-I")
        .arg(&sdk);
    command.args(&project.manifest.flags).args(&sources);
    if is_cxx {
        // The driver of C compiles each file as what it is; that of C++ takes all for C++.
        command.args(["-lc++", "-fno-exceptions"]);
    }
    tools::run(command.arg("-o").arg(&module), compiler)?;
    let module = std::fs::read(&module).map_err(Error::system("cannot read", &module))?;
    let maker = Maker {
        language: match is_cxx {
            true => "C++",
            false if !in_zig.is_empty() => "Zig",
            false => "C",
        },
        compiler: (compiler, ""),
    };
    Ok(Built {
        component: world.component(&module, &maker)?,
        ..Built::default()
    })
}

/// A source in Zig as an object file. `@import("runner")` gives it runner.h.
fn object(
    project: &Project,
    tools: &Tools,
    source: &Path,
    header: &Path,
) -> Result<PathBuf, Error> {
    let zig = tools.need(project, &ZIG)?;
    let out = project.directory.join(OUT);
    let module = out.join("runner.zig");
    let mut translate = tools.command(project, &zig);
    translate.args(["translate-c", "-lc", "-target", "wasm32-wasi"]);
    let translated = tools::output(translate.arg(header), "zig")?;
    generated::write(&module, &translated)?;
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    let file = out.join(format!("{name}.o"));
    let mut compile = tools.command(project, &zig);
    compile
        .args(["build-obj", "-target", "wasm32-wasi", "-O", "ReleaseSmall"])
        .args(["-fno-strip", "-lc", "--dep", "runner"])
        .arg(format!("-Mroot={}", source.display()))
        .arg(format!("-Mrunner={}", module.display()))
        .arg(format!("-femit-bin={}", file.display()));
    tools::run(&mut compile, "zig")?;
    Ok(file)
}

/// The compiler's command, and its name for people.
fn compiler(project: &Project, tools: &Tools) -> Result<(Command, &'static str), Error> {
    let zig = tools.find_one(project, &ZIG);
    if zig.is_none() && tools.find_one(project, &CLANG).is_some() {
        let clang = tools.need(project, &CLANG)?;
        let mut command = tools.command(project, &clang);
        command.arg("--target=wasm32-wasi");
        return Ok((command, "clang"));
    }
    let zig = tools.need(project, &ZIG)?;
    let mut command = tools.command(project, &zig);
    command.args(["cc", "-target", "wasm32-wasi"]);
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

/// What the template of a project with a contract leaves open: its functions, which the
/// bindings declare.
///
/// A function without a failure has no way to refuse a job but to abort.
pub(crate) fn words(contract: &Contract) -> Words {
    let bindings = World::typed(contract)
        .and_then(|world| world.bindings(wit_bindgen_c::Opts::default().build()))
        .unwrap_or_default();
    let header = bindings.get(Path::new("plugin.h")).cloned();
    let header = String::from_utf8(header.unwrap_or_default()).unwrap_or_default();
    let (_, exports) = header
        .split_once("// Exported Functions")
        .unwrap_or_default();
    let (exports, _) = exports
        .split_once("// Helper Functions")
        .unwrap_or_default();
    let mut functions = String::new();
    for line in exports.lines() {
        let is_handler = line.contains("exports_runner_plugin_handler_handle(");
        let Some(declared) = line.strip_suffix(';').filter(|_| !is_handler) else {
            continue;
        };
        let name = declared.split('(').next().unwrap_or_default();
        let name = name.rsplit([' ', '*']).next().unwrap_or_default();
        let key = contract.interface.functions.iter().find_map(|function| {
            let own = function.name.replace('-', "_");
            name.ends_with(&format!("_{own}")).then_some(&function.key)
        });
        let why = format!("not written yet: {}", key.map_or(name, String::as_str));
        let body = match declared.contains("_failure_t *err)") {
            true => format!("  return runner_typed(err, runner_reject({why:?}));\n"),
            false => format!("  fprintf(stderr, {:?});\n  abort();\n", format!("{why}\n")),
        };
        functions.push_str(&format!("\n{declared} {{\n{body}}}\n"));
    }
    vec![("functions", functions.trim().to_owned())]
}
