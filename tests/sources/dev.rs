//! `runner dev` and `runner build --watch`: from saving a file to the next job. The
//! compiler is a script, so that it takes no time.

use std::os::unix::fs::PermissionsExt;

use super::{done, setup};
use crate::support::{Redis, Setup, guest, until};

/// A crate whose cargo gives out the guest that `src/lib.rs` names.
fn project(setup: &Setup, names: &str) {
    let at = |path: &str| setup.path("work").join(path);
    for directory in [".venv/bin", "src"] {
        std::fs::create_dir_all(at(directory)).unwrap();
    }
    std::fs::write(at("Cargo.toml"), "[package]\nname = \"work\"\n").unwrap();
    let guests = guest("echo").parent().unwrap().display().to_string();
    let manifest = at("Cargo.toml").canonicalize().unwrap();
    let script = format!(
        "#!/bin/sh\n\
         if [ \"$1\" = --version ]; then echo cargo 1.99.0; exit; fi\n\
         name=$(cat src/lib.rs)\n\
         if [ ! -e {guests}/$name.wasm ]; then echo \"error[E0425]: $name\" >&2; exit 101; fi\n\
         echo '{{\"reason\":\"compiler-artifact\",\"manifest_path\":{manifest:?},\
         \"filenames\":[\"{guests}/'$name'.wasm\"]}}'\n"
    );
    std::fs::write(at(".venv/bin/cargo"), script).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(at(".venv/bin/cargo"), executable).unwrap();
    save(setup, names);
}

fn save(setup: &Setup, names: &str) {
    std::fs::write(setup.path("work/src/lib.rs"), names).unwrap();
}

const TOML: &str = "[queues.work]\nplugin = \"work\"\n[plugins.work]\nsource = \"work\"\n";

#[test]
fn a_source_is_built_when_it_changes_and_a_failed_build_keeps_the_version() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TOML);
    project(&setup, "echo");
    let url = redis.url();
    let dev = setup.spawn(&["dev", "--redis", &url]);
    // What was never built is built first: there is no complaint about the file.
    dev.until_ready();
    assert!(!dev.log().iter().any(|line| line.contains("refused")));
    let job = |data: &str| done(&setup, &["add", "work", "x", data, "--wait"]);
    assert_eq!(job("{\"result\":1}"), "{\"result\":1}\n");

    save(&setup, "scripted");
    until("the new version", || {
        (job("{\"result\":1}") == "1\n").then_some(())
    });

    save(&setup, "broken");
    let line = dev.until_logged("plugin not built");
    assert!(
        line.contains("cargo build failed (exit status: 101)"),
        "{line}"
    );
    assert!(line.contains("\"serving\":\"work@"), "{line}");
    dev.until_logged("error[E0425]: broken");
    assert_eq!(job("{\"result\":2}"), "2\n");

    let told = |text: &str| dev.log().iter().filter(|line| line.contains(text)).count();
    assert_eq!(told("plugin not built"), 1);
}

#[test]
fn a_source_that_is_newer_than_what_was_built_of_it_is_told() {
    let setup = setup(TOML);
    project(&setup, "echo");
    let warns = || {
        let ended = setup.cli(&["check"]);
        ended
            .stderr
            .contains("warning: plugin \"work\": its source")
    };
    assert!(warns());
    // All plugins that have a source.
    let told = done(&setup, &["build"]);
    assert!(told.starts_with("built work: Rust, "), "{told}");
    assert!(!warns());
    save(&setup, "scripted");
    assert!(warns());
    let told = done(&setup, &["build", "--json", "work", "--out", "other"]);
    let rows: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(rows[0]["plugin"], "work");
    assert_eq!(rows[0]["file"], "other/work.wasm");
    assert!(setup.path("other/work.wasm").exists());
}

#[test]
fn a_project_of_another_contract_than_its_queue_is_told() {
    let toml = TOML.replace(
        "plugin = \"work\"",
        "plugin = \"work\"\ncontract = \"a:b/c\"",
    );
    let setup = setup(&toml);
    project(&setup, "echo");
    std::fs::create_dir(setup.path("wit")).unwrap();
    let wit = "package a:b;\ninterface c { f: func(); }\ninterface d { f: func(); }\n";
    std::fs::write(setup.path("wit/b.wit"), wit).unwrap();
    let manifest = "contract = \"a:b/d\"\nwit = \"../wit\"\n";
    std::fs::write(setup.path("work/plugin.toml"), manifest).unwrap();
    let ended = setup.cli(&["build"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = "warning: plugin.toml names the contract \"a:b/d\", but the queue \"work\" has \
                \"a:b/c\"\n";
    assert!(ended.stderr.ends_with(told), "{ended:?}");
}

#[test]
fn build_watches_until_it_is_interrupted() {
    let setup = setup(TOML);
    project(&setup, "echo");
    let watching = setup.spawn(&["build", "--watch"]);
    let built = |name: &str| {
        let wanted = std::fs::read(guest(name)).unwrap();
        until(name, || {
            let now = std::fs::read(setup.path("plugins/work.wasm")).ok()?;
            (now == wanted).then_some(())
        });
    };
    built("echo");
    save(&setup, "broken");
    watching.until_logged("error: work: cargo build failed");
    save(&setup, "scripted");
    built("scripted");
}
