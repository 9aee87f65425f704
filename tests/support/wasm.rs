//! Guests and plugins, compiled to Wasm when a test first asks for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// A guest of `tests/guests/examples`.
pub(crate) fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&["-p", "guests", "--examples"]));
    found(&release().join("examples"), name)
}

/// A plugin of `plugins/`.
pub(crate) fn plugin(name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .entry(name.to_owned())
        .or_insert_with(|| {
            cargo(&["-p", name]);
            found(&release(), name)
        })
        .clone()
}

/// The target directory of this very build.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_runner"))
        .ancestors()
        .nth(2)
        .expect("target/<profile>/runner")
}

fn release() -> PathBuf {
    target().join("wasm32-wasip2/plugin")
}

fn cargo(packages: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--quiet", "--locked", "--profile", "plugin"])
        .args(["--target", "wasm32-wasip2", "--target-dir"])
        .arg(target())
        .args(packages)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "cargo build {packages:?}: {status}");
}

/// Libraries are named with underscores, programs as in their manifest.
fn found(directory: &Path, name: &str) -> PathBuf {
    let as_library = directory.join(format!("{}.wasm", name.replace('-', "_")));
    let as_program = directory.join(format!("{name}.wasm"));
    [as_library, as_program]
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no guest {name:?} in {}", directory.display()))
}
