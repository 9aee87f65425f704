//! How the source is laid out, kept true: who may import whom, how large a folder, a file
//! and a function may grow, and that no guest lies about without a test. What is allowed
//! is written once, in `docs/arrows.toml`; this reads it and the source, and runs nothing.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(missing_docs, reason = "the names of tests say what they show")]

mod allowed;
mod circles;
mod guests;
mod names;
mod rooms;
mod sizes;
mod tree;

use std::path::{Path, PathBuf};

/// A path from the root of the repository.
fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every file below `folder` that `wanted` takes, sorted, as paths from the root. What is
/// hidden, built or downloaded is left out, and templates, which are no Rust yet.
fn files(folder: &str, wanted: impl Fn(&str) -> bool + Copy) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(at(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if name.starts_with('.')
            || ["target", "node_modules", "__pycache__", "templates"].contains(&&*name)
        {
            continue;
        }
        if entry.path().is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Fail with everything that is wrong at once, one line each.
#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}
