//! What `pyproject.toml` says that matters here.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use crate::error::{self, Error};
use crate::project::Project;

/// The modules that are looked for, the likeliest first; `{}` is the project's name.
const MODULES: [&str; 4] = ["app", "main", "plugin", "{}"];

/// How a project is built.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The handler's module: `app`.
    pub(super) module: String,
    /// Directories with modules, from the project on: `src`, `.`.
    pub(super) roots: Vec<String>,
    /// Modules that must be in the component, whether something imports them or not.
    pub(super) include: Vec<String>,
    /// The packages it needs, as pip reads them.
    pub(super) dependencies: Vec<String>,
}

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    project: Package,
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize)]
struct Package {
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Tool {
    #[serde(default)]
    runner: Own,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    module: Option<String>,
    #[serde(default)]
    include: Vec<String>,
}

impl Settings {
    /// Those of a project.
    pub(super) fn read(project: &Project) -> Result<Settings, Error> {
        let path = project.directory.join("pyproject.toml");
        let file: File = toml::from_str(&error::read(&path)?)
            .map_err(|error| Error::wrong(format!("{}: {error}", path.display())))?;
        let all = ["src", "."];
        let roots = all
            .into_iter()
            .filter(|root| project.directory.join(root).is_dir());
        let mut settings = Settings {
            module: String::new(),
            roots: roots.map(str::to_owned).collect(),
            include: file.tool.runner.include,
            dependencies: file.project.dependencies,
        };
        settings.module = match file.tool.runner.module {
            Some(module) => module,
            None => settings.likely(project)?,
        };
        Ok(settings)
    }

    /// The first of the usual modules that is there.
    fn likely(&self, project: &Project) -> Result<String, Error> {
        let own = project.name.replace('-', "_");
        let names = MODULES.map(|name| name.replace("{}", &own));
        let is_there = |name: &&String| {
            let roots = self.roots.iter().map(|root| project.directory.join(root));
            let mut files = roots.map(|root| root.join(name));
            files.any(|path| path.with_extension("py").is_file() || is_package(&path))
        };
        let found = names.iter().find(is_there).cloned();
        found.ok_or_else(|| {
            Error::wrong(format!(
                "{} has none of the modules {}: name the handler's in pyproject.toml, \
                 [tool.runner] module = \"package.module\"",
                project.directory.display(),
                names.join(", ")
            ))
        })
    }

    /// The module that is compiled: it imports the project's.
    pub(super) fn entry(&self) -> String {
        let mut roots = String::new();
        for (at, root) in self.roots.iter().enumerate() {
            let name = if root == "." {
                String::new()
            } else {
                format!("{root}/")
            };
            let _ = write!(roots, "(\"/{at}/\", {name:?}), ");
        }
        let include: Vec<String> = self.include.iter().map(|one| format!("{one:?}")).collect();
        format!(
            "\"\"\"Made by `runner build`.\"\"\"\n\n\
             import importlib\n\n\
             from runner import _build\n\n\
             _build.begin()\n\
             module = importlib.import_module({:?})\n\
             Handler = _build.finish(module, [{}], [{}])\n",
            self.module,
            roots.trim_end_matches(", "),
            include.join(", ")
        )
    }
}

fn is_package(path: &Path) -> bool {
    path.join("__init__.py").is_file()
}
