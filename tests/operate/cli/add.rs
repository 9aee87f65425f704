//! `runner add`: what is printed, stored and refused, and what `--wait` shows.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::{lines, prints, prints_json, refuses, served, setup};
use crate::support::until;

#[test]
fn add_prints_the_id_and_nothing_else() {
    let setup = setup();
    prints(&setup, &["add", "greetings", "hello"], 0, "1", "");
    prints(&setup, &["add", "greetings", "hello", "[1]"], 0, "2", "");
    prints(
        &setup,
        &["add", "greetings", "hello", "{}", "--id", "welcome"],
        0,
        "welcome",
        "",
    );
    assert_eq!(
        prints_json(&setup, &["add", "greetings", "hello", "--json"]),
        json!({"id": "4", "queue": "greetings", "name": "hello", "added": true, "instead": null})
    );
}

#[test]
fn a_job_that_is_not_added_is_said_and_no_old_result_stands_for_a_new_one() {
    let setup = setup();
    let add = |rest: &[&'static str]| [&["add", "scripted", "work"], rest].concat();
    let known = |state: &str| {
        format!("nothing was added: job \"a\" already exists ({state}) and keeps its payload")
    };
    let first = ["{\"result\":1}", "--id", "a"];
    prints(&setup, &add(&first), 0, "a", "");
    let second = ["{\"result\":2}", "--id", "a"];
    prints(&setup, &add(&second), 0, "a", &known("waiting"));
    assert_eq!(
        prints_json(&setup, &add(&[&second[..], &["--json"]].concat())),
        json!({"id": "a", "queue": "scripted", "name": "work", "added": false, "instead": "known"})
    );

    let _runner = setup.serve();
    prints(&setup, &["job", "wait", "scripted", "a"], 0, "1", "");
    let wait = [&second[..], &["--wait"]].concat();
    let ended = known("completed");
    let ended = format!("error: {ended}; see runner job get scripted a");
    refuses(&setup, &add(&wait), 1, &ended);
}

#[test]
fn a_job_that_is_deduplicated_is_said_and_the_one_that_stands_for_it_is_followed() {
    let setup = setup();
    let add = |rest: &[&'static str]| [&["add", "scripted", "work"], rest].concat();
    let kept = [
        "{\"sleep\":700,\"result\":1}",
        "--dedup-id",
        "once",
        "--dedup-keep-last",
    ];
    prints(&setup, &add(&kept), 0, "1", "");
    let stands = "nothing was added: job \"1\" (waiting) stands for the deduplication id \"once\"";
    prints(&setup, &add(&["{}", "--dedup-id", "once"]), 0, "1", stands);
    assert_eq!(
        prints_json(&setup, &add(&["{}", "--dedup-id", "once", "--json"]))["instead"],
        "deduplicated"
    );
    let _runner = setup.serve();
    until("the job to run", || {
        let job = prints_json(&setup, &["job", "get", "scripted", "1", "--json"]);
        (job["state"] == "active").then_some(())
    });
    let later = "nothing was added yet: this one follows job \"1\", which is running, \
        unless another comes after it";
    prints(&setup, &add(&kept), 0, "1", later);
}

#[test]
fn a_job_can_be_added_to_a_queue_that_another_program_consumes() {
    let setup = setup();
    prints(&setup, &["add", "events", "sent"], 0, "1", "");
    let job = prints_json(&setup, &["job", "get", "events", "1", "--json"]);
    assert_eq!(job["state"], "waiting");
}

#[test]
fn the_payload_comes_from_a_file_or_standard_input_too() {
    let (setup, _runner) = served();
    std::fs::write(setup.path("ada.json"), "{\"name\":\"Ada\"}").unwrap();
    let add = ["add", "greetings", "hello", "@ada.json", "--wait"];
    prints(&setup, &add, 0, "{\"name\":\"Ada\"}", "");

    let mut child = setup
        .command()
        .args(["add", "greetings", "hello", "-", "--wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"[1, 2]").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "[1, 2]\n");
}

#[test]
fn options_of_a_job_are_stored_as_bullmq_reads_them() {
    let setup = setup();
    let add = ["add", "greetings", "hello", "--priority", "3", "--attempts"];
    let more = ["4", "--backoff", "exponential:2s"];
    prints(&setup, &[&add[..], &more].concat(), 0, "1", "");
    let job = prints_json(&setup, &["job", "get", "greetings", "1", "--json"]);
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("prioritized"), &json!(4))
    );
    prints(
        &setup,
        &["add", "greetings", "hello", "--delay", "1h"],
        0,
        "2",
        "",
    );
    let job = prints_json(&setup, &["job", "get", "greetings", "2", "--json"]);
    assert_eq!(job["state"], "delayed");
}

#[test]
fn add_refuses_what_cannot_be_a_job() {
    let setup = setup();
    let add = |rest: &[&'static str]| [&["add", "greetings", "hello"], rest].concat();
    refuses(
        &setup,
        &add(&["{\"name\""]),
        2,
        "error: the payload is not JSON: EOF while parsing an object at line 1 column 7; \
         quote it for the shell, as in '{\"name\":\"Ada\"}'",
    );
    refuses(
        &setup,
        &add(&["@absent.json"]),
        2,
        "error: cannot read \"absent.json\": No such file or directory (os error 2)",
    );
    refuses(
        &setup,
        &add(&["--id", "42"]),
        2,
        "error: the job id \"42\" is a number; put a letter in front",
    );
    refuses(
        &setup,
        &add(&["--id", "a:b"]),
        2,
        "error: the job id \"a:b\" contains \":\"; use another separator, such as \"-\"",
    );
    refuses(
        &setup,
        &add(&["--backoff", "slow"]),
        2,
        "error: invalid value 'slow' for '--backoff <BACKOFF>': \"slow\" is not a backoff: \
         write fixed:1s or exponential:1s\n\nFor more information, try '--help'.",
    );
}

#[test]
fn an_unknown_queue_is_not_found_and_a_near_one_is_named() {
    let setup = setup();
    for command in [&["add", "greting", "hello"][..], &["explain", "greting"]] {
        refuses(
            &setup,
            command,
            3,
            "error: queue \"greting\" is not declared in queues.toml; did you mean \"greetings\"?",
        );
    }
    refuses(
        &setup,
        &["add", "zzz", "hello"],
        3,
        "error: queue \"zzz\" is not declared in queues.toml; \
         the declared queues are events, faulty, greetings, scripted",
    );
}

#[test]
fn waiting_shows_logs_and_progress_on_stderr_and_the_result_on_stdout() {
    let (setup, _runner) = served();
    let script = json!({"log": ["one", "two"], "progress": [50], "result": {"a": 1}});
    let script = script.to_string();
    let ended = setup.cli(&["add", "scripted", "work", &script, "--wait"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "{\"a\":1}\n");
    let mut said = lines(&ended.stderr);
    said.sort_unstable();
    assert_eq!(said, ["INFO one", "INFO two", "progress 50"]);
    prints(
        &setup,
        &["job", "logs", "events", "1"],
        3,
        "",
        "error: queue \"events\" has no job \"1\"; it may have been removed when it ended (removeOnComplete)",
    );
    let logs = setup.cli(&["job", "logs", "scripted", "1"]);
    assert_eq!(lines(&logs.stdout), ["INFO one", "INFO two"]);
    assert_eq!(logs.stderr, "");
}

#[test]
fn a_terminal_gets_a_progress_bar_and_the_next_command() {
    let (setup, _runner) = served();
    let terminal = |command: &str| {
        let command = format!("{} {command}", env!("CARGO_BIN_EXE_runner"));
        let output = std::process::Command::new("script")
            .current_dir(setup.path("."))
            .args(["-qec", &command, "/dev/null"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let hint = terminal("add greetings hello");
    assert!(hint.contains("hint: runner job get greetings 1"), "{hint}");
    let bar = terminal("add scripted work '{\"sleep\":300,\"progress\":[50]}' --wait");
    assert!(bar.contains(" 50% active"), "{bar}");
    let hint = terminal("add faulty reject --wait");
    assert!(hint.contains("hint: runner job get faulty 1"), "{hint}");
}

#[test]
fn waiting_for_a_job_that_fails_exits_1_with_its_reason() {
    let (setup, _runner) = served();
    let add = ["add", "faulty", "reject", "{}", "--wait"];
    refuses(&setup, &add, 1, "error: job 1 failed: no such user");
    let job = setup.cli(&["job", "get", "faulty", "1"]);
    let fields: Vec<&str> = job
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        fields,
        [
            "id", "name", "state", "attempts", "added", "started", "ended", "plugin", "runner",
            "data", "reason", "trace", "cost"
        ],
        "{}",
        job.stdout
    );
    assert!(job.stdout.contains("attempts   1 of 1\n"), "{}", job.stdout);
    assert!(job.stdout.contains("plugin     faults@"), "{}", job.stdout);
    assert!(job.stdout.contains("Z, after "), "{}", job.stdout);
}

#[test]
fn a_wait_that_passes_its_timeout_exits_124_and_the_job_goes_on() {
    let setup = setup();
    refuses(
        &setup,
        &["add", "events", "sent", "{}", "--wait", "--timeout", "50ms"],
        124,
        "error: job 1 did not end within 50ms; it keeps running",
    );
}

#[test]
fn a_file_of_jobs_is_added_and_each_line_has_a_verdict() {
    let setup = setup();
    let jobs = "{\"data\":{\"to\":\"ada\"}}\n{\"name\":\"other\",\"data\":1,\"opts\":{\"jobId\":\"a\"}}\n\n\
        {\"data\":1,\"opts\":{\"jobId\":\"a\"}}\n{\"data\":\n{\"data\":1,\"opts\":{\"delai\":1}}\n";
    std::fs::write(setup.path("jobs.ndjson"), jobs).unwrap();
    let add = ["add", "greetings", "hello", "--from", "jobs.ndjson"];
    prints(
        &setup,
        &add,
        1,
        "1\na\na",
        "line 4: job \"a\" already exists and keeps its payload\n\
         line 5: the job is not JSON: EOF while parsing a value at line 1 column 8\n\
         line 6: unknown field `delai`, expected one of `jobId`, `delay`, `priority`, `lifo`, \
         `attempts`, `backoff`, `removeOnComplete`, `removeOnFail`, `sizeLimit`, `deduplication`, \
         `failParentOnFailure`, `continueParentOnFailure`, `ignoreDependencyOnFailure`, \
         `removeDependencyOnFailure` (at /opts/delai)\n\
         error: 2 added, 1 not new, 2 refused",
    );
    let ended = setup.cli(&[
        "add",
        "greetings",
        "hello",
        "--from",
        "jobs.ndjson",
        "--json",
    ]);
    let verdicts: Vec<serde_json::Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        verdicts[1],
        json!({ "line": 2, "jobId": "a", "instead": "known" })
    );
    assert_eq!(verdicts.len(), 5);

    let mut child = setup
        .command()
        .args(["add", "greetings", "hello", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"[{\"data\":1},{\"data\":2}]").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    refuses(
        &setup,
        &["add", "greetings", "hello", "--from", "nothing.ndjson"],
        2,
        "error: cannot read nothing.ndjson: No such file or directory (os error 2)",
    );
}
