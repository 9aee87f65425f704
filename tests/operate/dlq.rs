//! `runner dlq`: dead letters are listed, shown, replayed and thrown away.

use serde_json::{Value, json};

use super::deadletter::{serve, waiting};
use crate::support::{Node, Redis, Setup};

/// Jobs that have failed, by `runner serve` that has ended since: id of the
/// letter by name.
fn failed(jobs: &[(&str, &str)]) -> (Redis, Setup, Vec<String>) {
    let redis = Redis::shared();
    let (setup, mut runner) = serve(&redis);
    let mut letters = Vec::new();
    for (n, (name, options)) in jobs.iter().enumerate() {
        let data = json!({ "reject": format!("reason {name}") }).to_string();
        redis.add("otp", name, data, options);
        redis.until_count("otp-dead", "wait", n as u64 + 1);
        let newest: Vec<String> = redis.run(&["LRANGE", &redis.key("otp-dead", "wait"), "0", "0"]);
        letters.extend(newest);
    }
    assert!(runner.stop().success());
    (redis, setup, letters)
}

/// Exit code, stdout, stderr.
#[track_caller]
fn ends(setup: &Setup, line: &[&str], code: i32, stdout: &str, stderr: &str) {
    let ended = setup.cli(line);
    let seen = (ended.code, ended.stdout.as_str(), ended.stderr.as_str());
    assert_eq!(seen, (Some(code), stdout, stderr), "{line:?}");
}

// Long because it is one table of commands on the same letters.
#[test]
fn letters_are_listed_and_filtered_and_shown() {
    let (redis, setup, ids) = failed(&[("whatsapp-otp", "{}"), ("email-otp", r#"{"attempts":4}"#)]);
    let queues = "queue\tletters\tfrom\nbulk-dead\t0\totp\notp-dead\t2\totp\n";
    ends(&setup, &["dlq", "list"], 0, queues, "");
    let json: Value = serde_json::from_str(&setup.cli(&["dlq", "list", "--json"]).stdout).unwrap();
    assert_eq!(
        json[1],
        json!({ "queue": "otp-dead", "from": ["otp"], "letters": 2 })
    );

    let listed = setup.cli(&["dlq", "list", "otp-dead"]);
    let rows: Vec<Vec<&str>> = listed
        .stdout
        .lines()
        .map(|row| row.split('\t').collect())
        .collect();
    assert_eq!(
        rows[0],
        ["id", "name", "from", "attempts", "failed", "reason"]
    );
    let first = &rows[1];
    assert_eq!(first[..4], [ids[0].as_str(), "whatsapp-otp", "otp 1", "1"]);
    assert!(first[4].ends_with('Z'), "{first:?}");
    assert_eq!(first[5], "reason whatsapp-otp");
    assert_eq!(rows.len(), 3);

    let found = |filter: &[&str]| -> Vec<String> {
        let line = [&["dlq", "list", "otp-dead", "--json"], filter].concat();
        let all: Value = serde_json::from_str(&setup.cli(&line).stdout).unwrap();
        let all = all.as_array().unwrap().iter();
        all.map(|letter| letter["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(found(&[]), ids);
    assert_eq!(found(&["--name", "email-*"]), ids[1..]);
    assert_eq!(found(&["--reason", "REASON what"]), ids[..1]);
    assert_eq!(found(&["--newer-than", "1h"]), ids);
    assert_eq!(found(&["--older-than", "1h"]), [""; 0]);
    assert_eq!(
        found(&["--name", "email-*", "--reason", "whatsapp"]),
        [""; 0]
    );
    assert_eq!(found(&["--limit", "1"]), ids[..1]);
    let line = ["dlq", "list", "otp-dead", "--reason", "nothing like it"];
    ends(
        &setup,
        &line,
        0,
        "",
        "queue \"otp-dead\" has no letters that match\n",
    );
    ends(
        &setup,
        &["dlq", "list", "bulk-dead"],
        0,
        "",
        "queue \"bulk-dead\" has no letters\n",
    );

    let shown = setup.cli(&["dlq", "show", "otp-dead", &ids[1]]).stdout;
    let fields: Vec<&str> = shown
        .lines()
        .filter_map(|row| row.split_whitespace().next())
        .collect();
    let all = [
        "id", "name", "from", "attempts", "plugin", "runner", "options", "failed", "reason",
        "data", "trace",
    ];
    assert_eq!(fields, all, "{shown}");
    assert!(shown.contains("options    {\"attempts\":4}\n"), "{shown}");
    let shown = setup
        .cli(&["dlq", "show", "otp-dead", &ids[1], "--json"])
        .stdout;
    let letter: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(letter["from"]["options"]["attempts"], 4);
    assert_eq!(letter["data"]["reject"], "reason email-otp");
    drop(redis);
}

#[test]
fn a_replayed_letter_runs_again_with_its_own_options_in_the_queue_it_failed_in() {
    for version in [5, 6] {
        let options = r#"{"attempts":3,"backoff":{"type":"fixed","delay":9},"delay":5,"jobId":"own","priority":7,"removeOnFail":true,"de":{"id":"d"}}"#;
        let (redis, setup, ids) = failed(&[("a", options), ("b", r#"{"attempts":2,"lifo":true}"#)]);
        let mut node = Node::start(&redis, version);
        let line = ["dlq", "replay", "otp-dead", &ids[0], &ids[1]];
        ends(&setup, &line, 0, "replayed 2 letters\n", "");
        assert_eq!(redis.count("otp-dead", "wait"), 0);
        let left: Vec<String> = redis.run(&["KEYS", &redis.key("otp-dead", "otp-*")]);
        assert_eq!(left, [""; 0]);
        // Its own id is free only if no job has it: here the job was added as 1.
        let job = node.job("otp", "own");
        assert_eq!(job["state"], "prioritized");
        assert_eq!(job["attemptsMade"], 0);
        assert_eq!(job["data"]["reject"], "reason a");
        let expected = json!({ "attempts": 3, "backoff": { "type": "fixed", "delay": 9 },
            "priority": 7, "removeOnFail": true, "jobId": "own" });
        assert_eq!(job["opts"], expected);
        let job = node.job("otp", "4");
        assert_eq!(
            (&job["state"], &job["name"]),
            (&json!("waiting"), &json!("b"))
        );
        assert_eq!(job["opts"], json!({ "attempts": 2, "lifo": true }));
        let events = node.events("otp-dead", "removed", Some(&ids[1]));
        let removed: Vec<&Value> = events
            .iter()
            .filter(|event| event["event"] == "removed")
            .collect();
        assert_eq!(removed.len(), 2);
        let marker: u32 = redis.run(&["ZCARD", &redis.key("otp", "marker")]);
        assert_eq!(marker, 1, "a worker is woken");
        // What fails again is a letter again, and another one.
        let _runner = setup.serve();
        redis.until_count("otp-dead", "wait", 2);
        let again = waiting(&mut node, "otp-dead");
        let again = again.iter().find(|letter| letter["name"] == "a").unwrap();
        assert_eq!(again["opts"]["deadLetter"]["id"], "own");
        assert_ne!(again["id"], ids[0].as_str());
    }
}

#[test]
fn a_letter_whose_own_id_is_taken_gets_another_one() {
    let (redis, setup, ids) = failed(&[("a", r#"{"jobId":"own"}"#)]);
    redis.run::<()>(&[
        "HSET",
        &redis.key("otp", "own"),
        "name",
        "other",
        "data",
        "{}",
    ]);
    let ended = setup.cli(&["dlq", "replay", "otp-dead", &ids[0], "--json"]);
    let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
    let moved = json!([{ "letter": ids[0], "queue": "otp", "id": "2" }]);
    assert_eq!(seen, json!({ "queue": "otp-dead", "replayed": moved }));
    assert_eq!(redis.field("otp", "2", "opts").as_deref(), Some("{}"));
    assert_eq!(redis.field("otp", "own", "name").as_deref(), Some("other"));
}

#[test]
fn what_was_put_aside_of_a_letter_goes_with_it() {
    let (redis, setup, ids) = failed(&[("a", "{}")]);
    let left = || -> Vec<String> { redis.run(&["KEYS", &redis.key("otp-dead", "otp-*")]) };
    for part in [
        "",
        ":logs",
        ":dependencies",
        ":processed",
        ":failed",
        ":unsuccessful",
    ] {
        let aside = redis.key("otp-dead", &format!("{}{part}:corrupt", ids[0]));
        redis.run::<()>(&["SET", &aside, "of the wrong type"]);
    }
    assert_eq!(left().len(), 7);
    let line = ["dlq", "replay", "otp-dead", &ids[0]];
    ends(&setup, &line, 0, "replayed 1 letter\n", "");
    assert_eq!(left(), [""; 0]);
}

#[test]
fn attempts_are_reset_or_kept() {
    let (redis, setup, ids) = failed(&[("a", r#"{"attempts":3}"#), ("b", r#"{"attempts":1}"#)]);
    let line = [
        "dlq",
        "replay",
        "otp-dead",
        &ids[0],
        &ids[1],
        "--keep-attempts",
        "--to",
        "bulk-dead",
    ];
    ends(&setup, &line, 0, "replayed 2 letters\n", "");
    // One of three was made, and the last one is always left.
    assert_eq!(redis.field("bulk-dead", "1", "atm").as_deref(), Some("1"));
    assert_eq!(redis.field("bulk-dead", "2", "atm"), None);
}

#[test]
fn all_letters_that_fit_are_replayed_or_purged_after_a_question() {
    let (redis, setup, ids) = failed(&[("a-1", "{}"), ("a-2", "{}"), ("b", "{}"), ("c", "{}")]);
    let line = ["dlq", "replay", "otp-dead", "--all", "--name", "a-*"];
    let asks = "error: this moves 2 letters of queue \"otp-dead\" to where they failed; add --yes to confirm\n";
    ends(&setup, &line, 2, "", asks);
    assert_eq!(redis.count("otp-dead", "wait"), 4);
    let line = [&line[..], &["--yes", "--rate", "1000/s"]].concat();
    ends(&setup, &line, 0, "replayed 2 letters\n", "");
    assert_eq!(redis.count("otp", "wait"), 2);
    ends(&setup, &line, 0, "replayed 0 letters\n", "");

    let line = ["dlq", "purge", "otp-dead", "--all", "--reason", "reason b"];
    let asks = "error: this removes 1 letter of queue \"otp-dead\"; add --yes to confirm\n";
    ends(&setup, &line, 2, "", asks);
    let line = [&line[..], &["--yes"]].concat();
    ends(&setup, &line, 0, "removed 1 letter\n", "");
    ends(
        &setup,
        &["dlq", "purge", "otp-dead", &ids[3]],
        0,
        "removed 1 letter\n",
        "",
    );
    assert_eq!(redis.count("otp-dead", "wait"), 0);
}

#[test]
fn a_terminal_is_asked_for_the_queues_name_and_gets_a_progress_bar() {
    let (redis, setup, _) = failed(&[("a", "{}"), ("b", "{}")]);
    let terminal = |typed: &str, command: &str| {
        let command = format!("{} {command}", env!("CARGO_BIN_EXE_runner"));
        let mut child = std::process::Command::new("script")
            .current_dir(setup.path("."))
            .args(["-qec", &command, "/dev/null"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, format!("{typed}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = terminal("otp", "dlq replay otp-dead --all");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("that is not the name: nothing was changed"),
        "{said}"
    );
    assert_eq!(redis.count("otp-dead", "wait"), 2);
    let (code, said) = terminal("otp-dead", "dlq replay otp-dead --all --rate 4/s");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("this moves 2 letters"), "{said}");
    assert!(said.contains("1/2"), "{said}");
    assert!(said.contains("replayed 2 letters"), "{said}");
}

#[test]
fn a_rate_spaces_the_jobs() {
    let (_redis, setup, _) = failed(&[("a", "{}"), ("b", "{}"), ("c", "{}")]);
    let begin = std::time::Instant::now();
    let line = [
        "dlq", "replay", "otp-dead", "--all", "--yes", "--rate", "10/s",
    ];
    ends(&setup, &line, 0, "replayed 3 letters\n", "");
    assert!(begin.elapsed() >= std::time::Duration::from_millis(200));
    let wrong = setup.cli(&["dlq", "replay", "otp-dead", "--all", "--rate", "fast"]);
    assert_eq!(wrong.code, Some(2));
    let reason = "invalid value 'fast' for '--rate <RATE>': \"fast\" is not a rate: write 10/s, 600/m or 100/h";
    assert!(wrong.stderr.contains(reason), "{}", wrong.stderr);
}

// Long because it is one table of refusals.
#[test]
fn what_cannot_be_replayed_is_said_with_the_way_out() {
    let (redis, setup, ids) = failed(&[("a", "{}")]);
    let no = |line: &[&str], code: i32, reason: &str| {
        ends(&setup, line, code, "", &format!("error: {reason}\n"));
    };
    no(
        &["dlq", "list", "otp"],
        2,
        "queue \"otp\" is not a dead letter queue; its dead letters are in \"otp-dead\"",
    );
    no(
        &["dlq", "list", "--name", "a"],
        2,
        "name the dead letter queue whose letters are filtered: runner dlq list QUEUE",
    );
    no(
        &["dlq", "show", "otp-daed", "1"],
        3,
        "queue \"otp-daed\" is not declared in queues.toml; did you mean \"otp-dead\"?",
    );
    no(
        &["dlq", "show", "otp-dead", "1"],
        3,
        "queue \"otp-dead\" has no letter \"1\"; it may have been replayed or removed",
    );
    no(
        &["dlq", "replay", "otp-dead", &ids[0], "--to", "otp-dead"],
        2,
        "\"otp-dead\" is where the letters are",
    );
    let said = |line: &[&str], code: i32, reason: &str| {
        let none = "replayed 0 letters\n";
        ends(&setup, line, code, none, &format!("error: {reason}\n"));
    };
    said(
        &["dlq", "replay", "otp-dead", "1"],
        3,
        "queue \"otp-dead\" has no letter \"1\"; it may have been replayed or removed",
    );
    // One that a person added by hand.
    redis.add("otp-dead", "by-hand", "{}", "{}");
    said(
        &["dlq", "replay", "otp-dead", "2"],
        1,
        "letter \"2\" does not say where it comes from; name a queue with --to",
    );
    ends(
        &setup,
        &["dlq", "replay", "otp-dead", "2", "--to", "otp"],
        0,
        "replayed 1 letter\n",
        "",
    );
    // One that a worker has.
    redis.run::<()>(&[
        "LMOVE",
        &redis.key("otp-dead", "wait"),
        &redis.key("otp-dead", "active"),
        "LEFT",
        "LEFT",
    ]);
    let line = ["dlq", "replay", "otp-dead", &ids[0]];
    said(
        &line,
        1,
        &format!("a worker is running letter {:?}; wait for its end", ids[0]),
    );
    redis.run::<()>(&[
        "LMOVE",
        &redis.key("otp-dead", "active"),
        &redis.key("otp-dead", "wait"),
        "LEFT",
        "LEFT",
    ]);
    assert_eq!(redis.count("otp", "wait"), 1, "the one added by hand");
    // One whose queue cannot be written.
    let wait = redis.key("otp", "wait");
    redis.run::<()>(&["RENAME", &wait, &redis.key("otp", "aside")]);
    redis.run::<()>(&["SET", &wait, "not a list"]);
    let refused = setup.cli(&["dlq", "replay", "otp-dead", &ids[0]]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("WRONGTYPE"), "{}", refused.stderr);
    assert_eq!(redis.count("otp-dead", "wait"), 1);
    // One whose queue is not declared any more.
    let toml = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    setup.write(
        &toml
            .replace("queues.otp]", "queues.new]")
            .replace("queues.otp.", "queues.new."),
    );
    let reason = format!(
        "letter {:?} comes from queue \"otp\", which is no longer declared; name another one with --to",
        ids[0]
    );
    said(&["dlq", "replay", "otp-dead", &ids[0]], 1, &reason);
    ends(
        &setup,
        &["dlq", "replay", "otp-dead", &ids[0], "--to", "new"],
        0,
        "replayed 1 letter\n",
        "",
    );
    let setup = Setup::new(&redis, "[queues.plain]\n");
    let no = |line: &[&str], code: i32, reason: &str| {
        ends(&setup, line, code, "", &format!("error: {reason}\n"));
    };
    no(
        &["dlq", "replay", "plain", "--all"],
        2,
        "queue \"plain\" is not a dead letter queue: no `dead_letter` names it; what failed in it is retried with: runner job retry plain",
    );
    ends(
        &setup,
        &["dlq", "list"],
        0,
        "",
        "no queue of queues.toml has a `dead_letter`\n",
    );
}
