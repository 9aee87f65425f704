//! What the API says of itself: clients that are made of it, and requests by the
//! thousand that fit it or nearly do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::served;
use crate::support::{Redis, Runner, Setup, env, tool};

/// Requests per operation in a run of the suite; `make fuzz-api` sends far more.
const FEW: u32 = 3;

fn with_contracts(redis: &Redis) -> Setup {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    served(
        redis,
        &format!(
            "[runtime]\ncontracts = {wit:?}\n\
             [queues.document-processing]\ncontract = \"docs:jobs/document-processing\"\n\
             [queues.notifications]\ncontract = \"docs:jobs/notifications\"\n\
             [queues.plain]\n"
        ),
    )
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients")
}

/// The document, in a file of the setup.
#[track_caller]
fn document(setup: &Setup, runner: &Runner) -> Value {
    let answer = runner.api().get("/openapi.json");
    assert_eq!(answer.status, 200, "{}", answer.body);
    std::fs::write(setup.path("openapi.json"), answer.body.to_string()).unwrap();
    answer.body
}

/// What a command prints.
#[track_caller]
fn prints(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{said}");
    text
}

/// The operations of a document: method, path, and what they are.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let items = document["paths"].as_object().expect("paths");
    let operations = items.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("an item");
        let methods = methods.iter();
        methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    operations.collect()
}

#[test]
fn each_operation_has_a_name_a_role_and_words() {
    let redis = Redis::shared();
    let setup = with_contracts(&redis);
    let runner = setup.serve();
    let document = document(&setup, &runner);
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}: {operation}");
        let name = operation["operationId"].as_str().expect(&at);
        assert!(names.insert(name), "{name} twice: {at}");
        let role = operation["x-access"].as_str().expect(&at);
        assert!(
            ["open", "viewer", "operator", "admin"].contains(&role),
            "{at}"
        );
        assert!(operation["summary"].is_string(), "{at}");
        for (status, response) in operation["responses"].as_object().expect(&at) {
            assert!(response["description"].is_string(), "{status}: {at}");
        }
    }
}

#[test]
fn the_command_prints_what_the_server_says_of_the_contracts() {
    let redis = Redis::shared();
    let setup = with_contracts(&redis);
    let runner = setup.serve();
    let served = document(&setup, &runner);
    let printed = setup.cli(&["contract", "openapi"]);
    let printed: Value = serde_json::from_str(&printed.stdout).expect(&printed.stderr);
    assert_eq!(printed["openapi"], served["openapi"]);
    let paths = printed["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 2);
    for (path, item) in paths {
        assert_eq!(*item, served["paths"][path], "{path}");
    }
    let schemas = printed["components"]["schemas"].as_object().unwrap();
    assert!(schemas.contains_key("document-processing.upload"));
    for (name, schema) in schemas {
        assert_eq!(*schema, served["components"]["schemas"][name], "{name}");
    }
}

#[test]
fn a_client_in_typescript_is_made_compiles_and_works() {
    let redis = Redis::shared();
    let setup = with_contracts(&redis);
    let runner = setup.serve();
    document(&setup, &runner);
    let home = clients().join("typescript");
    let bin = home.join("node_modules/.bin");
    for file in ["use.ts", "tsconfig.json", "package.json"] {
        std::fs::copy(home.join(file), setup.path(file)).unwrap();
    }
    std::os::unix::fs::symlink(home.join("node_modules"), setup.path("node_modules")).unwrap();
    let directory = setup.path("");
    prints(
        Command::new(bin.join("openapi-typescript"))
            .args(["openapi.json", "-o", "api.ts"])
            .current_dir(&directory),
    );
    prints(
        Command::new(bin.join("tsc"))
            .args(["-p", "."])
            .current_dir(&directory),
    );
    let said = prints(
        Command::new("node")
            .arg("out/use.js")
            .current_dir(&directory)
            .env("RUNNER_URL", format!("http://{}", runner.api().address())),
    );
    assert_eq!(
        said,
        "document-processing process-document waiting\n\
         422 the payload is not that of docs:jobs/document-processing#process-document: \
         data.userId: is missing; expected a string\n"
    );
}

#[test]
fn a_client_in_python_is_made_and_works() {
    let redis = Redis::shared();
    let setup = with_contracts(&redis);
    let runner = setup.serve();
    document(&setup, &runner);
    let directory = setup.path("");
    prints(
        Command::new(tool("openapi-python-client"))
            .args(["generate", "--path", "openapi.json", "--meta", "none"])
            .args(["--output-path", "runner_client"])
            .current_dir(&directory),
    );
    let said = prints(
        Command::new(tool("python"))
            .arg(clients().join("python/use.py"))
            .env("PYTHONPATH", &directory)
            .env("RUNNER_URL", format!("http://{}", runner.api().address())),
    );
    assert_eq!(said, "document-processing process-document waiting\n");
}

/// The document without what has no end by itself: event streams, and waiting for jobs
/// that nobody takes.
fn ending(mut document: Value) -> Value {
    let paths = document["paths"].as_object_mut().expect("paths");
    paths.retain(|path, _| !path.ends_with("/events"));
    let items = paths.values_mut().flat_map(|item| item.as_object_mut());
    for operation in items.flat_map(|item| item.values_mut()) {
        if let Some(Value::Array(parameters)) = operation.get_mut("parameters") {
            parameters.retain(|parameter| parameter["name"] != "wait");
        }
    }
    document
}

/// `RUNNER_FUZZ` is about how many requests are sent.
#[test]
fn no_request_is_answered_other_than_described() {
    let redis = Redis::shared();
    let setup = with_contracts(&redis);
    let runner = setup.serve();
    let document = ending(document(&setup, &runner));
    std::fs::write(setup.path("openapi.json"), document.to_string()).unwrap();
    let many = operations(&document).len() as u32;
    let wanted = env("RUNNER_FUZZ").map(|wanted| wanted.parse::<u32>().expect("a number"));
    let each = wanted.map_or(FEW, |wanted| wanted.div_ceil(many));
    let home = clients().join("fuzz");
    let mut command = Command::new(tool("schemathesis"));
    command
        .arg("--config-file")
        .arg(home.join("schemathesis.toml"))
        .args(["run", "openapi.json", "--no-color", "--continue-on-failure"])
        .args(["--url", &format!("http://{}", runner.api().address())])
        // With more, hypothesis loses count of Python's recursion now and then.
        .args(["--phases", "examples,coverage,fuzzing", "--workers", "1"])
        .args(["--max-examples", &each.to_string()])
        .env("SCHEMATHESIS_HOOKS", "kinds")
        .env("PYTHONPATH", &home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(setup.path(""));
    match wanted {
        Some(_) => command.args(["--generation-database", "none"]),
        None => command.arg("--generation-deterministic"),
    };
    let said = prints(&mut command);
    if wanted.is_some() {
        eprintln!("{said}");
    }
    assert_eq!(runner.api().get("/livez").status, 200);
    let log = runner.log();
    let panics: Vec<_> = log
        .iter()
        .filter(|line| line.contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
}
