//! A plugin's file may change in any way and at any time: jobs see one whole
//! version or another.

use std::path::Path;
use std::time::Duration;

use runner::config::Plugin;
use runner::outcome::Outcome;
use runner::plugin::{Plugins, Status};
use tempfile::TempDir;

use crate::support::sandbox::{self, NAME, Sandbox, config, host, job, plugins, timeout};
use crate::support::{guest, until};

const LONG: Duration = Duration::from_secs(50);

fn completed() -> Outcome {
    Outcome::Completed("null".into())
}

fn watched(name: &str) -> Sandbox {
    Sandbox::watched(&guest(name))
}

fn status(sandbox: &Sandbox) -> Status {
    sandbox.plugins.list().pop().unwrap()
}

/// Wait until another version than this serves.
fn swapped(sandbox: &Sandbox, from: &str) -> String {
    until("the swap", || sandbox.digest().filter(|now| now != from))
}

/// Why this file does not serve.
fn refusal(bytes: &[u8]) -> String {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("work.wasm");
    std::fs::write(&file, bytes).unwrap();
    let plugins = load(directory.path(), &file);
    assert!(plugins.get(NAME).is_none());
    plugins.list()[0].refusal.as_ref().unwrap().to_string()
}

fn load(directory: &Path, file: &Path) -> std::sync::Arc<Plugins> {
    let plugins = plugins(host(), directory);
    let plugin = Plugin {
        name: NAME.into(),
        file: file.to_owned(),
        ..Plugin::default()
    };
    plugins.configure(&config(directory, [plugin]));
    plugins
}

#[test]
fn a_job_in_flight_ends_on_the_version_it_began_with() {
    let sandbox = watched("faults");
    let old = sandbox.digest().unwrap();
    let running = sandbox.start(job("sleep", "3000"), timeout(LONG));
    until("its start", || running.attempt.ran.get());
    sandbox.install(&guest("noop"));
    let new = swapped(&sandbox, &old);
    assert!(running.runs());
    let next = sandbox.start(job("sleep", "60000"), timeout(LONG));
    assert_eq!(next.outcome(), completed(), "noop does not sleep");
    assert_eq!(running.outcome(), completed());
    let ran = |digest: &str| format!("work@{}", &digest[..12]);
    assert_eq!(running.attempt.ran.get(), Some(&ran(&old)));
    assert_eq!(next.attempt.ran.get(), Some(&ran(&new)));
}

#[test]
fn swaps_under_load_fail_no_job() {
    let sandbox = watched("noop");
    let mut serving = sandbox.digest().unwrap();
    let mut jobs = 0;
    for swap in 0..10 {
        sandbox.install(&guest(if swap % 2 == 0 { "faults" } else { "noop" }));
        serving = until("the swap", || {
            assert_eq!(sandbox.run("sleep", "0"), completed());
            jobs += 1;
            sandbox.digest().filter(|now| *now != serving)
        });
    }
    assert!(jobs >= 10, "{jobs}");
}

#[test]
fn a_file_that_does_not_fit_changes_nothing_but_the_status() {
    let sandbox = watched("noop");
    let serving = sandbox.digest();
    std::fs::write(sandbox.file(), "half of it").unwrap();
    let refusal = until("the refusal", || status(&sandbox).refusal);
    assert_eq!(
        refusal.to_string(),
        "this is not a WebAssembly file; was it written to the end?"
    );
    assert_eq!(sandbox.digest(), serving);
    assert_eq!(sandbox.run("any", "{}"), completed());
    // Copied over in place, as `cp` does.
    std::fs::copy(guest("faults"), sandbox.file()).unwrap();
    swapped(&sandbox, serving.as_deref().unwrap());
    assert_eq!(status(&sandbox).refusal, None);
}

#[test]
fn a_file_that_is_removed_keeps_serving() {
    let sandbox = watched("noop");
    std::fs::remove_file(sandbox.file()).unwrap();
    let refusal = until("the refusal", || status(&sandbox).refusal).to_string();
    assert!(
        refusal.starts_with("cannot read ") && refusal.contains("No such file"),
        "{refusal}"
    );
    assert_eq!(sandbox.run("any", "{}"), completed());
}

#[test]
fn a_core_module_is_refused_with_the_way_out() {
    assert_eq!(
        refusal(b"\0asm\x01\0\0\0"),
        "it is a core module without `_start`, so it is no command; it exports nothing. A command \
         has a main function and is built for wasm32-wasip1; a plugin with a handler is a \
         component, which `runner build` or `wasm-tools component new` makes"
    );
}

#[test]
fn a_component_without_the_handler_is_refused_by_name() {
    assert_eq!(
        refusal(b"\0asm\x0d\0\x01\0"),
        "it does not export \"runner:plugin/handler@0.1.0\", an interface of typed functions or \
         wasi:cli/run, which a command has; it exports nothing"
    );
}

#[test]
fn a_plugin_built_for_other_types_is_refused_before_it_takes_a_job() {
    let bytes = std::fs::read(guest("outdated")).unwrap();
    assert_eq!(
        refusal(&bytes),
        "its handler was built against different types: expected record of 12 fields, found 1 \
         fields; rebuild it with this version's runner-sdk or wit/runner"
    );
}

#[test]
fn an_import_the_host_does_not_offer_is_named() {
    let bytes = std::fs::read(guest("noop")).unwrap();
    let (known, unknown) = (b"wasi:cli/environment@", b"wasi:cli/environmend@");
    let mut changed = bytes.clone();
    for at in 0..bytes.len() - known.len() {
        if bytes[at..].starts_with(known) {
            changed[at..at + known.len()].copy_from_slice(unknown);
        }
    }
    assert_ne!(bytes, changed);
    let refusal = refusal(&changed);
    assert!(
        refusal.starts_with("it imports \"wasi:cli/environmend@0.2.")
            && refusal.ends_with(
                "\", which is not offered; did you mean \"wasi:cli/environment@0.2.12\"?"
            ),
        "{refusal}"
    );
}

#[test]
fn damaged_components_are_refused_and_never_bring_the_process_down() {
    let bytes = std::fs::read(guest("noop")).unwrap();
    let directory = TempDir::new().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut plugins = Vec::new();
    let mut damaged = |name: String, bytes: &[u8]| {
        let file = directory.path().join(&name);
        std::fs::write(&file, bytes).unwrap();
        plugins.push(Plugin {
            name,
            file,
            ..Plugin::default()
        });
    };
    for n in 0..24 {
        damaged(format!("cut-{n}"), &bytes[..bytes.len() * n / 24]);
    }
    for n in 0..24 {
        let mut flipped = bytes.clone();
        let at = random.usize(..flipped.len());
        flipped[at] ^= 1 << (n % 8);
        damaged(format!("flip-{n}"), &flipped);
    }
    let served = sandbox::plugins(host(), directory.path());
    served.configure(&config(directory.path(), plugins));
    for status in served.list() {
        // A flipped bit may hit a name or a constant and leave a valid component.
        let refused = status.refusal.is_some();
        assert!(refused || status.name.starts_with("flip"), "{status:?}");
        assert_ne!(refused, status.serving.is_some(), "{status:?}");
    }
}

#[test]
fn compiled_code_is_kept_and_trusted_only_when_genuine() {
    let directory = TempDir::new().unwrap();
    let cached = || {
        let plugins = load(directory.path(), &guest("noop"));
        plugins.get(NAME).unwrap().cached
    };
    assert!(!cached());
    assert!(cached());
    let artifacts = directory.path().join("cache/compiled");
    let artifact = std::fs::read_dir(artifacts).unwrap().next().unwrap();
    let artifact = artifact.unwrap().path();
    let mut code = std::fs::read(&artifact).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    std::fs::write(&artifact, code).unwrap();
    assert!(!cached(), "a tampered file was trusted");
    assert!(cached(), "a tampered file was not replaced");
}

#[test]
fn a_cache_that_others_could_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let cache = directory.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, PermissionsExt::from_mode(0o777)).unwrap();
    for _ in 0..2 {
        let plugins = load(directory.path(), &guest("noop"));
        assert!(!plugins.get(NAME).unwrap().cached);
    }
}
