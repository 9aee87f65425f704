//! A plugin in C, from `runner new` on; its mistakes; the SDK's own test; and
//! docs/plugins-c.md.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{done, setup, shown, write};
use crate::support::Setup;

/// Compile with the machine's own compiler, and run.
#[track_caller]
fn runs(directory: &Path, sources: &[PathBuf], headers: &[PathBuf]) {
    let program = directory.join("test-program");
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]);
    for header in headers {
        cc.arg("-I").arg(header);
    }
    let compiled = cc.args(sources).arg("-o").arg(&program).output().unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
    let ran = Command::new(&program).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// The unit test of a project that was built.
#[track_caller]
fn tested(setup: &Setup, project: &str) {
    let at = |name: &str| setup.path(&format!("{project}/{name}"));
    let sources = [
        "src/plugin.c",
        "tests/test.c",
        ".runner/sdk/runner.c",
        ".runner/sdk/json.c",
    ];
    let headers = [".runner/sdk", ".runner/out/bindings"];
    runs(&at(""), &sources.map(at), &headers.map(at));
}

#[test]
fn a_new_project_builds_runs_and_passes_its_tests() {
    let setup = setup("");
    let told = done(&setup, &["new", "greeter", "--lang", "c"]);
    assert!(told.contains("created greeter: C"), "{told}");
    let told = done(&setup, &["build", "greeter"]);
    assert!(told.starts_with("built greeter: C, "), "{told}");
    let run = ["run", "greeter", "@greeter/job.json", "--name", "hello"];
    assert_eq!(done(&setup, &run), "{\"greeting\":\"hello Ada\"}\n");
    let told = done(&setup, &["test", "greeter/cases.toml"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    tested(&setup, "greeter");
    // The SDK's own.
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/c");
    let bindings = setup.path("greeter/.runner/out/bindings");
    for test in ["tests/test.c", "tests/reach.c"] {
        let sources = [test, "runner.c", "json.c", "reach.c"].map(|name| sdk.join(name));
        runs(&setup.path(""), &sources, &[sdk.clone(), bindings.clone()]);
    }
}

const CONTRACT: &str = "package acme:mail@1.0.0;\n\ninterface mails {\n  \
    use runner:plugin/outcome@0.1.0.{failure};\n  record mail { to: string, copies: option<u32> }\n  \
    record receipt { id: string }\n  /// Send it.\n  send: func(mail: mail) -> \
    result<receipt, failure>;\n  ping: func();\n}\n";

fn with_contract() -> Setup {
    let setup = setup("[queues.mails]\nplugin = \"mailer\"\ncontract = \"acme:mail/mails\"\n");
    write(&setup, "wit/mail.wit", CONTRACT);
    let new = ["new", "mailer", "--lang", "c"];
    done(
        &setup,
        &[&new[..], &["--contract", "acme:mail/mails"]].concat(),
    );
    setup
}

#[test]
fn a_project_with_a_contract_has_its_functions_and_no_longer_compiles_when_it_changes() {
    let setup = with_contract();
    done(&setup, &["build", "mailer"]);
    let told = done(&setup, &["test", "mailer/cases.toml"]);
    assert!(told.starts_with("ok a job is refused"), "{told}");

    write(
        &setup,
        "wit/mail.wit",
        &CONTRACT.replace("receipt", "proof"),
    );
    let ended = setup.cli(&["build", "mailer"]);
    assert_eq!(ended.code, Some(1), "{}", shown(&ended));
    assert!(ended.stderr.contains("receipt_t"), "{}", shown(&ended));
}

#[test]
fn mistakes_in_the_manifest_say_what_to_write() {
    let setup = setup("");
    done(&setup, &["new", "greeter", "--lang", "c"]);
    for (manifest, message) in [
        (
            "language = \"c\"\n",
            "say what to compile, sources = [\"src/*.c\"]",
        ),
        (
            "language = \"c\"\nsources = [\"source/*.c\"]\n",
            "no file is \"source/*.c\" of `sources`",
        ),
    ] {
        write(&setup, "greeter/plugin.toml", manifest);
        let ended = setup.cli(&["build", "greeter"]);
        assert_ne!(ended.code, Some(0), "{}", shown(&ended));
        let said = ended.stderr.trim_end();
        assert!(said.ends_with(message), "{said}");
        assert!(said.contains("plugin.toml"), "{said}");
    }
}

#[test]
fn the_guide_leads_to_a_running_job() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins-c.md");
    let page = std::fs::read_to_string(page).unwrap();
    let setup = setup(
        "[queues.forecasts]\nplugin = \"weather\"\n\n\
         [plugins.weather]\nsource = \"weather\"\nhttp = [\"https://api.example.com\"]\n",
    );
    done(&setup, &["new", "weather", "--lang", "c"]);
    let blocks: Vec<&str> = page
        .split("```c\n")
        .skip(1)
        .map(|part| part.split("```").next().unwrap())
        .collect();
    let [handler, test, others @ .., typed] = &blocks[..] else {
        panic!("{} blocks", blocks.len());
    };
    assert!(handler.starts_with("// src/plugin.c\n"), "{handler}");
    assert!(test.starts_with("// tests/test.c\n"), "{test}");
    write(&setup, "weather/src/plugin.c", handler);
    write(&setup, "weather/tests/test.c", test);
    write(
        &setup,
        "weather/cases.toml",
        "plugin = \"weather\"\n\n[[case]]\nname = \"the weather\"\njob = \"forecast\"\n\
         data = { city = \"Oslo\" }\nreply = [{ host = \"api.example.com\", body = \"rain\" }]\n\
         expect = { outcome = \"completed\", result = \"rain\" }\n",
    );
    done(&setup, &["build", "weather"]);
    tested(&setup, "weather");
    done(&setup, &["test", "weather/cases.toml"]);
    assert_eq!(others.len(), 3);
    for other in others {
        write(&setup, "weather/src/plugin.c", other);
        done(&setup, &["build", "weather"]);
    }
    let mailer = with_contract();
    write(
        &mailer,
        "wit/mail.wit",
        &CONTRACT.replace("  ping: func();\n", ""),
    );
    write(&mailer, "mailer/src/plugin.c", typed);
    done(&mailer, &["build", "mailer"]);
}
