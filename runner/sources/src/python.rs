//! Python: a package with a `pyproject.toml`, built with componentize-py.
//!
//! For [`super::build`] and [`super::create`]. Knows componentize-py, pip and what of
//! `pyproject.toml` matters here; what Python itself must look at is done by the SDK's
//! `_scan.py`.

mod packages;
mod settings;
mod words;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use self::settings::Settings;
pub(crate) use self::words::words;
use super::Built;
use super::error::Error;
use super::generated::{self, Files, OUT, TYPES, WIT};
use super::project::{Contract, Project};
use super::tools::{Tool, Tools, Wanted};

const COMPONENTIZE: Tool = Tool {
    name: "componentize-py",
    programs: &["componentize-py"],
    version: &["--version"],
    wanted: Wanted::Exactly("0.25.1"),
    install: "pip install componentize-py==0.25.1",
};
const PYTHON: Tool = Tool {
    name: "Python",
    programs: &["python3", "python"],
    version: &["--version"],
    wanted: Wanted::AtLeast("3.10"),
    install: "https://www.python.org/downloads, or your system's package python3",
};

/// The SDK, and the world it is compiled for.
const SDK: &str = ".runner/sdk";
/// The world of the project.
const WORLD: &str = ".runner/out/wit";
/// A virtual environment that componentize-py looks for packages in, instead of the one
/// that happens to be active.
const ENVIRONMENT: &str = ".runner/python";
const SITE: &str = ".runner/python/lib/python3/site-packages";
/// The module that is compiled. It must not be called like one of the project.
const ENTRY: &str = "runner_plugin";

/// What `_scan.py` prints.
#[derive(Deserialize)]
struct Scan {
    errors: Vec<String>,
    warnings: Vec<String>,
    zones: bool,
    reach: Vec<String>,
}

pub(crate) fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let python = tools.need(project, &PYTHON)?;
    let componentize = tools.need(project, &COMPONENTIZE)?;
    let settings = Settings::read(project)?;
    packages::install(project, tools, &python, &settings.dependencies)?;
    let mut scan = scan(project, tools, &python, &settings)?;
    // Without the package of time zones, zoneinfo finds none.
    if scan.zones && packages::add_zones(project, tools, &python, &settings.dependencies)? {
        scan = self::scan(project, tools, &python, &settings)?;
    }
    if !scan.errors.is_empty() {
        return Err(Error::wrong(scan.errors.join("\n")));
    }
    let entry = settings.entry();
    let path = project.directory.join(OUT).join(format!("{ENTRY}.py"));
    generated::write(&path, entry.as_bytes())?;
    let component = componentized(project, tools, &componentize, &settings, &scan.reach)?;
    Ok(Built {
        component,
        warnings: scan.warnings,
        ..Built::default()
    })
}

/// Look for what would only show when a job runs.
fn scan(
    project: &Project,
    tools: &Tools,
    python: &Path,
    settings: &Settings,
) -> Result<Scan, Error> {
    let at = |path: &str| project.directory.join(path);
    let own: Vec<PathBuf> = settings.roots.iter().map(|root| at(root)).collect();
    let question = serde_json::json!({
        "root": project.directory,
        "module": settings.module,
        "own": own,
        "others": [at(SITE), at(TYPES)],
    });
    let mut command = tools.command(project, python);
    command
        .args(["-I", "-B"])
        .arg(at(SDK).join("runner/_scan.py"));
    let answer = super::tools::output(command.arg(question.to_string()), "python")?;
    serde_json::from_slice(&answer)
        .map_err(|error| Error::wrong(format!("{}: {error}", python.display())))
}

/// Call componentize-py; `reach` are the worlds of the SDK that the project needs beside
/// the first.
fn componentized(
    project: &Project,
    tools: &Tools,
    program: &Path,
    settings: &Settings,
    reach: &[String],
) -> Result<Vec<u8>, Error> {
    let out = project.directory.join(OUT).join("plugin.wasm");
    // componentize-py panics when it merges several worlds itself.
    let worlds = reach
        .iter()
        .map(|world| format!("include runner:python/{world}; "));
    let worlds: String = worlds.collect();
    let world =
        format!("package runner:built;\n\nworld plugin {{ include runner:python/sdk; {worlds}}}\n");
    let file = project.directory.join(WORLD).join("world.wit");
    generated::write(&file, world.as_bytes())?;
    let mut command = tools.command(project, program);
    command.env("VIRTUAL_ENV", project.directory.join(ENVIRONMENT));
    command.args(["--quiet", "-d", WIT, "-d", ".runner/sdk/wit"]);
    command.args(["-d", WORLD, "-w", "runner:built/plugin", "componentize"]);
    for root in settings.roots.iter().map(String::as_str) {
        command.args(["-p", root]);
    }
    command.args(["-p", SDK, "-p", TYPES, "-p", OUT, ENTRY, "-o"]);
    let output = command.arg(&out).stderr(Stdio::piped()).output();
    let output = output.map_err(Error::system("cannot run", program))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::wrong(reason(&said, settings)));
    }
    std::fs::read(&out).map_err(Error::system("cannot read", &out))
}

/// What went wrong, without the frames of the tool, and with the paths of the project.
fn reason(said: &str, settings: &Settings) -> String {
    let told = said.split("AssertionError: ").last().unwrap_or(said);
    let told = told.split("\nStack backtrace:").next().unwrap_or(told);
    let told = told.split("\n\nCaused by:").next().unwrap_or(told);
    let mut told = told.trim().to_owned();
    for (at, root) in settings.roots.iter().enumerate() {
        let name = root.strip_prefix('.').unwrap_or(root);
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{name}/")
        };
        told = told.replace(&format!("\"/{at}/"), &format!("\"{name}"));
    }
    match told.starts_with("Traceback") {
        true => format!("the plugin cannot be imported:\n{told}"),
        false => format!("componentize-py failed: {told}"),
    }
}

/// The types of a contract: the module `contract`.
pub(crate) fn types(contract: &Contract) -> Files {
    let text = runner_contract::python(None, &contract.interface);
    Files::from([("contract.py".into(), text.into_bytes())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_says_is_cut_to_what_the_author_wrote() {
        let settings = Settings {
            module: "app".into(),
            roots: vec!["src".into(), ".".into()],
            ..Settings::default()
        };
        let said = "Traceback (most recent call last):\n  File \"/bin/componentize-py\", line 8\n\
                    AssertionError: Traceback (most recent call last):\n  File \"/0/app.py\", line 2\n\
                    NameError: name 'x' is not defined\n\n\nCaused by:\n    NameError\n\nStack backtrace:\n 0: a";
        assert_eq!(
            reason(said, &settings),
            "the plugin cannot be imported:\nTraceback (most recent call last):\n  \
             File \"src/app.py\", line 2\nNameError: name 'x' is not defined"
        );
        assert_eq!(
            reason("AssertionError: no world", &settings),
            "componentize-py failed: no world"
        );
    }
}
