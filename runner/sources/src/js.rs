//! TypeScript and JavaScript: an npm package, built by the SDK's own `build/build.mjs`
//! with the tools of the package's `node_modules`.
//!
//! For [`super::build`] and [`super::create`]. Knows Node.js and what that program says.

use runner_contract::{Function, typescript_handler};
use serde::Deserialize;

use super::Built;
use super::component::{self, Maker};
use super::embedded::Words;
use super::error::Error;
use super::generated::{self, Files};
use super::manifest::Engine;
use super::project::{Contract, Project};
use super::tools::{self, Tool, Tools, Wanted};

const NODE: Tool = Tool {
    name: "Node.js",
    programs: &["node"],
    version: &["--version"],
    wanted: Wanted::AtLeast("20"),
    install: "https://nodejs.org, or your system's package nodejs",
};

/// The program in the project, and where it puts the component.
const BUILD: &str = ".runner/sdk/build/build.mjs";
const COMPONENT: &str = "plugin.wasm";

/// What the program says, in JSON on stdout.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Made {
        engine: String,
        why: String,
        /// What made the component, and its version.
        tool: (String, String),
        warnings: Vec<String>,
    },
    Mistake {
        error: String,
        help: Option<String>,
    },
}

pub(crate) fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let node = tools.need(project, &NODE)?;
    let out = format!("{}/{COMPONENT}", generated::OUT);
    let engine = match project.manifest.engine {
        Engine::Auto => "auto",
        Engine::QuickJs => "quickjs",
        Engine::StarlingMonkey => "starlingmonkey",
    };
    let options = serde_json::json!({ "project": ".", "engine": engine, "out": out });
    let mut command = tools.command(project, &node);
    command.args([BUILD, &options.to_string()]);
    let said = tools::output(&mut command, "node build.mjs")?;
    let said = serde_json::from_slice(&said)
        .map_err(|error| Error::wrong(format!("{BUILD} answered no JSON: {error}")))?;
    let (engine, why, tool, warnings) = match said {
        Said::Made {
            engine,
            why,
            tool,
            warnings,
        } => (engine, why, tool, warnings),
        Said::Mistake { error, help } => {
            let help = help.map_or(String::new(), |help| format!("; {help}"));
            return Err(Error::wrong(format!("{error}{help}")));
        }
    };
    let path = project.directory.join(&out);
    let component = std::fs::read(&path).map_err(Error::system("cannot read", &path))?;
    let maker = Maker {
        language: project.language.title(),
        compiler: (&tool.0, &tool.1),
    };
    let component = component::signed(&component, &maker)
        .map_err(|error| Error::wrong(format!("{}: {error:#}", path.display())))?;
    let title = match &*engine {
        "quickjs" => "QuickJS",
        _ => "StarlingMonkey",
    };
    Ok(Built {
        component,
        engine: Some(format!("{title}: {why}")),
        warnings,
    })
}

/// The types of a contract, for `.runner/types`.
pub(crate) fn types(contract: &Contract) -> Files {
    let text = typescript_handler(&contract.interface);
    Files::from([("contract.ts".into(), text.into_bytes())])
}

/// What the template of a package with a contract leaves open.
pub(crate) fn words(contract: &Contract) -> Words {
    let functions = &contract.interface.functions;
    let stubs: Vec<String> = functions.iter().map(stub).collect();
    let first = functions.first().map_or("", |function| &function.key);
    vec![("handlers", stubs.join("\n")), ("quoted", quoted(first))]
}

fn stub(function: &Function) -> String {
    let docs = function.notes.text.lines();
    let docs: String = docs.map(|line| format!("  // {line}\n")).collect();
    let name = quoted(&function.key);
    format!(
        "{docs}  {name}: async () => {{\n    throw new Reject({});\n  }},",
        quoted(&format!("not written yet: {}", function.key))
    )
}

/// A string of JavaScript.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}
