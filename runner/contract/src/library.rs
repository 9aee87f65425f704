//! Contracts from WIT files.
//!
//! A file with a `package` line of its own is one package; the files of a
//! directory without are one together. They may use the host's package
//! `runner:plugin`, which is built in, and each other's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wit_parser::{Resolve, UnresolvedPackageGroup};

use super::interface::{self, Interface, unversioned};

/// The host's package: the files of `wit/runner`, by name.
pub const HOST: [(&str, &str); 13] = [
    ("worlds.wit", include_str!("../../../wit/runner/worlds.wit")),
    ("blobs.wit", include_str!("../../../wit/runner/blobs.wit")),
    (
        "checkpoint.wit",
        include_str!("../../../wit/runner/checkpoint.wit"),
    ),
    ("config.wit", include_str!("../../../wit/runner/config.wit")),
    (
        "handler.wit",
        include_str!("../../../wit/runner/handler.wit"),
    ),
    ("http.wit", include_str!("../../../wit/runner/http.wit")),
    ("job.wit", include_str!("../../../wit/runner/job.wit")),
    ("kv.wit", include_str!("../../../wit/runner/kv.wit")),
    ("log.wit", include_str!("../../../wit/runner/log.wit")),
    (
        "outcome.wit",
        include_str!("../../../wit/runner/outcome.wit"),
    ),
    (
        "progress.wit",
        include_str!("../../../wit/runner/progress.wit"),
    ),
    ("queue.wit", include_str!("../../../wit/runner/queue.wit")),
    ("sql.wit", include_str!("../../../wit/runner/sql.wit")),
];

/// All contracts of a directory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// By id, with version.
    interfaces: BTreeMap<String, Arc<Interface>>,
    /// Interfaces that cannot be contracts, and why.
    unfit: BTreeMap<String, String>,
}

impl Library {
    /// Read all `*.wit` in the directory and below, each file once however many
    /// links lead to it, and without names that begin with a dot: Kubernetes mounts
    /// a volume with all its files a second and third time under such. A directory
    /// that does not exist has none.
    ///
    /// # Errors
    /// The first mistake of the files, with file, line and column.
    pub fn read(directory: &Path) -> Result<Library, String> {
        let resolve = resolve(directory, "package runner:contracts;")?;
        let mut library = Library::default();
        for (id, of) in resolve.interfaces.iter() {
            let package = of.package.map(|package| &resolve.packages[package].name);
            if package.is_none_or(interface::is_host) {
                continue;
            }
            let Some(name) = resolve.id_of(id).filter(|_| !of.functions.is_empty()) else {
                continue;
            };
            match interface::read(&resolve, id) {
                Ok(interface) => {
                    library.interfaces.insert(name, Arc::new(interface));
                }
                Err(reason) => {
                    library.unfit.insert(name, reason);
                }
            }
        }
        Ok(library)
    }

    /// The contract of this id; without a version the newest.
    ///
    /// # Errors
    /// Why it cannot be a contract.
    pub fn get(&self, id: &str) -> Result<Option<&Arc<Interface>>, &str> {
        let named = |known: &str| known == id || unversioned(known) == id;
        if let Some((_, reason)) = self.unfit.iter().find(|(known, _)| named(known)) {
            return Err(reason);
        }
        let found = self.interfaces.iter().filter(|(known, _)| named(known));
        Ok(found
            .max_by_key(|(known, _)| version(known))
            .map(|(_, of)| of))
    }

    /// The ids of all, with version.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.interfaces.keys().map(String::as_str)
    }
}

/// Numbers compare as numbers.
fn version(id: &str) -> Vec<u64> {
    let version = id.split_once('@').map_or("", |(_, version)| version);
    let parts = version.split(['.', '-', '+']);
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

/// All packages of a directory, the host's, and this one, which may use them all.
pub(super) fn resolve(directory: &Path, package: &str) -> Result<Resolve, String> {
    let mut groups = Vec::new();
    packages(directory, &mut BTreeSet::new(), &mut groups)?;
    let mut host = wit_parser::SourceMap::default();
    for (name, text) in HOST {
        host.push_str(name, text);
    }
    groups.push(host.parse().map_err(|(map, error)| error.render(&map))?);
    let main =
        UnresolvedPackageGroup::parse("", package).map_err(|(map, error)| error.render(&map))?;
    let mut resolve = Resolve::default();
    // As its dependencies they are brought into an order.
    match resolve.push_groups(main, groups) {
        Ok(_) => Ok(resolve),
        Err(error) => Err(resolve.render_error(&error.into())),
    }
}

fn packages(
    directory: &Path,
    been: &mut BTreeSet<PathBuf>,
    groups: &mut Vec<UnresolvedPackageGroup>,
) -> Result<(), String> {
    let unreadable =
        |error: std::io::Error| format!("cannot read {}: {error}", directory.display());
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    paths.sort();
    let mut parts = Vec::new();
    for path in paths {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let is_wit = path.extension().is_some_and(|extension| extension == "wit");
        // Hidden, as what editors and mounts keep beside the files.
        let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        if path.file_name().is_some_and(is_hidden)
            || !(is_wit || real.is_dir())
            || !been.insert(real)
        {
            continue;
        }
        if path.is_dir() {
            packages(&path, been, groups)?;
            continue;
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        parts.push((path, text));
    }
    let names_package = |text: &str| text.lines().any(|line| line.starts_with("package "));
    let together = parts.iter().any(|(_, text)| !names_package(text));
    let maps: Vec<wit_parser::SourceMap> = match together {
        true => vec![source_map(&parts)],
        false => parts.chunks(1).map(source_map).collect(),
    };
    for map in maps {
        let group = map.parse().map_err(|(map, error)| error.render(&map))?;
        // The host's own is built in.
        let name = &group.main.name;
        if !interface::is_host(name) {
            groups.push(group);
        }
    }
    Ok(())
}

fn source_map(parts: &[(PathBuf, String)]) -> wit_parser::SourceMap {
    let mut map = wit_parser::SourceMap::default();
    for (path, text) in parts {
        map.push(path, text.clone());
    }
    map
}
