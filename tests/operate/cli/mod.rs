//! The commands, as a person or a script uses them: data on stdout, everything
//! else on stderr, exit codes, and the text of every refusal.

mod add;
mod run;

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{PATIENCE, Redis, Runner, Setup, env, guest, until};

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
fn check_says_what_a_queue_gives_up_that_reuses_instances() {
    let redis = Redis::shared();
    let toml = "[queues.mail]\nplugin = \"echo\"\njobs.\"bulk-*\" = { reuse = 100 }\n\
                [queues.slow]\nplugin = \"echo\"\nreuse_idle = \"1m\"\n";
    let setup = Setup::new(&redis, toml).plugin("echo", &guest("echo"));
    let ended = setup.cli(&["check"]);
    let said = [ended.stdout, ended.stderr].concat();
    for expected in [
        "`queues.slow.reuse_idle` has no effect without `reuse`",
        "queue \"mail\" has `reuse`: what a job leaves in its plugin's memory is there for later \
         jobs of the queue",
    ] {
        assert!(said.contains(expected), "{said}");
    }
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
        [
            "PLUGIN", "STATE", "DIGEST", "SIZE", "LANGUAGE", "QUEUES", "REASON"
        ]
    );
    assert_eq!(
        (rows[1][0], rows[1][1], rows[1][4], rows[1][5]),
        ("echo", "fits", "Rust", "greetings")
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
    // None waits until there is one.
    assert!(began.elapsed() < PATIENCE / 2);
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
    let line = runner.until_logged("Job failed");
    let end = " attempt=1 of=1 cause=returned error=a\\u001b[31m b";
    assert!(line.ends_with(end), "{line}");
    let start = "WARN  Job failed queue=scripted job=2 duration=";
    assert!(line.contains(start), "{line}");
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

// Long because it is one table of environments.
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
