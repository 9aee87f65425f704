//! The commands, as a person or a script uses them: data on stdout, everything
//! else on stderr, exit codes, and the text of every refusal.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Redis, Runner, Setup, env, guest, now, until};

const QUEUES: &str = "[queues.greetings]\nplugin = \"echo\"\n\
    [queues.faulty]\nplugin = \"faults\"\n\
    [queues.scripted]\nplugin = \"scripted\"\n\
    [queues.events]\n";

fn setup() -> Setup {
    let setup = Setup::new(&Redis::shared(), QUEUES);
    ["echo", "faults", "scripted"]
        .into_iter()
        .fold(setup, |setup, name| setup.plugin(name, &guest(name)))
}

fn served() -> (Setup, Runner) {
    let setup = setup();
    let runner = setup.serve();
    (setup, runner)
}

/// The command prints exactly this.
#[track_caller]
fn prints(setup: &Setup, arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let ended = setup.cli(arguments);
    let got = (ended.code, ended.stdout.trim_end(), ended.stderr.trim_end());
    assert_eq!(got, (Some(code), stdout, stderr), "{arguments:?}");
}

/// The command does nothing but explain why not.
#[track_caller]
fn refuses(setup: &Setup, arguments: &[&str], code: i32, stderr: &str) {
    prints(setup, arguments, code, "", stderr);
}

#[track_caller]
fn prints_json(setup: &Setup, arguments: &[&str]) -> Value {
    let ended = setup.cli(arguments);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Log lines without their time.
fn lines(stderr: &str) -> Vec<&str> {
    let text = |line| match str::split_once(line, "Z ") {
        Some((_, text)) => text,
        None => line,
    };
    stderr.lines().map(text).collect()
}

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
            "data", "reason", "trace"
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
fn run_needs_neither_redis_nor_a_configuration() {
    let setup = setup();
    std::fs::remove_file(setup.path("queues.toml")).unwrap();
    let run = ["run", "plugins/echo.wasm", "{\"a\":1}"];
    prints(&setup, &run, 0, "{\"a\":1}", "");
    refuses(
        &setup,
        &["run", "echo"],
        3,
        "error: \"echo\" is neither a plugin of queues.toml nor a file",
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

#[test]
fn check_counts_what_fits_and_names_what_does_not() {
    let setup = setup();
    let ok = "ok queues.toml: 4 queues, 3 plugins";
    prints(&setup, &["check"], 0, ok, "");
    std::fs::remove_file(setup.path("plugins/echo.wasm")).unwrap();
    let ended = setup.cli(&["check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(
        ended.stderr.starts_with("error: plugin \"echo\": ")
            && ended
                .stderr
                .ends_with("error: 1 of 3 plugins cannot serve\n"),
        "{}",
        ended.stderr
    );
    let ended = setup.cli(&["check", "--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(ended.code, Some(2));
    assert_eq!(report["refused"][0]["plugin"], "echo");
}

#[test]
fn tables_are_tab_separated_in_a_pipe() {
    let setup = setup();
    let ended = setup.cli(&["plugin", "list"]);
    let rows: Vec<Vec<&str>> = ended
        .stdout
        .lines()
        .map(|l| l.split('\t').collect())
        .collect();
    assert_eq!(
        rows[0],
        ["PLUGIN", "STATE", "DIGEST", "SIZE", "QUEUES", "REASON"]
    );
    assert_eq!(
        (rows[1][0], rows[1][1], rows[1][4]),
        ("echo", "fits", "greetings")
    );
    assert_eq!(ended.stderr, "");
    let list = prints_json(&setup, &["plugin", "list", "--json"]);
    assert_eq!(list[0]["queues"], json!(["greetings"]));
}

#[test]
fn commands_beside_an_unreachable_redis_name_it_at_once() {
    let setup = setup();
    let began = Instant::now();
    for command in [
        &["add", "greetings", "hello"][..],
        &["job", "get", "greetings", "1"],
        &["job", "logs", "greetings", "1"],
    ] {
        refuses(
            &setup,
            &[command, &["--redis", "redis://127.0.0.1:1"]].concat(),
            5,
            "error: Redis at 127.0.0.1:1 cannot be reached: Connection refused (os error 111); \
             start it, or name another with --redis or [redis] url",
        );
    }
    assert!(began.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_server_that_waits_for_redis_says_what_it_dials_and_ends_at_once() {
    let setup = setup();
    let mut runner = setup.spawn(&["serve", "--redis", "redis://127.0.0.1:1"]);
    runner.until_logged(
        "Redis at 127.0.0.1:1 cannot be reached: Connection refused (os error 111); trying again",
    );
    assert_eq!(runner.stop().code(), Some(0));
}

#[test]
fn a_second_signal_hands_the_running_jobs_back_at_once() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUES);
    let setup = ["echo", "faults", "scripted"]
        .into_iter()
        .fold(setup, |setup, name| setup.plugin(name, &guest(name)));
    let mut runner = setup.serve();
    prints(&setup, &["add", "faulty", "spin"], 0, "1", "");
    redis.until_count("faulty", "active", 1);
    runner.signal("INT");
    runner.until_logged("stopping: no new jobs, running ones may finish");
    // The other queues have nothing to wait for: their workers leave Redis.
    let name = format!("name={}:", redis.prefix());
    until("the idle queues to end", || {
        let clients: String = redis.run(&["CLIENT", "LIST"]);
        (clients.matches(&name).count() == 1).then_some(())
    });
    assert_eq!(redis.count("faulty", "active"), 1);
    assert_eq!(runner.stop().code(), Some(0));
    assert_eq!(redis.count("faulty", "wait"), 1);
    assert_eq!(
        redis.field("faulty", "1", "atm").as_deref().unwrap_or("0"),
        "0"
    );
    let log = runner.log().join("\n");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn text_logs_show_a_guests_line_with_its_queue_and_job() {
    let setup = setup();
    let runner = setup.spawn(&["serve", "--log-format", "text"]);
    runner.until_logged("ready queues=3 redis=127.0.0.1:");
    let add = ["add", "scripted", "work", "{\"log\":[\"one\"]}", "--wait"];
    assert_eq!(setup.cli(&add).code, Some(0));
    let line = runner.until_logged("one");
    assert!(line.ends_with("Z INFO  scripted/1 one"), "{line}");
    let add = ["add", "scripted", "work", "{\"reject\":\"a\\u001b[31m b\"}"];
    assert_eq!(setup.cli(&add).code, Some(0));
    let line = runner.until_logged("attempt failed");
    let end = "WARN  attempt failed queue=scripted job=2 attempt=1 of=1 cause=returned reason=a\\u001b[31m b";
    assert!(line.ends_with(end), "{line}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let setup = setup();
    for command in [
        "completions bash",
        "explain greetings",
        "plugin list",
        "--help",
    ] {
        let runner = env!("CARGO_BIN_EXE_runner");
        let output = std::process::Command::new("bash")
            .current_dir(setup.path("."))
            .args(["-c", &format!("set -o pipefail; {runner} {command} | true")])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{command}");
    }
}

#[test]
fn colour_is_left_out_unless_it_is_wanted() {
    let setup = setup();
    let plain = setup.cli(&["add", "zzz", "x", "--color", "never"]).stderr;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let coloured = setup.cli(&["add", "zzz", "x", "--color", "always"]).stderr;
    assert!(coloured.starts_with("\u{1b}["), "{coloured:?}");
}

/// As no-color.org and bixense.com/clicolors say.
#[test]
fn the_environment_says_when_to_colour() {
    let setup = setup();
    let on_terminal = |environment: &str, command: &str| {
        let runner = env!("CARGO_BIN_EXE_runner");
        let output = std::process::Command::new("script")
            .current_dir(setup.path("."))
            .env_clear()
            .env("PATH", env("PATH").unwrap_or_default())
            .args([
                "-qec",
                &format!("env TERM=xterm {environment} {runner} {command}"),
                "/dev/null",
            ])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        output.stdout.contains(&b'\x1b')
    };
    let in_pipe = |environment: &str, command: &str| {
        let runner = env!("CARGO_BIN_EXE_runner");
        let output = std::process::Command::new("sh")
            .current_dir(setup.path("."))
            .env_clear()
            .env("PATH", env("PATH").unwrap_or_default())
            .args(["-c", &format!("env {environment} {runner} {command} 2>&1")])
            .output()
            .unwrap();
        output.stdout.contains(&b'\x1b')
    };
    for (environment, terminal, pipe) in [
        ("A=1", true, false),
        ("CLICOLOR_FORCE=0", true, false),
        ("CLICOLOR_FORCE=", true, false),
        ("CLICOLOR_FORCE=1", true, true),
        ("CLICOLOR_FORCE=0 CLICOLOR=0", false, false),
        ("CLICOLOR_FORCE=1 CLICOLOR=0", true, true),
        ("CLICOLOR=0", false, false),
        ("CLICOLOR=1", true, false),
        ("NO_COLOR=", true, false),
        ("NO_COLOR=0", false, false),
        ("NO_COLOR=1 CLICOLOR_FORCE=1", false, false),
        ("TERM=dumb", false, false),
        ("TERM=dumb CLICOLOR_FORCE=0", false, false),
        ("TERM=dumb CLICOLOR_FORCE=1", true, true),
    ] {
        // Ours, and the help, which is clap's.
        for command in ["add zzz x", "--help"] {
            assert_eq!(
                on_terminal(environment, command),
                terminal,
                "{environment} {command}"
            );
            assert_eq!(
                in_pipe(environment, command),
                pipe,
                "{environment} {command} |"
            );
        }
    }
    assert!(in_pipe("NO_COLOR=1", "add zzz x --color always"));
    assert!(!in_pipe("CLICOLOR_FORCE=1", "add zzz x --color never"));
}

#[test]
fn an_outbox_that_was_never_used_is_not_found() {
    refuses(
        &setup(),
        &["outbox"],
        3,
        "error: there is no outbox at \"data/outbox.ndjson\": \
         start \"runner dev --outbox\" and run a job",
    );
}

#[test]
fn every_command_of_the_readme_has_a_help() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let readme = readme.unwrap();
    let table = readme.split("## Commands").nth(1).unwrap();
    let table = table.split("\nData goes").next().unwrap();
    let setup = setup();
    let mut commands = 0;
    for code in table.split('`').skip(1).step_by(2) {
        let Some(words) = code.strip_prefix("runner ") else {
            continue;
        };
        let words = words
            .split(' ')
            .filter(|word| !word.starts_with(['<', '[']));
        let words: Vec<&str> = words.chain(["--help"]).collect();
        let ended = setup.cli(&words);
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        let usage = format!("Usage: runner {}", words[..words.len() - 1].join(" "));
        assert!(ended.stdout.contains(&usage), "{words:?}: {}", ended.stdout);
        commands += 1;
    }
    assert!(commands >= 10, "the table of commands was not found");
}
