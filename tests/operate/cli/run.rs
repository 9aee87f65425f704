//! `runner run`: one job by hand.

use super::{lines, prints, refuses, setup};
use crate::support::{Redis, Setup, guest, now};

#[test]
fn run_needs_neither_redis_nor_a_configuration() {
    let setup = setup();
    std::fs::remove_file(setup.path("queues.toml")).unwrap();
    let run = ["run", "plugins/echo.wasm", "{\"a\":1}"];
    prints(&setup, &run, 0, "{\"a\":1}", "");
    prints(&setup, &["run", "echo", "{\"a\":1}"], 0, "{\"a\":1}", "");
    refuses(
        &setup,
        &["run", "gone"],
        3,
        "error: \"gone\" is neither a plugin of queues.toml nor a file",
    );
    refuses(
        &setup,
        &["run", "plugins"],
        3,
        "error: \"plugins\" is a directory, and plugins/plugins.wasm is not there: runner build \
         plugins makes a plugin of a project",
    );
    refuses(
        &setup,
        &["run", "plugins/echo.wasm", "--config", "other.toml"],
        2,
        "error: cannot read other.toml: there is no such file\n |\n \
         = help: name another file with --config",
    );
    let ended = setup.cli(&["plugin", "inspect", "plugins/echo.wasm"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("export   runner:plugin/handler@0.1.0\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_job_that_is_run_by_hand_looks_as_if_it_was_just_added_and_taken() {
    let toml = "[queues.work]\nplugin = \"echo\"\n[queues.work.defaults]\nattempts = 3\n";
    let setup = Setup::new(&Redis::shared(), toml).plugin("echo", &guest("echo"));
    let before = now();
    let ended = setup.cli(&[
        "run",
        "echo",
        r#"{"requestId":"r-1"}"#,
        "--name",
        "describe",
    ]);
    let job: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for time in ["addedAt", "startedAt"] {
        let time = job[time].as_u64().unwrap();
        assert!((before..=now()).contains(&time), "{job}");
    }
    assert_eq!(
        job,
        serde_json::json!({
            "id": "run", "queue": "work", "attempt": 1, "maxAttempts": 3, "priority": 0,
            "delay": 0, "requestId": "r-1", "parent": null, "addedAt": job["addedAt"],
            "startedAt": job["startedAt"],
        })
    );
}

#[test]
fn run_says_how_the_attempt_ended() {
    let setup = setup();
    let run = |name| ["run", "faults", "7", "--name", name, "--timeout", "300ms"];
    refuses(
        &setup,
        &run("spin"),
        1,
        "error: the attempt failed and would be retried: timed out after 300ms",
    );
    refuses(
        &setup,
        &run("reject"),
        1,
        "error: the job was rejected: no such user",
    );
    refuses(
        &setup,
        &run("retry-after"),
        1,
        "error: the attempt failed and would be retried after 7ms: slow down",
    );
    refuses(
        &setup,
        &["run", "faults", "3600000", "--name", "snooze"],
        1,
        "error: the job was snoozed for 1h: quiet hours",
    );
    let script = "{\"log\":[\"hi\"],\"progress\":[40],\"result\":3}";
    let ended = setup.cli(&["run", "scripted", script]);
    assert_eq!(ended.stdout, "3\n");
    assert_eq!(lines(&ended.stderr), ["INFO hi", "progress 40"]);
}
