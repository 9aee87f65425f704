//! One build: from a project's directory to the file that is loaded.
//!
//! For the [`builder`](super::builder), and for commands. Knows both the toolchains
//! ([`sources`]) and what a plugin must be ([`plugin`]), which do not know each other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config;
use crate::contract::unversioned;
use crate::host::Host;
use crate::plugin::{self, Refusal};
use crate::sources::{self, Engine, Language, Project, Tools};

/// A plugin that is built from source.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The directory of its project.
    pub source: PathBuf,
    /// Its name, where it goes, and what it is granted.
    pub plugin: config::Plugin,
    /// The engine, if it is not that of the project.
    pub engine: Option<Engine>,
}

/// A build that went well.
#[derive(Debug)]
pub struct Report {
    /// What the project is written in.
    pub language: Language,
    /// Bytes of the component.
    pub size: u64,
    /// How long it took.
    pub took: Duration,
    /// What it runs on, where there is a choice, and why.
    pub engine: Option<String>,
    /// Grants that it may need and does not have: key, example, and the import that
    /// tells.
    pub needs: Vec<(&'static str, &'static str, String)>,
    /// What will not be as the source says.
    pub warnings: Vec<String>,
}

/// Why there is no new version.
#[derive(Debug, thiserror::Error)]
pub enum Unbuilt {
    /// It was not built.
    #[error(transparent)]
    Source(#[from] sources::Error),
    /// It was built, and would be refused.
    #[error("it was built, but would be refused: {refusal}{hint}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// How the language does it right, or nothing.
        hint: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {error}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// Build a plugin, check it as loading does, and put it into its place.
///
/// # Errors
/// Why there is no new version; the old one is left as it is.
pub fn build(target: &Target, tools: &Tools, host: &Host) -> Result<Report, Unbuilt> {
    let began = Instant::now();
    let mut project = Project::open(&target.source)?;
    if let Some(engine) = target.engine {
        project = project.on(engine)?;
    }
    let built = sources::build(&project, tools)?;
    let examined = plugin::examine(host, &built.component, &target.plugin);
    let shape = examined.map_err(|refusal| Unbuilt::Refused {
        hint: match refusal {
            Refusal::Export { .. } => format!(". {}", project.language.export()),
            _ => String::new(),
        },
        refusal,
    })?;
    let file = &target.plugin.file;
    put(file, &built.component).map_err(|error| Unbuilt::Write {
        path: file.clone(),
        error,
    })?;
    let granted = |key: &str| match key {
        "http" => !target.plugin.http.is_empty(),
        "kv" => target.plugin.kv.is_some(),
        "config" => !target.plugin.config.is_empty() || !target.plugin.secrets.is_empty(),
        _ => false,
    };
    let mut warnings = built.warnings;
    warnings.extend(other_contract(&project, &target.plugin));
    let mut needs = sources::needs(&shape.imports);
    needs.retain(|(key, ..)| !granted(key));
    Ok(Report {
        language: project.language,
        size: built.component.len() as u64,
        took: began.elapsed(),
        engine: built.engine,
        needs,
        warnings,
    })
}

/// That its types are not those of its jobs.
fn other_contract(project: &Project, plugin: &config::Plugin) -> Option<String> {
    let id = project.contract_id()?;
    let of_queue = plugin.contracts.first()?;
    let is = |contract: &str| unversioned(contract) == unversioned(id);
    let is_one = plugin.contracts.iter().any(|contract| is(&contract.id));
    (!is_one).then(|| {
        format!(
            "plugin.toml names the contract {id:?}, but the queue {:?} has {:?}",
            of_queue.queue, of_queue.id
        )
    })
}

/// Replace a file in one step.
fn put(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // Hidden: nobody takes it for a plugin.
    let new = directory.join(format!(".{name}.new"));
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, file)
}

impl Target {
    /// The plugins of a configuration that have a source.
    pub fn all(config: &config::Config) -> Vec<Target> {
        let plugins = config.plugins.values();
        let targets = plugins.filter_map(|plugin| {
            Some(Target {
                source: plugin.source.clone()?,
                plugin: (**plugin).clone(),
                engine: None,
            })
        });
        targets.collect()
    }

    /// Whether its source has changed since it was built, as far as times tell.
    pub fn is_stale(&self) -> bool {
        let built = std::fs::metadata(&self.plugin.file).and_then(|file| file.modified());
        let Ok(built) = built else {
            return true;
        };
        let project = Project::open(&self.source).ok();
        let changed = project.and_then(|project| project.changed());
        changed.is_some_and(|changed| changed > built)
    }
}
