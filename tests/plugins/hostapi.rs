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

/// What came of writing again and again in a job that may send 1000 bytes.
fn writes(name: &str) -> Value {
    let settings = JobSettings {
        max_sent: 1000,
        ..timeout(LONG)
    };
    let data = json!({"queue": "other", "bytes": 100}).to_string();
    value(reach().start(job(name, &data), settings).outcome())
}

#[test]
fn what_an_attempt_sends_to_redis_ends_at_max_sent() {
    // A job is its name and its data, in quotes.
    let result = writes("add-large");
    assert_eq!(result["written"], 9);
    let refused = "this attempt has sent 963 bytes to Redis and wants to send 107 more; it may \
                   send 1000 (max_sent)";
    let text = result["refused"].as_str().unwrap();
    assert!(text.ends_with(refused), "{text}");

    let result = writes("update-large");
    assert_eq!(result["written"], 9);
    let text = result["refused"].as_str().unwrap();
    assert!(text.contains("it may send 1000 (max_sent)"), "{text}");

    let sandbox = reach();
    let settings = JobSettings {
        max_sent: 4,
        ..timeout(LONG)
    };
    let running = sandbox.start(job("checkpoint", "{}"), settings);
    running.outcome();
    assert_eq!(sandbox.effects(), []);
    let logs = running.logs();
    assert!(logs[0].contains("it may send 4 (max_sent)"), "{logs:?}");
}

#[test]
fn lines_and_progress_beyond_max_sent_are_dropped_and_say_so_once() {
    let sandbox = Sandbox::new(&guest("faults"));
    let settings = JobSettings {
        max_sent: 1000,
        ..timeout(LONG)
    };
    let running = sandbox.start(job("flood", "1000"), settings.clone());
    value(running.outcome());
    let logs = running.logs();
    let (last, lines) = logs.split_last().unwrap();
    assert!(
        last.starts_with("INFO this attempt has sent ")
            && last.ends_with("it may send 1000 (max_sent); further lines are dropped"),
        "{last}"
    );
    let sent: usize = lines.iter().map(|line| line.len() + 25).sum();
    assert!((900..=1000).contains(&sent), "{sent}");

    // Progress that takes the place of what was not sent yet costs its difference.
    let sandbox = reach();
    let settings = JobSettings {
        max_sent: 3,
        ..settings
    };
    let running = sandbox.start(job("progress", "{}"), settings.clone());
    value(running.outcome());
    let progress = running.attempt.take_notes().progress;
    assert_eq!(progress.as_deref(), Some("100"));
    let settings = JobSettings {
        max_sent: 2,
        ..settings
    };
    let running = sandbox.start(job("progress", "{}"), settings);
    value(running.outcome());
    let notes = running.attempt.take_notes();
    assert_eq!(notes.progress.as_deref(), Some("99"));
    assert_eq!(notes.logs.len(), 1, "{:?}", notes.logs);
}

#[test]
fn json_that_is_nested_too_deep_goes_neither_in_nor_out() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let echo = Sandbox::new(&guest("echo"));
    let text = deep(128);
    assert_eq!(echo.run("any", &text), Outcome::Completed(text));
    match echo.run("any", &format!("{{\"items\":{}}}", deep(128))) {
        Outcome::Rejected(failure) => assert_eq!(
            failure.reason,
            "the payload is nested too deep: data.items[0][0][0][0][0][0][0]: more than 128 \
             levels from here on (max_depth)"
        ),
        other => panic!("{other:?}"),
    }
    let settings = JobSettings {
        max_depth: 5000,
        ..timeout(LONG)
    };
    let text = deep(5000);
    let ended = echo.start(job("any", &text), settings).outcome();
    assert_eq!(ended, Outcome::Completed(text));

    let sandbox = reach();
    let running = sandbox.start(
        job(
            "deep",
            &json!({"queue": "other", "levels": 129}).to_string(),
        ),
        timeout(LONG),
    );
    let refused = value(running.outcome()).to_string();
    let place = "[0][0][0][0][0][0][0][0]: more than 128 levels from here on (max_depth)";
    for text in [
        format!("the payload of job \\\"deep\\\" is nested too deep: data{place}"),
        format!("the payload is nested too deep: data{place}"),
    ] {
        assert!(refused.contains(&text), "{refused}");
    }
    assert_eq!(sandbox.effects(), []);
    let notes = running.attempt.take_notes();
    let told = format!("the value of step \"deep\" is nested too deep: value{place}");
    assert!(notes.logs[0].contains(&told), "{:?}", notes.logs);
    // As any progress that is no JSON.
    let progress: Value = serde_json::from_str(&notes.progress.unwrap()).unwrap();
    assert_eq!(progress, deep(129));

    let data = json!({"queue": "other", "levels": 129, "return": true});
    match reach().run("deep", &data.to_string()) {
        Outcome::Retry { failure, .. } => assert_eq!(
            failure.reason,
            format!("the result is nested too deep: result{place}")
        ),
        other => panic!("{other:?}"),
    }
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
fn a_granted_directory_that_is_not_there_is_named_and_found_by_the_next_attempt() {
    let directory = tempfile::TempDir::new().unwrap();
    let documents = directory.path().join("documents");
    let grants = Plugin {
        dirs: [("/documents".into(), documents.clone())].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("reach"), grants);
    let data = json!({ "path": "/documents/a.txt" }).to_string();
    match sandbox.run("read", &data) {
        Outcome::Retry { failure, .. } => assert_eq!(
            failure.reason,
            format!(
                "the directory {documents:?}, granted as \"/documents\" to plugin \"work\", \
                 cannot be opened: No such file or directory (os error 2)"
            )
        ),
        other => panic!("{other:?}"),
    }
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("a.txt"), "text").unwrap();
    assert_eq!(value(sandbox.run("read", &data)), json!({"Ok": "text"}));
}

#[test]
fn a_guest_has_a_few_listings_of_directories_at_once() {
    let directory = tempfile::TempDir::new().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(directory.path().join(name), "").unwrap();
    }
    let grants = Plugin {
        dirs: [("/documents".into(), directory.path().to_owned())].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("reach"), grants);
    let data = json!({"path": "/documents", "count": 40}).to_string();
    let listed = value(sandbox.run("list", &data));
    assert_eq!(listed, json!([32, 40, {"Ok": 3}]));
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
