//! `runner --server`: a command prints and ends through the API as it does over Redis.

mod adding;
mod jobs;
mod reached;

use serde_json::{Value, json};

use super::served;
use crate::support::process::Process;
use crate::support::{Ended, Redis, Runner, Setup, guest, until};

const TOML: &str = r#"
[queues.otp]
plugin = "scripted"
dead_letter = "otp-dead"
[queues.otp-dead]
[queues.idle]
[[schedules]]
queue = "otp"
name = "cleanup"
cron = "0 3 * * *"
data = { days = 30 }
[[schedules]]
queue = "idle"
id = "often"
name = "look"
cron = "30 4 * * *"
"#;

/// A server with dead letters; its setup, and one without a configuration, as on another
/// machine.
fn system(redis: &Redis) -> (Setup, Runner, Far) {
    let setup = served(redis, TOML).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    for (n, name) in ["email-otp", "sms-otp", "email-otp"].iter().enumerate() {
        let data =
            json!({ "reject": format!("no route {n}"), "big": 12_345_678_901_234_567_890u64 });
        redis.add("otp", name, data.to_string(), r#"{"attempts":2}"#);
        redis.until_count("otp-dead", "wait", n as u64 + 1);
    }
    let far = Far::to(redis, &runner);
    (setup, runner, far)
}

/// A machine that reaches the server only.
struct Far {
    setup: Setup,
    url: String,
}

impl Far {
    /// Reaches the server of this process.
    fn to(redis: &Redis, runner: &Runner) -> Far {
        Far {
            setup: Setup::new(redis, "[queues]\n"),
            url: format!("http://{}", runner.api().address()),
        }
    }

    /// A command that is not waited for.
    fn spawn(&self, line: &[&str]) -> Process {
        let mut command = self.setup.command();
        command.args(["--server", &self.url]).args(line);
        Process::spawn(command.stdout(std::process::Stdio::null()))
    }

    fn cli(&self, line: &[&str]) -> Ended {
        self.setup.cli(&[&["--server", &self.url], line].concat())
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn commands_print_and_end_as_they_do_over_redis() {
    let redis = Redis::shared();
    let (setup, _runner, far) = system(&redis);
    let ids = letters(&setup);
    let id = &ids[0];
    let shown = format!("dlq show otp-dead {id}");
    let lines = [
        "dlq list",
        "dlq list otp-dead",
        "dlq list otp-dead --limit 1",
        "dlq list otp-dead --name email-* --reason ROUTE --newer-than 1h",
        "dlq list otp-dead --filter attempts:1",
        "dlq list otp-dead --older-than 1h",
        "dlq list otp",
        "dlq list nothing",
        shown.as_str(),
        "dlq show otp-dead 99",
        "dlq replay otp-dead 99",
        "dlq replay otp-dead --all",
        "dlq replay otp-dead --all --to otp-dead --yes",
        "dlq purge otp-dead --all --name email-*",
        "schedule list",
        "schedule list otp",
        "schedule list nothing",
        "schedule run nothing",
        "schedule rm otp/cleanup --yes",
        "schedule rm nothing --queue otp",
        "host list",
        "plugin list",
        "plugin inspect scripted",
    ];
    for line in lines {
        for json in [&[][..], &["--json"]] {
            let line = [words(line), json.to_vec()].concat();
            let (here, there) = (setup.cli(&line), far.cli(&line));
            let seen = |ended: &Ended| (ended.code, steady(&ended.stdout), ended.stderr.clone());
            assert_eq!(seen(&there), seen(&here), "{line:?}");
        }
    }
}

/// Without what differs from one moment to the next.
fn steady(stdout: &str) -> Value {
    let Ok(mut json) = serde_json::from_str::<Value>(stdout) else {
        let lines = stdout.lines().map(|line| match line.split_once("runner ") {
            // Since when it runs, and when it was seen.
            Some((before, _)) if !before.contains(' ') => before.into(),
            _ if line.starts_with("loaded ") => "loaded".into(),
            _ => line.into(),
        });
        return Value::Array(lines.collect());
    };
    forget(&mut json);
    json
}

fn forget(json: &mut Value) {
    match json {
        Value::Array(all) => all.iter_mut().for_each(forget),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "uptime" | "lastSeen" | "loadMs" | "cached" => *value = Value::Null,
                    _ => forget(value),
                }
            }
        }
        _ => {}
    }
}

fn letters(setup: &Setup) -> Vec<String> {
    let listed = setup.cli(&["dlq", "list", "otp-dead", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("a list");
    let ids = listed.as_array().expect("a list").iter();
    ids.map(|letter| letter["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn letters_are_replayed_and_purged_and_schedules_run_and_removed_through_the_api() {
    let redis = Redis::shared();
    let (setup, runner, far) = system(&redis);
    let ids = letters(&setup);
    let ends = |line: &[&str], code: i32, stdout: &str, stderr: &str| {
        let ended = far.cli(line);
        let seen = (ended.code, ended.stdout.as_str(), ended.stderr.as_str());
        assert_eq!(seen, (Some(code), stdout, stderr), "{line:?}");
    };
    // Through HTTP as it is, too: a count changes nothing.
    let api = runner.api();
    let dry = json!({ "filter": "name:email-otp", "dryRun": true });
    let counted = api.post("/api/dlq/otp-dead/replay", &dry);
    assert_eq!((counted.status, &counted.body["matched"]), (200, &json!(2)));
    let counted = api.post("/api/dlq/otp-dead/purge", &dry);
    assert_eq!((counted.status, &counted.body["removed"]), (200, &json!(2)));
    assert_eq!(letters(&setup), ids);

    let line = ["dlq", "purge", "otp-dead", &ids[2], "99"];
    let missing =
        "error: queue \"otp-dead\" has no letter \"99\"; it may have been replayed or removed\n";
    ends(&line, 3, "removed 1 letter\n", missing);
    let line = [
        "dlq", "replay", "otp-dead", "--all", "--yes", "--rate", "100/s", "--json",
    ];
    let replayed = far.cli(&line);
    let replayed: Value = serde_json::from_str(&replayed.stdout).expect("JSON");
    assert_eq!(replayed["replayed"].as_array().map(Vec::len), Some(2));
    assert_eq!(replayed["replayed"][0]["letter"], ids[0].as_str());
    // They fail again, and are none of those that were meant.
    redis.until_count("otp-dead", "wait", 2);
    let line = ["dlq", "purge", "otp-dead", "--all", "--yes"];
    ends(&line, 0, "removed 2 letters\n", "");

    let run = far.cli(&["schedule", "run", "otp/cleanup"]);
    assert_eq!(redis.until_ended("otp", run.stdout.trim()), "completed");
    let reloaded = far.cli(&["plugin", "reload", "scripted"]);
    assert!(
        reloaded.stdout.starts_with("scripted serves "),
        "{reloaded:?}"
    );
    let unknown = "error: there is no plugin \"scriptet\"; did you mean \"scripted\"?\n";
    ends(&["plugin", "inspect", "scriptet"], 3, "", unknown);
    until("the schedule to be there", || {
        let listed = far.cli(&["schedule", "list", "idle", "--json"]).stdout;
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        (listed[0]["upcoming"].as_array().map(Vec::len) == Some(5)).then_some(())
    });
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_a_forged_cursor_is_refused() {
    let redis = Redis::shared();
    let (setup, runner, _far) = system(&redis);
    let ids = letters(&setup);
    let api = runner.api();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/api/dlq/otp-dead/letters?limit=2{cursor}"));
        assert_eq!(page.status, 200, "{page:?}");
        let letters = page.body["letters"].as_array().expect("letters");
        assert_eq!(
            letters[0]["data"]["big"].to_string(),
            "12345678901234567890"
        );
        found.extend(
            letters
                .iter()
                .map(|letter| letter["id"].as_str().expect("an id").to_owned()),
        );
        match page.body["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, ids);
    let other = api.get(&format!("/api/dlq/otp-dead/letters?q=name:x{cursor}"));
    assert_eq!(other.status, 400);
    assert_eq!(other.body["type"], "/problems/invalid-cursor");
    let wrong = api.post("/api/dlq/otp-dead/purge", &json!({}));
    assert_eq!(
        (wrong.status, &wrong.body["detail"]),
        (
            400,
            &json!("no letters are named: give ids, or a filter; the filter \"\" matches all")
        )
    );
    let typo = api.post(
        "/api/dlq/otp-dead/purge",
        &json!({ "filter": "", "dry_run": true }),
    );
    assert_eq!(typo.status, 422, "{typo:?}");
}

// Long because it is one table of mistakes.
#[test]
fn what_answers_may_be_no_server_or_none_of_ours_or_nobody() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues]\n").env("NOTHING", "two words");
    let cases = [
        (
            vec!["--server", "host:3000", "dlq", "list"],
            2,
            "error: \"host:3000\" is not the URL of a server: write https://host, \
             http://host:3000 or unix:/path\n",
        ),
        (
            vec!["--server", "http://u:p@127.0.0.1:1", "dlq", "list"],
            2,
            "error: the URL of the server has a user or a password in it; give a token with \
             --token\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "dlq", "list"],
            5,
            "error: the Runner at http://127.0.0.1:1 cannot be reached: Connection refused (os \
             error 111)\n",
        ),
        (
            vec!["--server", "unix:/nowhere.sock", "dlq", "list"],
            5,
            "error: the Runner at unix:/nowhere.sock cannot be reached: No such file or directory \
             (os error 2)\n",
        ),
        (
            vec!["--token", "env:CI", "dlq", "list"],
            2,
            "error: --token and --ca go with --server URL\n",
        ),
        (
            vec![
                "--server",
                "http://127.0.0.1:1",
                "--token",
                "secret",
                "dlq",
                "list",
            ],
            2,
            "error: --token takes env:NAME or file:PATH, as every user of this machine can read \
             the arguments of a command; or set RUNNER_TOKEN\n",
        ),
        (
            vec![
                "--server",
                "http://127.0.0.1:1",
                "--token",
                "env:CI",
                "dlq",
                "list",
            ],
            2,
            "error: --token env:CI: CI is not set\n",
        ),
        (
            vec![
                "--server",
                "http://127.0.0.1:1",
                "--token",
                "env:NOTHING",
                "dlq",
                "list",
            ],
            2,
            "error: what env:NOTHING has is no token: a token is one line without spaces\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "check"],
            2,
            "error: runner check takes no --server: it works on the files of this machine\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "run", "plugin.wasm"],
            2,
            "error: runner run takes no --server: it runs plugins in its own process\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "dev"],
            2,
            "error: runner dev takes no --server: it is the server\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "job", "wait", "q", "1"],
            5,
            "error: the Runner at http://127.0.0.1:1 cannot be reached: Connection refused (os \
             error 111)\n",
        ),
        (
            vec![
                "--server",
                "http://127.0.0.1:1",
                "add",
                "q",
                "x",
                "--from",
                "queues.toml",
            ],
            5,
            "error: the Runner at http://127.0.0.1:1 cannot be reached: Connection refused (os \
             error 111)\n",
        ),
        (
            vec!["--server", "http://127.0.0.1:1", "doctor"],
            5,
            "error: the Runner at http://127.0.0.1:1 cannot be reached: Connection refused (os \
             error 111)\n",
        ),
        (
            vec![
                "--server",
                "https://127.0.0.1:1",
                "--ca",
                "queues.toml",
                "dlq",
                "list",
            ],
            2,
            "error: the certificates of --ca cannot be read: queues.toml: it holds none; PEM is \
             wanted\n",
        ),
    ];
    for (line, code, stderr) in cases {
        let ended = setup.cli(&line);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(code), stderr),
            "{line:?}"
        );
    }
}

#[test]
fn a_server_that_is_no_runner_and_one_that_is_older_are_named() {
    let answers = [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno",
            1,
            "is not the API of a Runner: to GET /api/dlq it sent 404 with \"text/html\"\n",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: \
             53\r\n\r\n{\"type\":\"/problems/unknown-path\",\"detail\":\"nothing\"}  ",
            1,
            "has no GET /api/dlq: it is of an older version than this one (",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\n\
             Content-Length: 53\r\n\r\n{\"type\":\"/problems/unauthenticated\",\"detail\":\"no\"}     ",
            4,
            "wants a token: give one with --token env:NAME, --token file:PATH or RUNNER_TOKEN\n",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\n\
             Content-Length: 53\r\n\r\n{\"type\":\"/problems/forbidden\",\"detail\":\"not you\"}     ",
            4,
            "refuses: not you\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            1,
            "is not what this runner (",
        ),
    ];
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues]\n");
    for (answer, code, says) in answers {
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", server.local_addr().expect("an address"));
        let one = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = server.accept().expect("the command connects");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).expect("a request");
            stream.write_all(answer.as_bytes()).expect("it listens");
        });
        let ended = setup.cli(&["--server", &url, "dlq", "list"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(says), "{ended:?}\n{says}");
        one.join().expect("one request");
    }
}
