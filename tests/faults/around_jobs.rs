//! What goes wrong around a job, through the real binary: guests that flood and
//! insist, payloads at the edge, files that change at a bad moment, queues that
//! come back while their old jobs end.

use serde_json::json;

use crate::support::{Node, Redis, Runner, Setup, guest, until};

const SCRIPTED: &str = "[queues.work]\nplugin = \"scripted\"\n";

fn serve(redis: &Redis, plugin: &str, toml: &str) -> (Setup, Runner) {
    let setup = Setup::new(redis, toml).plugin(plugin, &guest(plugin));
    let runner = setup.serve();
    (setup, runner)
}

/// How many lines of the log hold this text.
fn told(runner: &Runner, text: &str) -> usize {
    let log = runner.log();
    log.iter().filter(|line| line.contains(text)).count()
}

/// Every key of the server with everything in it, as text.
fn everything(redis: &Redis) -> String {
    let mut all = String::new();
    for key in redis.run::<Vec<String>>(&["KEYS", &format!("{}:*", redis.prefix())]) {
        let kind: String = redis.run(&["TYPE", &key]);
        let read: &[&str] = match kind.as_str() {
            "string" => &["GET", &key],
            "list" => &["LRANGE", &key, "0", "-1"],
            "set" => &["SMEMBERS", &key],
            "zset" => &["ZRANGE", &key, "0", "-1"],
            "hash" => &["HGETALL", &key],
            "stream" => &["XRANGE", &key, "-", "+"],
            other => panic!("{key} is a {other}"),
        };
        let value: redis::Value = redis.run(read);
        all.push_str(&format!("{key}: {}\n", text_of(&value)));
    }
    all
}

fn text_of(value: &redis::Value) -> String {
    match value {
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::Array(values) => values.iter().map(|value| text_of(value) + " ").collect(),
        other => format!("{other:?}"),
    }
}

fn logs(redis: &Redis, id: &str) -> Vec<String> {
    redis.run(&[
        "LRANGE",
        &redis.key("work", &format!("{id}:logs")),
        "0",
        "-1",
    ])
}

#[test]
fn a_flood_of_lines_fills_redis_with_a_thousand_and_the_reason() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "faults", "[queues.work]\nplugin = \"faults\"\n");
    let id = redis.add("work", "flood", "50000", "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    let lines = logs(&redis, &id);
    assert_eq!(lines.len(), 1000);
    assert!(lines[0].ends_with(" INFO line 0"), "{}", lines[0]);
    assert!(
        lines[999]
            .ends_with("this attempt may log 1000 lines (max_logs); further lines are dropped"),
        "{}",
        lines[999]
    );
}

#[test]
fn keep_logs_keeps_the_newest_lines_as_bullmq_does() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "faults", "[queues.work]\nplugin = \"faults\"\n");
    let id = redis.add("work", "flood", "10", r#"{"kl":3}"#);
    assert_eq!(redis.until_ended("work", &id), "completed");
    let lines = logs(&redis, &id);
    let ends: Vec<&str> = lines.iter().map(|line| &line[line.len() - 6..]).collect();
    assert_eq!(ends, ["line 7", "line 8", "line 9"]);
}

#[test]
fn after_its_lock_is_gone_a_guest_ends_soon_and_writes_nothing_more() {
    let redis = Redis::shared();
    let toml = "[runtime]\nlock = \"6s\"\nstalled_interval = \"60s\"\n\n\
        [queues.work]\nplugin = \"reach\"\nconcurrency = 1\nmax_adds = 1000000\n\n[queues.other]\n";
    let (_setup, runner) = serve(&redis, "reach", toml);
    let id = redis.add("work", "insist", r#"{"queue":"other"}"#, "{}");
    redis.until_count("work", "active", 1);
    until("it to add jobs", || {
        (redis.count("other", "wait") > 5).then_some(())
    });
    let lock = redis.key("work", &format!("{id}:lock"));
    redis.run::<()>(&["DEL", &lock]);
    // The guest itself would go on for a million jobs, and nothing else looks after the
    // lock for a minute.
    runner.until_logged("the lock was lost");
    let seen = || {
        let job: Vec<String> = redis.run(&["HGETALL", &redis.key("work", &id)]);
        (job, logs(&redis, &id), redis.count("other", "wait"))
    };
    let ended = |name: &str| {
        let next = redis.add("work", "config", "{}", "{}");
        assert_eq!(redis.until_ended("work", &next), "completed", "{name}");
    };
    // The only slot is free again, so the guest has ended.
    ended("first");
    let then = seen();
    ended("second");
    assert_eq!(seen(), then);
    assert_eq!(redis.field("work", &id, "finishedOn"), None);
    assert_eq!(redis.run::<u64>(&["EXISTS", &lock]), 0);
}

#[test]
fn payloads_at_the_edge_reach_the_guest_and_come_back_byte_for_byte() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"echo\"\nmemory = \"256MiB\"\nmax_result = \"10MiB\"\n\
        max_depth = 100000\n";
    let (_setup, _runner) = serve(&redis, "echo", toml);
    for (name, data) in [
        ("10 MiB", format!("\"{}\"", "x".repeat((10 << 20) - 2))),
        (
            "200 levels",
            format!("{}1{}", "[".repeat(200), "]".repeat(200)),
        ),
        (
            "100000 levels",
            format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        ),
        (
            "lone surrogates",
            r#"{"a":"\ud800","b":"\udc00 x"}"#.to_owned(),
        ),
        (
            "numbers",
            r#"{"a":12345678901234567890123,"b":1e400,"c":-0.0}"#.to_owned(),
        ),
        (
            "a key twice and spaces",
            "{ \"a\" : 1,\t\"a\":2 }".to_owned(),
        ),
    ] {
        let id = redis.add("work", "echo", &data, "{}");
        let ended = redis.until_ended("work", &id);
        let reason = redis.field("work", &id, "failedReason");
        assert_eq!(ended, "completed", "{name}: {reason:?}");
        let value = redis.field("work", &id, "returnvalue").unwrap();
        assert!(value == data, "{name} came back changed");
    }
}

#[test]
fn two_runners_share_a_queue_and_run_each_job_once() {
    const JOBS: u64 = 200;
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let toml = format!("{SCRIPTED}concurrency = 5\n");
    let one = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let one = one.env("RUNNER_NAME", "one");
    let two = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let two = two.env("RUNNER_NAME", "two");
    let (_first, _second) = (one.serve(), two.serve());
    let data = json!({ "sleep": 40, "log": ["ran"] });
    node.call(
        "flood",
        json!({ "queue": "work", "name": "n", "count": JOBS, "data": data }),
    );
    redis.until_count("work", "completed", JOBS);
    let mut by = std::collections::BTreeMap::<String, u64>::new();
    for id in redis.run::<Vec<String>>(&["ZRANGE", &redis.key("work", "completed"), "0", "-1"]) {
        *by.entry(redis.field("work", &id, "pb").unwrap())
            .or_default() += 1;
        assert_eq!(logs(&redis, &id).len(), 1, "job {id} ran more than once");
    }
    assert_eq!(by.keys().collect::<Vec<_>>(), ["one", "two"], "{by:?}");
}

#[test]
fn a_secret_is_in_no_key_of_redis_and_in_no_line_of_the_log() {
    const LINES: [&str; 2] = ["-----planted-4711", "second\"line\u{e9}-0815"];
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"reach\"\n\n\
        [plugins.reach]\nsecrets = { TOKEN = \"env:PLANTED\" }\n";
    let setup = Setup::new(&redis, toml).plugin("reach", &guest("reach"));
    let setup = setup.env("PLANTED", &LINES.join("\n"));
    let setup = setup.env("RUNNER_LOG", "trace").env("RUST_LOG", "trace");
    let runner = setup.serve();
    for (how, ends) in [
        ("panic", "failed"),
        ("retry", "failed"),
        ("return", "completed"),
    ] {
        let id = redis.add("work", "tell", json!({ "how": how }).to_string(), "{}");
        assert_eq!(redis.until_ended("work", &id), ends, "{how}");
        assert!(logs(&redis, &id).len() >= 4, "{:?}", logs(&redis, &id));
    }
    let (stored, log) = (everything(&redis), runner.log().join("\n"));
    assert!(stored.matches("[redacted]").count() > 6, "{stored}");
    assert!(log.contains("[redacted]"), "{log}");
    for part in ["planted-4711", "-0815"] {
        for (place, text) in [("redis", &stored), ("the log", &log)] {
            let line = text.lines().find(|line| line.contains(part));
            assert_eq!(line, None, "{part} in {place}");
        }
    }
}

#[test]
fn a_secret_url_leaves_runner_in_none_of_its_forms() {
    use base64::Engine;
    const HOOK: &str = "HTTPS://Hooks.Example.com:443/T0K3N/a%20b\"c";
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"reach\"\n\n\
        [plugins.reach]\nhttp = [\"https://hooks.example.com\"]\n\
        secrets = { TOKEN = \"env:HOOK\" }\n";
    let setup = Setup::new(&redis, toml).plugin("reach", &guest("reach"));
    let setup = setup.env("HOOK", HOOK);
    let setup = setup.env("RUNNER_LOG", "trace").env("RUST_LOG", "trace");
    let runner = setup.spawn(&["--redis", &redis.url(), "dev", "--outbox"]);
    runner.until_ready();
    let id = redis.add("work", "hook", "{}", "{}");
    assert_eq!(redis.until_ended("work", &id), "failed");
    let outbox = std::fs::read_to_string(setup.path("data/outbox.ndjson")).unwrap();
    let reason = redis.field("work", &id, "failedReason").unwrap();
    assert_eq!(outbox.lines().count(), 2, "{outbox} {reason}");
    assert!(reason.matches("[redacted]").count() >= 5, "{reason}");
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("user:{HOOK}"));
    for (place, text) in [
        ("the outbox", outbox),
        ("redis", everything(&redis)),
        ("the log", runner.log().join("\n")),
    ] {
        for part in ["T0K3N", &pair[12..pair.len() - 4]] {
            let line = text.lines().find(|line| line.contains(part));
            assert_eq!(line, None, "{part} in {place}");
        }
    }
}

#[test]
fn a_queue_that_comes_back_while_its_jobs_end_runs_none_of_them_twice() {
    let redis = Redis::shared();
    let toml = format!("[runtime]\nlock = \"2s\"\nstalled_interval = \"500ms\"\n\n{SCRIPTED}");
    let (setup, runner) = serve(&redis, "scripted", &toml);
    let with = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let data = r#"{"log":["ran"],"sleep":6000,"result":"once"}"#;
    let id = redis.add("work", "long", data, "{}");
    redis.until_count("work", "active", 1);
    let taken_over = |times: usize| {
        until("queues.toml to be reloaded", || {
            (told(&runner, "was reloaded") == times).then_some(())
        });
    };
    setup.write(&with.replace(SCRIPTED, ""));
    taken_over(1);
    setup.write(&with);
    taken_over(2);
    let next = redis.add("work", "next", "{}", "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert_eq!(redis.until_ended("work", &next), "completed");
    assert_eq!(
        redis.field("work", &id, "returnvalue").as_deref(),
        Some("\"once\"")
    );
    assert_eq!(logs(&redis, &id).len(), 1, "it ran more than once");
    assert_eq!(redis.field("work", &id, "stc"), None, "stalled");
}

#[test]
fn jobs_of_a_removed_queue_are_handed_back_at_shutdown() {
    let redis = Redis::shared();
    let (setup, mut runner) = serve(&redis, "scripted", SCRIPTED);
    let with = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let id = redis.add("work", "long", r#"{"sleep":50000}"#, "{}");
    redis.until_count("work", "active", 1);
    setup.write(&with.replace(SCRIPTED, ""));
    runner.until_logged("was reloaded");
    runner.signal("TERM");
    runner.until_logged("stopping");
    assert!(runner.stop().success(), "the second signal ends it");
    assert_eq!(redis.count("work", "active"), 0);
    assert_eq!(redis.count("work", "wait"), 1);
    assert_eq!(
        redis.field("work", &id, "atm").as_deref().unwrap_or("0"),
        "0"
    );
}

#[test]
fn a_second_signal_hands_jobs_back_though_other_queues_have_stopped() {
    let redis = Redis::shared();
    let toml = format!("{SCRIPTED}\n[queues.idle]\nplugin = \"scripted\"\n");
    let (_setup, mut runner) = serve(&redis, "scripted", &toml);
    let id = redis.add("work", "long", r#"{"sleep":50000}"#, "{}");
    let short = redis.add("idle", "short", r#"{"sleep":1000}"#, "{}");
    redis.until_count("work", "active", 1);
    redis.until_count("idle", "active", 1);
    runner.signal("TERM");
    // With its last job the other queue stops.
    assert_eq!(redis.until_ended("idle", &short), "completed");
    runner.until_logged("stopping");
    assert!(runner.stop().success());
    assert_eq!(redis.count("work", "active"), 0);
    assert_eq!(redis.count("work", "wait"), 1);
    assert_eq!(
        redis.field("work", &id, "atm").as_deref().unwrap_or("0"),
        "0"
    );
    assert_eq!(told(&runner, "panicked"), 0);
}

#[test]
fn a_bad_edit_of_queues_toml_is_told_once_and_changes_nothing() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, "scripted", SCRIPTED);
    let good = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let edits = [
        "[queues.work\n",
        "[queues.work]\nplugn = \"scripted\"\n",
        "",
    ];
    for (edit, bad) in edits.iter().enumerate() {
        // In place, as a simple editor writes: truncated, then written.
        std::fs::write(setup.path("queues.toml"), bad).unwrap();
        until("the complaint", || {
            (told(&runner, "was not reloaded") > edit).then_some(())
        });
        let id = redis.add("work", "job", r#"{"result":1}"#, "{}");
        assert_eq!(redis.until_ended("work", &id), "completed");
    }
    setup.write(&good.replace("[queues.work]", "[queues.work]\nconcurrency = 3"));
    runner.until_logged("was reloaded");
    assert_eq!(told(&runner, "was not reloaded"), 3, "{:?}", runner.log());
}

#[test]
fn a_plugin_file_removed_under_load_costs_no_job() {
    const JOBS: u64 = 1000;
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let (setup, runner) = serve(&redis, "scripted", SCRIPTED);
    let flood = json!({ "queue": "work", "name": "n", "count": JOBS, "data": { "sleep": 50 } });
    let flood = node.begin("flood", flood);
    until("some progress", || {
        (redis.count("work", "completed") > 50).then_some(())
    });
    std::fs::remove_file(setup.path("plugins/scripted.wasm")).unwrap();
    runner.until_logged("cannot read ");
    assert!(redis.count("work", "completed") < JOBS, "removed too late");
    node.end(flood);
    redis.until_count("work", "completed", JOBS);
    assert_eq!(redis.count("work", "failed"), 0);
}

#[test]
fn a_queue_held_by_a_broken_plugin_starts_when_the_file_is_whole() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, SCRIPTED);
    let whole = std::fs::read(guest("scripted")).unwrap();
    std::fs::write(
        setup.path("plugins/scripted.wasm"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    let runner = setup.spawn(&["serve"]);
    let id = redis.add("work", "early", r#"{"result":1}"#, "{}");
    runner.until_logged("queue held");
    assert_eq!(redis.count("work", "wait"), 1);
    setup.install("scripted", &guest("scripted"));
    assert_eq!(redis.until_ended("work", &id), "completed");
}

#[test]
fn edits_of_queues_toml_while_a_plugin_compiles_all_come_into_force() {
    let redis = Redis::shared();
    let (setup, _runner) = serve(&redis, "scripted", SCRIPTED);
    let mut toml = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    // A component nobody has compiled yet: a custom section (id 0) with the time
    // in it changes the digest and nothing else.
    let mut fresh = std::fs::read(guest("scripted")).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    fresh.extend([0, 18, 1, b'n']);
    fresh.extend(now.to_le_bytes());
    std::fs::write(setup.path("plugins/fresh.wasm"), fresh).unwrap();
    let queues = ["one", "two", "three"];
    for (queue, plugin) in queues.into_iter().zip(["fresh", "scripted", "fresh"]) {
        toml.push_str(&format!("\n[queues.{queue}]\nplugin = {plugin:?}\n"));
        setup.write(&toml);
    }
    for queue in queues {
        let id = redis.add(queue, "job", r#"{"result":1}"#, "{}");
        assert_eq!(redis.until_ended(queue, &id), "completed", "{queue}");
    }
}

/// As after a failover: the server at the address is a replica for a while.
#[test]
fn a_redis_that_takes_no_writes_for_a_while_loses_and_repeats_no_ended_job() {
    let redis = Redis::own();
    let (_setup, runner) = serve(&redis, "scripted", SCRIPTED);
    let before = redis.add("work", "x", r#"{"result":1}"#, "{}");
    assert_eq!(redis.until_ended("work", &before), "completed");
    let running = redis.add("work", "x", r#"{"sleep":400,"result":2}"#, "{}");
    redis.until_count("work", "active", 1);
    // Of a master that nobody is: what is here stays, and nothing can be written.
    redis.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let line = runner.until_logged("the results of jobs are held until Redis accepts them");
    assert!(
        line.contains("READONLY") || line.contains("read only"),
        "{line}"
    );
    redis.run::<()>(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(redis.until_ended("work", &running), "completed");
    assert_eq!(
        redis.field("work", &running, "returnvalue").as_deref(),
        Some("2")
    );
    let after = redis.add("work", "x", r#"{"result":3}"#, "{}");
    assert_eq!(redis.until_ended("work", &after), "completed");
    assert_eq!(redis.field("work", &after, "atm").as_deref(), Some("1"));
}
