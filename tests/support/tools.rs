//! The compilers of other languages, which `tests/setup-languages` installs into
//! `target/tools`, and `openssl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program of theirs: there, in the directories of `RUNNER_TOOLS`, or on the PATH.
#[track_caller]
pub(crate) fn tool(name: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin");
    let listed = ["RUNNER_TOOLS", "PATH"].map(|name| super::env(name).unwrap_or_default());
    let listed = listed.iter().flat_map(std::env::split_paths);
    let found = std::iter::once(own)
        .chain(listed)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run tests/setup-languages"))
}

/// A file of a Python package that `tests/setup-languages` installs.
#[track_caller]
pub(crate) fn packaged(path: &str) -> PathBuf {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/lib");
    let pythons = lib.read_dir().into_iter().flatten().filter_map(Result::ok);
    let found = pythons
        .map(|python| python.path().join("site-packages").join(path))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{path} is missing: run tests/setup-languages"))
}

/// What `openssl` says, run in this directory.
#[track_caller]
pub(crate) fn openssl(directory: &Path, words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(words)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {words:?}: {said}");
    output.stdout
}
