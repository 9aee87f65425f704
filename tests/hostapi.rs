//! What a guest reaches through the host API, and what it does not.

use std::time::Duration;

use runner::config::{JobSettings, Plugin, Secret};
use runner::host::Effect;
use runner::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::guest;
use crate::support::sandbox::{Sandbox, job, timeout};

const LONG: Duration = Duration::from_secs(50);
const TOKEN: &str = "s3cr3t\"with quotes";

fn reach() -> Sandbox {
    let grants = Plugin {
        config: [("sender".into(), "Example".into())].into(),
        secrets: [("TOKEN".into(), Secret(TOKEN.into()))].into(),
        ..Plugin::default()
    };
    Sandbox::granted(&guest("reach"), grants)
}

#[track_caller]
fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Completed(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn reaches(name: &str, data: Value) -> Value {
    value(reach().run(name, &data.to_string()))
}

#[test]
fn config_and_secrets_are_the_granted_ones() {
    let expected = json!({"all": [["sender", "Example"]], "secret": TOKEN.len(), "missing": null});
    let mut found = reaches("config", json!({}));
    if found["all"].is_object() {
        found["all"] = json!([["sender", found["all"]["sender"]]]);
    }
    assert_eq!(found, expected);
}

#[test]
fn a_secret_leaves_neither_by_a_failure_nor_by_the_log() {
    match reach().run("leak", "{}") {
        Outcome::Rejected(failure) => assert_eq!(failure.reason, "token [redacted]"),
        other => panic!("{other:?}"),
    }
    let sandbox = reach();
    let running = sandbox.start(job("log", "{}"), timeout(LONG));
    running.outcome();
    let expected = [
        "INFO a line with a field order=7",
        "ERROR secret [redacted]",
    ];
    assert_eq!(running.logs(), expected);
}

#[test]
fn progress_keeps_the_last_value() {
    let sandbox = reach();
    let running = sandbox.start(job("progress", "{}"), timeout(LONG));
    running.outcome();
    assert_eq!(
        running.attempt.take_notes().progress.as_deref(),
        Some("100")
    );
}

#[test]
fn an_added_job_carries_the_request_id_and_keeps_its_own() {
    let sandbox = reach();
    for (data, written) in [
        (json!({"big": 1}), r#"{"requestId":"r-1","big":1}"#),
        (json!({}), r#"{"requestId":"r-1"}"#),
        (json!({"requestId": "own"}), r#"{"requestId":"own"}"#),
        (json!([1]), "[1]"),
    ] {
        let data = json!({"requestId": "r-1", "queue": "other", "name": "next", "data": data});
        value(sandbox.run("add", &data.to_string()));
        match sandbox.effects().as_slice() {
            [Effect::Added(queue, job)] => {
                assert_eq!(
                    (&**queue, &*job.name, &*job.data),
                    ("other", "next", written)
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn jobs_are_added_only_to_declared_queues_and_up_to_the_limit() {
    let sandbox = reach();
    let data = json!({"queue": "undeclared", "name": "x", "data": 1});
    let refused = value(sandbox.run("add", &data.to_string())).to_string();
    assert!(
        refused.contains(
            "queue \\\"undeclared\\\" is not declared in queues.toml; declared are other"
        ),
        "{refused}"
    );
    let settings = JobSettings {
        max_adds: 3,
        ..timeout(LONG)
    };
    let data = json!({"queue": "other", "count": 4}).to_string();
    let refused = value(sandbox.start(job("add-many", &data), settings).outcome()).to_string();
    assert!(
        refused.contains("this attempt has added 0 jobs and wants 4 more; it may add 3 (max_adds)"),
        "{refused}"
    );
    assert_eq!(sandbox.effects(), []);
}

#[test]
fn a_checkpoint_is_written_once_and_found_by_the_next_attempt() {
    let sandbox = reach();
    sandbox.run("checkpoint", "{}");
    let written = sandbox.effects();
    assert_eq!(written, [Effect::Checkpoint("step".into(), "1".into())]);
    let mut second = job("checkpoint", "{}");
    second.attempts_made = 1;
    second.checkpoints = vec![("step".into(), "1".into())];
    let outcome = sandbox.start(second, timeout(LONG)).outcome();
    assert_eq!(value(outcome), json!({"stepRanInAttempt": 1, "attempt": 2}));
    assert_eq!(sandbox.effects(), []);
}

#[test]
fn the_payload_is_replaced_for_the_next_attempt() {
    let sandbox = reach();
    sandbox.run("update", "{}");
    assert_eq!(
        sandbox.effects(),
        [Effect::Data(r#"{"updated":true}"#.into())]
    );
}

#[test]
fn what_is_no_file_in_a_granted_directory_is_refused_and_holds_nobody_up() {
    let directory = tempfile::TempDir::new().unwrap();
    let fifo = directory.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    std::fs::write(directory.path().join("a.txt"), "text").unwrap();
    let grants = Plugin {
        dirs: [("/documents".into(), directory.path().to_owned())].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("reach"), grants);
    let read = |name: &str| {
        let data = json!({ "path": format!("/documents/{name}") }).to_string();
        sandbox.start(job("read", &data), timeout(LONG))
    };
    // More than there are threads for what blocks.
    let waiting: Vec<_> = (0..600).map(|_| read("fifo")).collect();
    assert_eq!(value(read("a.txt").outcome()), json!({"Ok": "text"}));
    for fifo in waiting {
        let refused = value(fifo.outcome());
        let text = refused["Err"].as_str().unwrap_or_default();
        assert!(text.starts_with("Operation not permitted"), "{refused}");
    }
    let missing = value(read("missing").outcome());
    let text = missing["Err"].as_str().unwrap_or_default();
    assert!(text.starts_with("No such file"), "{missing}");
}

#[test]
fn a_granted_directory_can_be_read_and_nothing_else() {
    let directory = tempfile::TempDir::new().unwrap();
    let documents = directory.path().join("documents");
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("a.txt"), "text").unwrap();
    std::fs::write(directory.path().join("private.txt"), "private").unwrap();
    std::os::unix::fs::symlink("../private.txt", documents.join("link")).unwrap();
    let grants = Plugin {
        dirs: [("/documents".into(), documents.clone())].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("reach"), grants);
    let read = |path: &str| value(sandbox.run("read", &json!({ "path": path }).to_string()));
    assert_eq!(read("/documents/a.txt"), json!({"Ok": "text"}));
    for path in [
        "/documents/../private.txt",
        "/documents/link",
        "/etc/passwd",
        "private.txt",
    ] {
        assert!(read(path)["Err"].is_string(), "{path}");
    }
    for path in ["/documents/a.txt", "/documents/new.txt"] {
        let data = json!({ "path": path }).to_string();
        assert!(
            value(sandbox.run("write", &data))["Err"].is_string(),
            "{path}"
        );
    }
    assert_eq!(
        std::fs::read_to_string(documents.join("a.txt")).unwrap(),
        "text"
    );
    assert!(!documents.join("new.txt").exists());
}

#[test]
fn the_environment_of_the_process_is_not_the_guests() {
    assert_eq!(reaches("env", json!({})), json!([]));
}
