//! What a project's source refers to, written anew before each build.
//!
//! For the crate. Knows what is where in `.runner`; each driver knows the types of its
//! language.

use std::path::PathBuf;

use super::error::Error;
use super::generated::{self, CONTRACT, DIRECTORY, Files, OUT, TYPES, WIT};
use super::language::Language;
use super::project::{Contract, Project};
use super::{embedded, go, js, python, rust};

/// Write all that the project's source refers to.
pub(crate) fn prepare(project: &Project, contract: Option<&Contract>) -> Result<(), Error> {
    let root = project.directory.join(DIRECTORY);
    // Whatever the project's own says.
    generated::write(&root.join(".gitignore"), b"*\n")?;
    let host = runner_contract::HOST.iter();
    let host = host.map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()));
    generated::fill(&project.directory.join(WIT), &host.collect())?;
    match contract {
        Some(contract) => {
            generated::write(&project.directory.join(CONTRACT), contract.wit.as_bytes())?
        }
        None => generated::remove(&project.directory.join(CONTRACT))?,
    }
    let mut sdk = embedded::sdk(project.language);
    if project.language == Language::Rust {
        sdk = rust::sdk(sdk);
    }
    generated::fill(&root.join("sdk"), &sdk)?;
    let types = match (project.language, contract) {
        (Language::TypeScript | Language::JavaScript, Some(contract)) => js::types(contract),
        (Language::Python, Some(contract)) => python::types(contract),
        (Language::Go, Some(contract)) => go::types(contract),
        _ => Files::new(),
    };
    generated::fill(&project.directory.join(TYPES), &types)?;
    let out = project.directory.join(OUT);
    std::fs::create_dir_all(&out).map_err(Error::system("cannot create", &out))
}
