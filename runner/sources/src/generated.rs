//! `.runner`: what Runner writes into a project, anew for each build. A file is written
//! only when it differs, so that compilers which go by times have nothing to do.
//!
//! - `.runner/wit/runner`: the host API; `.runner/wit/contract.wit`: the contract, with
//!   the world `runner:project/contract` that exports it
//! - `.runner/sdk`: the SDK of the project's language
//! - `.runner/types`: what is generated from the contract
//! - `.runner/out`: what tools make on the way
//!
//! For the crate. Knows names of files; [`prepare`](super::prepare) fills them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::Error;

/// The directory in a project.
pub(crate) const DIRECTORY: &str = ".runner";
/// The host API in it.
pub(crate) const WIT: &str = ".runner/wit/runner";
/// The contract in it.
pub(crate) const CONTRACT: &str = ".runner/wit/contract.wit";
/// For what tools make on the way.
pub(crate) const OUT: &str = ".runner/out";
/// For what is generated from the contract.
pub(crate) const TYPES: &str = ".runner/types";

/// Files by their path.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Write a file, if it is not this already.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    if std::fs::read(path).is_ok_and(|now| now == content) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(Error::system("cannot create", directory))?;
    std::fs::write(path, content).map_err(Error::system("cannot write", path))
}

/// Make a directory hold these files and no others.
pub(crate) fn fill(directory: &Path, files: &Files) -> Result<(), Error> {
    for (path, content) in files {
        write(&directory.join(path), content)?;
    }
    for path in list(directory) {
        let within = path.strip_prefix(directory).unwrap_or(&path);
        // What Python compiles on its way stays beside its source.
        let is_compiled = within.iter().any(|part| part == "__pycache__");
        if !files.contains_key(within) && !is_compiled {
            remove(&path)?;
        }
    }
    Ok(())
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type().is_ok_and(|of| of.is_dir()) {
            true => found.extend(list(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

/// Remove a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::system("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_filled_and_what_is_the_same_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("old")).unwrap();
        std::fs::write(at("old/c"), "c").unwrap();
        std::fs::write(at("a"), "a").unwrap();
        let before = at("a").metadata().unwrap().modified().unwrap();
        let files = Files::from([("a".into(), b"a".to_vec()), ("new/b".into(), b"b".to_vec())]);
        fill(directory.path(), &files).unwrap();
        assert_eq!(at("a").metadata().unwrap().modified().unwrap(), before);
        assert_eq!(std::fs::read(at("new/b")).unwrap(), b"b");
        assert!(!at("old/c").exists());
    }
}
