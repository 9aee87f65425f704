//! A plugin in Go, from `runner new` on; its mistakes; and docs/plugins-go.md.

use std::path::Path;
use std::process::Command;

use super::rust::CONTRACT;
use super::{done, refused, setup, shown, write};
use crate::support::{Setup, tool};

/// `go test` in a project.
#[track_caller]
fn tested(setup: &Setup, project: &str) {
    let mut go = Command::new(tool("go"));
    go.current_dir(setup.path(project)).env("GOPROXY", "off");
    let output = go.args(["test", "."]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_sdk_is_formatted_vetted_and_passes_its_tests() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/go");
    let go = |program: &Path, arguments: &[&str], target: &[(&str, &str)]| {
        let mut command = Command::new(program);
        command
            .current_dir(&sdk)
            .args(arguments)
            .env("GOPROXY", "off");
        let output = command.envs(target.iter().copied()).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        told
    };
    let root = go(&tool("go"), &["env", "GOROOT"], &[]);
    let gofmt = Path::new(root.trim()).join("bin/gofmt");
    assert_eq!(go(&gofmt, &["-l", "."], &[]), "");
    let wasm = [("GOOS", "wasip1"), ("GOARCH", "wasm")];
    go(&tool("go"), &["vet", "-tags=runnerhttp", "./..."], &wasm);
    go(&tool("go"), &["test", "./..."], &[]);
}

#[test]
fn a_new_module_builds_runs_and_passes_its_tests() {
    let setup = setup("");
    let told = done(&setup, &["new", "greeter", "--lang", "go"]);
    assert!(told.contains("created greeter: Go"), "{told}");
    let told = done(&setup, &["build", "greeter"]);
    assert!(told.starts_with("built greeter: Go, "), "{told}");
    let run = ["run", "greeter", "@greeter/job.json", "--name", "hello"];
    assert_eq!(done(&setup, &run), "{\"greeting\":\"hello Ada\"}\n");
    let told = done(&setup, &["test", "greeter/cases.toml"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    tested(&setup, "greeter");
}

/// A function whose result is a slice.
const MORE: &str = "\n  two-texts: func(a: string, b: list<string>) -> list<u8>;\n}\n";

#[test]
fn a_module_with_a_contract_no_longer_compiles_when_the_contract_changes() {
    let setup = setup("[queues.mails]\nplugin = \"mailer\"\ncontract = \"acme:mail/mails\"\n");
    let mails = CONTRACT.replace("\n}\n", MORE);
    write(&setup, "wit/mail.wit", &mails);
    let contract = ["--contract", "acme:mail/mails"];
    done(
        &setup,
        &[&["new", "mailer", "--lang", "go"], &contract[..]].concat(),
    );
    done(&setup, &["build", "mailer"]);
    let told = done(&setup, &["test", "mailer/cases.toml"]);
    assert!(told.starts_with("ok a job is refused"), "{told}");
    tested(&setup, "mailer");

    // A slice that is nil is no null.
    let main = std::fs::read_to_string(setup.path("mailer/main.go")).unwrap();
    let main = main.replace(
        "return result, runner.Reject(\"not written yet: two-texts\")",
        "return result, nil",
    );
    write(&setup, "mailer/main.go", &main);
    done(&setup, &["build", "mailer"]);
    let data = r#"{"a":"x","b":[]}"#;
    let run = ["run", "mailer", data, "--name", "two-texts"];
    assert_eq!(done(&setup, &run), "\"\"\n");

    write(
        &setup,
        "wit/mail.wit",
        &mails.replace("send: ", "deliver: "),
    );
    let ended = setup.cli(&["build", "mailer"]);
    assert_eq!(ended.code, Some(1), "{}", shown(&ended));
    assert!(
        ended.stderr.contains("missing method Deliver"),
        "{}",
        shown(&ended)
    );
}

const MODULE: &str = "module odd\n\ngo 1.26\n\nrequire runner.dev/sdk v0.0.0\n\n\
                      replace runner.dev/sdk => ./.runner/sdk\n";

#[test]
fn what_is_no_plugin_in_go_is_told_with_the_way_out() {
    let setup = setup("");
    write(&setup, "odd/plugin.toml", "language = \"go\"\n");
    let build = ["build", "odd"];
    let no_module = "error: odd/plugin.toml: the language is Go, but there is no go.mod";
    refused(&setup, &build, 2, no_module);
    write(&setup, "odd/go.mod", MODULE);
    let no_handler = "error: odd has no handler: import \"runner.dev/sdk\", and call \
                      runner.Handle in the function main";
    for (main, code, message) in [
        (
            "package odd\n",
            2,
            "error: odd is package odd: a plugin is a program, package main, whose function \
             main calls runner.Handle",
        ),
        ("package main\n\nfunc main() {}\n", 2, no_handler),
        (
            "package main\n\nimport \"runner.dev/sdk\"\n\nvar _ runner.Job\n\nfunc main() {}\n",
            2,
            no_handler,
        ),
        (
            "package main\n\nfunc main() { undefined() }\n",
            1,
            "error: go build failed (exit status: 1)",
        ),
        (
            "package main\n\nimport _ \"example.com/missing\"\n\nfunc main() {}\n",
            1,
            "error: go list failed (exit status: 1)",
        ),
    ] {
        write(&setup, "odd/main.go", main);
        refused(&setup, &build, code, message);
    }
    // What Go says is shown as it is.
    write(
        &setup,
        "odd/main.go",
        "package main\n\nfunc main() { undefined() }\n",
    );
    let ended = setup.cli(&build);
    let said = "./main.go:3:15: undefined: undefined\n";
    assert!(ended.stderr.contains(said), "{}", shown(&ended));
}

/// Each block of Go on a page is a file: one that begins with a comment has that name,
/// any other is a test.
fn blocks(page: &str) -> Vec<(String, String)> {
    let parts = page.split("```go\n").skip(1);
    let parts = parts.map(|part| part.split("```").next().unwrap());
    parts
        .map(|text| {
            let named = text
                .strip_prefix("// ")
                .and_then(|rest| rest.split_once('\n'));
            let (name, text) = named.unwrap_or(("main_test.go", text));
            (name.to_owned(), text.to_owned())
        })
        .collect()
}

#[test]
fn the_guide_leads_to_a_running_job() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins-go.md");
    let page = std::fs::read_to_string(page).unwrap();
    let setup = setup(
        "[queues.forecasts]\nplugin = \"weather\"\n\n\
         [plugins.weather]\nsource = \"weather\"\nhttp = [\"https://api.example.com\"]\n",
    );
    let shown = page.split("```toml\n").nth(1).unwrap();
    assert!(
        shown.starts_with("[queues.forecasts]\nplugin = \"weather\"\n"),
        "{shown}"
    );
    done(&setup, &["new", "weather", "--lang", "go"]);
    done(&setup, &["build", "weather"]);
    let (files, tests): (Vec<_>, Vec<_>) = blocks(&page)
        .into_iter()
        .enumerate()
        .partition(|(at, _)| *at < 2);
    for (_, (name, text)) in files {
        write(&setup, &format!("weather/{name}"), &text);
    }
    tested(&setup, "weather");
    write(
        &setup,
        "weather/cases.toml",
        "plugin = \"weather\"\n\n[[case]]\nname = \"the weather\"\njob = \"forecast\"\n\
         data = { city = \"Oslo\" }\nreply = [{ host = \"api.example.com\", body = \"rain\" }]\n\
         expect = { outcome = \"completed\", result = \"rain\" }\n",
    );
    done(&setup, &["build", "weather"]);
    done(&setup, &["test", "weather/cases.toml"]);
    // The other blocks are programs in which only the tests are called.
    assert_eq!(tests.len(), 4);
    for (at, (_, text)) in tests {
        let project = format!("block{at}");
        let module = MODULE.replace("./.runner", "../weather/.runner");
        write(&setup, &format!("{project}/go.mod"), &module);
        write(&setup, &format!("{project}/main_test.go"), &text);
        write(
            &setup,
            &format!("{project}/main.go"),
            "package main\n\nfunc main() {}\n",
        );
        tested(&setup, &project);
    }
}
