//! A plugin in Rust, from `runner new` on.

use super::{done, refused, setup, shown};

#[test]
fn a_new_crate_builds_runs_and_passes_its_tests() {
    let setup = setup("");
    let told = done(&setup, &["new", "greeter", "--lang", "rust"]);
    for part in [
        "created greeter: Rust",
        "  greeter/src/lib.rs",
        "  runner run greeter @greeter/job.json --name hello",
        "  [plugins.greeter]\n  source = \"greeter\"",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    let told = done(&setup, &["build", "greeter"]);
    assert!(told.starts_with("built greeter: Rust, "), "{told}");
    assert!(told.contains(", plugins/greeter.wasm\n"), "{told}");
    let run = ["run", "greeter", "@greeter/job.json", "--name", "hello"];
    assert_eq!(done(&setup, &run), "{\"greeting\":\"hello Ada\"}\n");
    let told = done(&setup, &["test", "greeter/cases.toml"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    // Its own tests run on this machine.
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--manifest-path"]);
    let tested = cargo
        .arg(setup.path("greeter/Cargo.toml"))
        .arg("--target-dir")
        .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/crates"))
        .output()
        .unwrap();
    assert!(tested.status.success(), "{tested:?}");
}

pub(super) const CONTRACT: &str = "package acme:mail@1.0.0;\n\ninterface mails {\n  \
    use runner:plugin/outcome@0.1.0.{failure};\n  record mail { to: string, copies: option<u32> }\n  \
    record receipt { id: string }\n  /// Send it.\n  send: func(mail: mail) -> \
    result<receipt, failure>;\n}\n";

#[test]
fn a_crate_with_a_contract_is_built_again_when_the_contract_changes() {
    let setup = setup("");
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/mail.wit"), CONTRACT).unwrap();
    let new = [
        "new",
        "mailer",
        "--lang",
        "rust",
        "--contract",
        "acme:mail/mails",
    ];
    let told = done(&setup, &new);
    assert!(
        told.contains("  contract = \"acme:mail/mails\"\n"),
        "{told}"
    );
    done(&setup, &["build", "mailer"]);
    let told = done(&setup, &["test", "mailer/cases.toml"]);
    assert!(told.starts_with("ok a job is refused"), "{told}");

    // What the handler does not name may come and go.
    let before = std::fs::read(setup.path("plugins/mailer.wasm")).unwrap();
    let more = CONTRACT.replace("to: string,", "to: string, subject: string,");
    std::fs::write(setup.path("wit/mail.wit"), more).unwrap();
    done(&setup, &["build", "mailer"]);
    let after = std::fs::read(setup.path("plugins/mailer.wasm")).unwrap();
    assert_ne!(before, after);
    // What it does is missed by its compiler, and the version that is there stays.
    let other = CONTRACT.replace("send: func", "deliver: func");
    std::fs::write(setup.path("wit/mail.wit"), other).unwrap();
    refused(
        &setup,
        &["build", "mailer"],
        1,
        "error: cargo build failed (exit status: 101)",
    );
    let ended = setup.cli(&["build", "mailer"]);
    assert!(
        ended
            .stderr
            .contains("method `send` is not a member of trait"),
        "{}",
        shown(&ended)
    );
    assert_eq!(
        std::fs::read(setup.path("plugins/mailer.wasm")).unwrap(),
        after
    );
}
