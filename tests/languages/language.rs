//! The languages, and how each one's guest is built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use crate::support::{env, tool, wasm};

/// A language, and the engine or door where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    Rust,
    QuickJs,
    StarlingMonkey,
    Python,
    Go,
    C,
    Command,
}

impl Language {
    pub(crate) const ALL: [Language; 7] = [
        Language::Rust,
        Language::QuickJs,
        Language::StarlingMonkey,
        Language::Python,
        Language::Go,
        Language::C,
        Language::Command,
    ];

    /// As people read it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::QuickJs => "TypeScript, QuickJS",
            Language::StarlingMonkey => "TypeScript, StarlingMonkey",
            Language::Python => "Python",
            Language::Go => "Go",
            Language::C => "C",
            Language::Command => "command door (C)",
        }
    }

    /// The tool that builds it, of the version that is tested.
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Language::Rust => "cargo, Rust 1.95",
            Language::QuickJs => "componentize-qjs, Node.js 20 or newer",
            Language::StarlingMonkey => "componentize-js, Node.js 20 or newer",
            Language::Python => "componentize-py 0.25.1",
            Language::Go => "Go 1.27.3",
            Language::C | Language::Command => "zig cc 0.17.1",
        }
    }

    /// The folder of its guest.
    fn folder(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::QuickJs | Language::StarlingMonkey => "ts",
            Language::Python => "python",
            Language::Go => "go",
            Language::C => "c",
            Language::Command => "command",
        }
    }

    /// The end of the name of the source file that a frame names.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Language::Rust => "ends.rs",
            Language::QuickJs | Language::StarlingMonkey => ".ts",
            Language::Python => ".py",
            Language::Go => ".go",
            Language::C | Language::Command => ".c",
        }
    }

    /// What the component of its guest takes at most, in kilobytes.
    pub(crate) fn kilobytes(self) -> u64 {
        match self {
            Language::Rust => 400,
            Language::QuickJs => 3_500,
            Language::StarlingMonkey => 16_000,
            Language::Python => 26_000,
            Language::Go => 14_000,
            Language::C | Language::Command => 1_200,
        }
    }

    /// The least `memory` with which a small job runs, as the page prints it.
    pub(crate) fn memory(self) -> &'static str {
        match self {
            Language::Rust => "1536KiB",
            Language::QuickJs => "3MiB",
            Language::StarlingMonkey => "12MiB",
            Language::Python => "20MiB",
            Language::Go => "9MiB",
            Language::C => "1MiB",
            Language::Command => "1MiB",
        }
    }

    /// Its guest, compiled when a test first asks for it.
    pub(crate) fn guest(self) -> PathBuf {
        static BUILT: Mutex<BTreeMap<Language, PathBuf>> = Mutex::new(BTreeMap::new());
        if self == Language::Rust {
            return wasm::plugin("suite-rust");
        }
        let mut built = BUILT
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        built.entry(self).or_insert_with(|| self.build()).clone()
    }

    fn build(self) -> PathBuf {
        let folder = guests().join(self.folder());
        let out = wasm::target()
            .join("languages")
            .join(format!("{self:?}").to_lowercase());
        std::fs::create_dir_all(&out).expect("the target directory is writable");
        let stamp = out.join("stamp");
        let seen = fingerprint(&folder);
        if std::fs::read_to_string(&stamp).ok().as_ref() == Some(&seen) {
            return only(&out);
        }
        self.compile(&folder, &out);
        std::fs::write(&stamp, fingerprint(&folder)).expect("a writable directory");
        only(&out)
    }

    fn compile(self, folder: &Path, out: &Path) {
        if self == Language::Command {
            return program(folder, out);
        }
        // The tools of the tests, by tests/setup-languages; then those that the developer names.
        let own = root().join("target/tools/bin").display().to_string();
        let tools = [Some(own), env("RUNNER_TOOLS")].into_iter().flatten();
        let tools = tools.collect::<Vec<_>>().join(":");
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .arg("build")
            .arg(folder)
            .arg("--out")
            .arg(out)
            .env("RUNNER_TOOLS", tools);
        match self {
            Language::QuickJs => drop(command.args(["--engine", "quickjs"])),
            Language::StarlingMonkey => drop(command.args(["--engine", "starlingmonkey"])),
            _ => {}
        }
        if let ("ts", false) = (self.folder(), folder.join("node_modules").exists()) {
            npm_ci(folder);
        }
        let ended = command.output().expect("runner starts");
        assert!(
            ended.status.success(),
            "{command:?}:\n{}{}",
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr)
        );
    }
}

/// The component in a directory that holds one.
fn only(directory: &Path) -> PathBuf {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files = entries.map(|entry| entry.path());
    let component = files.find(|path| path.extension().is_some_and(|end| end == "wasm"));
    component.unwrap_or_else(|| panic!("no component in {}", directory.display()))
}

/// Compile a program as anybody would, without Runner.
fn program(folder: &Path, out: &Path) {
    let sdk = root().join("sdk/c");
    let mut command = Command::new(tool("python-zig"));
    command
        .args([
            "cc",
            "-target",
            "wasm32-wasi",
            "-Oz",
            "-gline-tables-only",
            "-UNDEBUG",
        ])
        .args(["-Wl,-z,stack-size=131072", "-I"])
        .args([&sdk, &folder.join("guest.c"), &sdk.join("json.c")])
        .arg("-o")
        .arg(out.join("guest.wasm"));
    let ended = command.output().expect("zig starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}:\n{said}");
}

fn npm_ci(folder: &Path) {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let status = Command::new("npm")
            .args(["ci", "--silent"])
            .current_dir(folder)
            .status();
        assert!(
            status.expect("npm starts").success(),
            "npm ci in {}",
            folder.display()
        );
    });
}

/// The guests' folder.
fn guests() -> PathBuf {
    root().join("tests/languages/guests")
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What a guest is built from: its own files, the SDKs, the host API and the contract, by
/// size and time.
fn fingerprint(folder: &Path) -> String {
    let mut files = Vec::new();
    for place in [
        folder,
        &root().join("sdk"),
        &root().join("wit/runner"),
        &root().join("tests/languages/wit"),
    ] {
        list(place, &mut files);
    }
    files.sort();
    files.join("\n")
}

fn list(folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || ["node_modules", "target", "__pycache__"].contains(&&*name) {
            continue;
        }
        match entry.metadata() {
            Ok(of) if of.is_dir() => list(&entry.path(), files),
            Ok(of) => files.push(format!(
                "{} {} {:?}",
                entry.path().display(),
                of.len(),
                of.modified().ok()
            )),
            Err(_) => {}
        }
    }
}
