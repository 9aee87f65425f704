//! The examples of clients, as a user runs them.

use std::path::Path;
use std::process::Command;

use super::served;
use crate::support::api::Api;
use crate::support::{Redis, tool};

/// What a client prints.
#[track_caller]
fn prints(command: &mut Command, api: &Api) -> String {
    let output = command
        .env("RUNNER_URL", format!("http://{}", api.address()))
        .output();
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn services_in_go_and_python_add_jobs() {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let redis = Redis::shared();
    let setup = served(
        &redis,
        &format!(
            "[runtime]\ncontracts = {wit:?}\n\
             [queues.document-processing]\ncontract = \"docs:jobs/document-processing\"\n\
             [queues.compliance-analysis]\ncontract = \"docs:jobs/compliance-analysis\"\n"
        ),
    );
    let runner = setup.serve();
    let api = runner.api();
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/clients");
    let mut go = Command::new(tool("go"));
    go.current_dir(clients.join("go"))
        .args(["run", ".", "report.pdf"]);
    go.env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off");
    assert_eq!(
        prints(&mut go, &api),
        "added document-processing process-document idem-doc-report.pdf waiting\nnow waiting\n"
    );
    let mut python = Command::new(tool("python"));
    python.arg(clients.join("python/poll.py"));
    assert_eq!(
        prints(&mut python, &api),
        "added compliance-analysis analyze-compliance 1 waiting\nwaiting 1\n"
    );
}
