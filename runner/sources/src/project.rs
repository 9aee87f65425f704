//! A project: a directory with the source of one plugin.
//!
//! For the crate and its users. Knows how to tell its language, name and contract from
//! its files; not how it is built.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use runner_contract::{Interface, Library};
use serde_json::Value;

use super::error::{self, Error};
use super::language::Language;
use super::manifest::{self, Engine, Manifest};

/// Directories in which tools keep what they make; what changes there is no change of
/// the source. Neither are hidden ones.
pub const IGNORED: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];

/// Where contracts are when `plugin.toml` does not say: beside the source.
const WIT: &str = "wit";

/// A directory with the source of one plugin.
#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute.
    pub directory: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    pub(crate) manifest: Manifest,
}

/// The contract of a project.
pub(crate) struct Contract {
    /// What it says.
    pub(crate) interface: Arc<Interface>,
    /// WIT with the packages that it is made of, and a world that exports it.
    pub(crate) wit: String,
}

impl Project {
    /// Look at a directory.
    ///
    /// # Errors
    /// When it is no project, more than one, or its files are wrong.
    pub fn open(directory: &Path) -> Result<Project, Error> {
        let absolute = directory
            .canonicalize()
            .map_err(Error::system("cannot open", directory))?;
        let found = Manifest::read(directory)?;
        let language = language(directory, found.as_ref())?;
        let manifest = found.unwrap_or_default();
        let name = match &manifest.name {
            Some(name) => name.clone(),
            None => own_name(&absolute, language)?,
        };
        if !is_name(&name) {
            return Err(Error::wrong(format!(
                "{}: {name:?} cannot be the name of a plugin: give it one in {}, \
                 name = \"otp-sender\", of letters, digits, `-` and `_`",
                directory.display(),
                manifest::FILE
            )));
        }
        Ok(Project {
            directory: absolute,
            name,
            language,
            manifest,
        })
    }

    /// The same project on another engine than `plugin.toml` says.
    ///
    /// # Errors
    /// When its language has no choice of engines.
    pub fn on(mut self, engine: Engine) -> Result<Project, Error> {
        if !matches!(self.language, Language::TypeScript | Language::JavaScript) {
            return Err(Error::wrong(format!(
                "{}: {} has one engine; only TypeScript and JavaScript have a choice",
                self.name,
                self.language.title()
            )));
        }
        self.manifest.engine = engine;
        Ok(self)
    }

    /// Whether a directory looks like a project, right or wrong.
    pub fn is_in(directory: &Path) -> bool {
        let mut files = Language::ALL.into_iter().map(Language::file);
        files.any(|file| directory.join(file).is_file())
    }

    /// The contract that it names.
    pub fn contract_id(&self) -> Option<&str> {
        self.manifest.contract.as_deref()
    }

    /// The directory of its contract's WIT files, if it names a contract.
    pub fn wit(&self) -> Option<PathBuf> {
        self.manifest.contract.as_ref()?;
        let directory = self.manifest.wit.as_deref();
        Some(
            self.directory
                .join(directory.unwrap_or_else(|| Path::new(WIT))),
        )
    }

    /// When the newest of its files was changed.
    pub fn changed(&self) -> Option<SystemTime> {
        let own = newest(&self.directory);
        own.max(self.wit().and_then(|wit| newest(&wit)))
    }

    /// Its contract, as the WIT files are now.
    pub(crate) fn contract(&self) -> Result<Option<Contract>, Error> {
        let (Some(id), Some(directory)) = (&self.manifest.contract, self.wit()) else {
            return Ok(None);
        };
        let manifest = self.directory.join(manifest::FILE);
        let place = |text: String| Error::wrong(format!("{}: {text}", manifest.display()));
        contract(&directory, id).map(Some).map_err(place)
    }
}

/// A contract of a directory of WIT files.
///
/// # Errors
/// What is wrong with the files, or which contracts they have instead.
pub(crate) fn contract(directory: &Path, id: &str) -> Result<Contract, String> {
    let library = Library::read(directory)?;
    let found = library.get(id);
    let found = found.map_err(|reason| format!("{id} cannot be a contract: {reason}"))?;
    let interface = found.ok_or_else(|| {
        let directory = directory.display();
        let ids: Vec<&str> = library.ids().map(runner_contract::unversioned).collect();
        match (runner_config::nearest(id, ids.iter().copied()), ids.len()) {
            (Some(near), _) => {
                format!("no contract {id:?} in {directory}; did you mean {near:?}?")
            }
            (None, 0) => format!("no contract {id:?}: there are no contracts in {directory}"),
            (None, _) => format!(
                "no contract {id:?} in {directory}; there are {}",
                ids.join(", ")
            ),
        }
    })?;
    Ok(Contract {
        interface: interface.clone(),
        wit: runner_contract::bundle(directory, &interface.id)?,
    })
}

/// The language of a directory.
fn language(directory: &Path, manifest: Option<&Manifest>) -> Result<Language, Error> {
    let shown = directory.display();
    let is_there = |language: &Language| directory.join(language.file()).is_file();
    let mut found: Vec<Language> = Language::ALL.into_iter().filter(is_there).collect();
    // Both are npm packages, and `plugin.toml` alone is not C.
    let typed = directory.join("tsconfig.json").is_file();
    found.retain(|language| match language {
        Language::TypeScript => typed,
        Language::JavaScript => !typed,
        Language::C => false,
        _ => true,
    });
    if let Some(language) = manifest.and_then(|manifest| manifest.language) {
        return match directory.join(language.file()).is_file() {
            true => Ok(language),
            false => Err(Error::wrong(format!(
                "{shown}/{}: the language is {}, but there is no {}",
                manifest::FILE,
                language.title(),
                language.file()
            ))),
        };
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [one, other, ..] => Err(Error::wrong(format!(
            "{shown} has {} ({}) and {} ({}): say in {} which of them makes the plugin, \
             language = {:?}",
            one.file(),
            one.title(),
            other.file(),
            other.title(),
            manifest::FILE,
            one.word()
        ))),
        [] => Err(Error::wrong(format!(
            "{shown} has no project: there is no Cargo.toml (Rust), package.json (TypeScript, \
             JavaScript), pyproject.toml (Python), go.mod (Go), or {} with language = \"c\"; \
             runner new makes one",
            manifest::FILE
        ))),
    }
}

/// The name in the language's own project file.
fn own_name(directory: &Path, language: Language) -> Result<String, Error> {
    let path = directory.join(language.file());
    let of_directory = || {
        let name = directory.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let table = |key: &str| -> Result<Option<String>, Error> {
        let table: toml::Table = toml::from_str(&error::read(&path)?)
            .map_err(|error| Error::wrong(format!("{}: {error}", path.display())))?;
        let name = table.get(key).and_then(|table| table.get("name"));
        Ok(name.and_then(|name| name.as_str()).map(str::to_owned))
    };
    let name = match language {
        Language::Rust => table("package")?,
        Language::Python => table("project")?,
        Language::TypeScript | Language::JavaScript => {
            let json: Value = serde_json::from_str(&error::read(&path)?)
                .map_err(|error| Error::wrong(format!("{}: {error}", path.display())))?;
            let name = json.get("name").and_then(Value::as_str);
            // `@acme/greeter` is one of the packages of acme.
            name.and_then(|name| name.rsplit('/').next())
                .map(str::to_owned)
        }
        Language::Go => {
            let text = error::read(&path)?;
            let module = text.lines().find_map(|line| line.strip_prefix("module "));
            module
                .and_then(|module| module.trim().rsplit('/').next())
                .map(str::to_owned)
        }
        Language::C => None,
    };
    Ok(name.unwrap_or_else(of_directory))
}

/// Whether `queues.toml` takes it for a plugin's name.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |of: u8| of.is_ascii_alphanumeric() || of == b'-' || of == b'_';
    !name.is_empty() && name.bytes().all(allowed)
}

fn newest(directory: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(directory).ok()?;
    let times = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || IGNORED.contains(&&*name) {
            return None;
        }
        match entry.file_type().ok()?.is_dir() {
            true => newest(&entry.path()),
            false => entry.metadata().ok()?.modified().ok(),
        }
    });
    times.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with these files.
    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn wrong(files: &[(&str, &str)]) -> String {
        let directory = directory(files);
        let error = Project::open(directory.path()).unwrap_err().to_string();
        error.replace(&directory.path().display().to_string(), "x")
    }

    #[test]
    fn the_language_and_the_name_are_told_by_the_project_file() {
        let package = "{\"name\":\"@acme/greeter\"}";
        for (files, language) in [
            (
                vec![("Cargo.toml", "[package]\nname = \"greeter\"")],
                Language::Rust,
            ),
            (vec![("package.json", package)], Language::JavaScript),
            (
                vec![("package.json", package), ("tsconfig.json", "{}")],
                Language::TypeScript,
            ),
            (
                vec![("pyproject.toml", "[project]\nname = \"greeter\"")],
                Language::Python,
            ),
            (vec![("go.mod", "module acme.dev/greeter\n")], Language::Go),
            (
                vec![("plugin.toml", "language = \"c\"\nname = \"greeter\"")],
                Language::C,
            ),
        ] {
            let directory = directory(&files);
            let project = Project::open(directory.path()).unwrap();
            assert_eq!((&*project.name, project.language), ("greeter", language));
        }
    }

    #[test]
    fn what_is_no_project_is_told_with_the_way_out() {
        assert_eq!(
            wrong(&[("main.rs", "")]),
            "x has no project: there is no Cargo.toml (Rust), package.json (TypeScript, \
             JavaScript), pyproject.toml (Python), go.mod (Go), or plugin.toml with language = \
             \"c\"; runner new makes one"
        );
        assert_eq!(
            wrong(&[("Cargo.toml", ""), ("go.mod", "")]),
            "x has Cargo.toml (Rust) and go.mod (Go): say in plugin.toml which of them makes \
             the plugin, language = \"rust\""
        );
        assert_eq!(
            wrong(&[("plugin.toml", "language = \"go\"")]),
            "x/plugin.toml: the language is Go, but there is no go.mod"
        );
        assert_eq!(
            wrong(&[("go.mod", "module a.b/c.d\n")]),
            "x: \"c.d\" cannot be the name of a plugin: give it one in plugin.toml, name = \
             \"otp-sender\", of letters, digits, `-` and `_`"
        );
    }
}
