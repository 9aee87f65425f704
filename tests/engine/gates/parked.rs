//! Jobs that wait for a gate, as BullMQ, the commands and other runners meet them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{QUEUE, assert_nothing_left};
use crate::support::{Node, Redis, Runner, Setup, guest, until};

fn served(redis: &Redis, toml: &str) -> (Setup, Runner) {
    let setup = Setup::new(redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    (setup, runner)
}

const TOML: &str = "[queues.work]\nplugin = \"scripted\"\n\n\
                    [queues.work.group]\nby = \"shop\"\nconcurrency = 1\n";

/// The jobs in the order of their last starts.
fn starts(redis: &Redis) -> Vec<String> {
    let events: Vec<(String, HashMap<String, String>)> =
        redis.run(&["XRANGE", &redis.key(QUEUE, "events"), "-", "+"]);
    let mut ids: Vec<String> = Vec::new();
    for (_, event) in events {
        if event["event"] == "active" {
            ids.retain(|id| *id != event["jobId"]);
            ids.push(event["jobId"].clone());
        }
    }
    ids
}

/// The events of a job up to its last delay.
fn told(node: &mut Node, id: &str) -> Vec<String> {
    let events = node.events(QUEUE, "delayed", Some(id));
    let of_job = events.iter().filter(|event| event["jobId"] == id);
    of_job
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect()
}

const RUNNING: &str = r#"{"shop":1,"sleep":60000}"#;

// Long because it is one story: each step needs the one before.
#[test]
fn node_and_the_commands_see_parked_jobs_as_delayed_ones() {
    let redis = Redis::shared();
    for version in [5, 6] {
        let mut node = Node::start(&redis, version);
        let (setup, mut runner) = served(&redis, TOML);
        let running = redis.add(QUEUE, "x", RUNNING, "{}");
        redis.until_count(QUEUE, "active", 1);
        let mut add = |options| node.add(QUEUE, "x", json!({ "shop": 1 }), options);
        let ids: Vec<String> = (0..4).map(|_| add(json!({}))).collect();
        let urgent = add(json!({ "priority": 2 }));
        redis.until_count(QUEUE, "delayed", 5);
        for id in ids.iter().chain([&urgent]) {
            let job = node.job(QUEUE, id);
            assert_eq!(job["state"], "delayed");
            assert_eq!(redis.field(QUEUE, id, "ats"), None);
            assert_eq!(told(&mut node, id), ["added", "waiting", "delayed"]);
        }
        let stats = setup.cli(&["--json", "queue", "stats", QUEUE]);
        let stats: Value = serde_json::from_str(&stats.stdout).unwrap();
        assert_eq!(stats["parked"], 5);
        assert_eq!(stats["counts"]["delayed"], 5);

        let shown = setup.cli(&["--json", "job", "get", QUEUE, &ids[0]]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["gate"], "group:1");
        let shown = setup.cli(&["--json", "job", "get", QUEUE, &running]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["gate"], Value::Null);

        // Removed, cancelled, put off, promoted: as any delayed job.
        node.job_call(QUEUE, &ids[0], "remove", json!([]));
        let ended = setup.cli(&["job", "cancel", QUEUE, &ids[1]]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        node.job_call(QUEUE, &ids[2], "changeDelay", json!([3_600_000]));
        node.job_call(QUEUE, &ids[3], "promote", json!([]));
        until("the promoted job to be parked again", || {
            let again = ["added", "waiting", "delayed", "waiting", "delayed"];
            (told(&mut node, &ids[3]) == again).then_some(())
        });
        let stats = setup.cli(&["queue", "stats", QUEUE]);
        let delayed = stats
            .stdout
            .lines()
            .find(|line| line.starts_with("delayed"));
        assert_eq!(
            delayed,
            Some("delayed          3, 2 parked at gates"),
            "{}",
            stats.stdout
        );

        setup.cli(&["job", "cancel", QUEUE, &running]);
        for id in [&ids[3], &urgent] {
            assert_eq!(redis.until_ended(QUEUE, id), "completed");
            assert_eq!(redis.field(QUEUE, id, "ats").as_deref(), Some("1"));
        }
        assert_eq!(node.job(QUEUE, &ids[2])["state"], "delayed");
        assert_nothing_left(&redis);
        runner.stop();
        node.queue(QUEUE, "obliterate", json!([{ "force": true }]));
    }
}

#[test]
fn a_killed_runner_keeps_no_group_shut() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TOML).plugin("scripted", &guest("scripted"));
    let mut dead = setup.serve();
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let parked: Vec<String> = (0..3)
        .map(|_| redis.add(QUEUE, "x", r#"{"shop":1}"#, "{}"))
        .collect();
    redis.until_count(QUEUE, "delayed", 3);
    dead.kill();
    let data = r#"{"shop":1,"result":1}"#;
    redis.run::<()>(&["HSET", &redis.key(QUEUE, &running), "data", data]);
    let _peer = setup.serve();
    for id in [&running].into_iter().chain(&parked) {
        assert_eq!(redis.until_ended(QUEUE, id), "completed");
    }
    let in_order: Vec<&String> = [&running].into_iter().chain(&parked).collect();
    assert_eq!(starts(&redis).iter().collect::<Vec<_>>(), in_order);
    assert_nothing_left(&redis);
}

#[test]
fn a_limit_is_changed_and_lifted_while_jobs_run() {
    let redis = Redis::shared();
    let (setup, _runner) = served(&redis, TOML);
    for _ in 0..6 {
        redis.add(QUEUE, "x", RUNNING, "{}");
    }
    redis.until_count(QUEUE, "delayed", 5);
    let text = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    setup.write(&text.replace("concurrency = 1", "concurrency = 3"));
    redis.until_count(QUEUE, "active", 3);
    assert_eq!(redis.count(QUEUE, "delayed"), 3);
    setup.write(&text.replace("[queues.work.group]\nby = \"shop\"\nconcurrency = 1\n", ""));
    redis.until_count(QUEUE, "active", 6);
    assert_eq!(redis.count(QUEUE, "delayed"), 0);
}

#[test]
fn jobs_that_wait_for_a_gate_are_drained_with_those_that_wait() {
    let redis = Redis::shared();
    let (setup, _runner) = served(&redis, TOML);
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let mut node = Node::start(&redis, 6);
    let far = node.add(
        QUEUE,
        "x",
        json!({ "shop": 1 }),
        json!({ "delay": 3_600_000 }),
    );
    for _ in 0..4 {
        redis.add(QUEUE, "x", RUNNING, "{}");
    }
    redis.until_count(QUEUE, "delayed", 5);
    let asked = setup.cli(&["queue", "drain", QUEUE]);
    assert!(
        asked.stderr.contains("removes 4 waiting jobs"),
        "{}",
        asked.stderr
    );
    let drained = setup.cli(&["queue", "drain", QUEUE, "--yes"]);
    assert_eq!(drained.stdout, "removed 4 jobs\n", "{drained:?}");
    assert_eq!(node.job(QUEUE, &far)["state"], "delayed");
    assert_eq!(redis.count(QUEUE, "delayed"), 1);
    setup.cli(&["job", "cancel", QUEUE, &running]);
    assert_eq!(redis.until_ended(QUEUE, &running), "failed");
    assert_nothing_left(&redis);
}

#[test]
fn parked_jobs_that_nobody_let_go_wait_again_in_their_place() {
    let redis = Redis::shared();
    let (setup, _runner) = served(&redis, TOML);
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let done = r#"{"shop":1,"result":1}"#;
    let mut ids: Vec<String> = (0..3).map(|_| redis.add(QUEUE, "x", done, "{}")).collect();
    redis.until_count(QUEUE, "delayed", 3);
    // The hour of the first is over; another job lets the worker look.
    let delayed = redis.key(QUEUE, "delayed");
    redis.run::<()>(&["ZADD", &delayed, "1", &ids[0]]);
    ids.push(redis.add(QUEUE, "x", done, "{}"));
    until("the first to be parked anew", || {
        let score: Option<f64> = redis.run(&["ZSCORE", &delayed, &ids[0]]);
        (redis.count(QUEUE, "delayed") == 4 && score > Some(1.0)).then_some(())
    });
    setup.cli(&["job", "cancel", QUEUE, &running]);
    redis.until_count(QUEUE, "completed", 4);
    assert_eq!(starts(&redis)[1..], ids);
    assert_nothing_left(&redis);
}

#[test]
fn the_next_of_a_group_is_chosen_by_priority_then_by_age() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let (setup, _runner) = served(&redis, TOML);
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let ids: Vec<String> = [9, 0, 9, 3, 0]
        .into_iter()
        .enumerate()
        .map(|(before, priority)| {
            let data = json!({ "shop": 1, "result": 1 });
            let id = node.add(QUEUE, "x", data, json!({ "priority": priority }));
            redis.until_count(QUEUE, "delayed", before as u64 + 1);
            id
        })
        .collect();
    setup.cli(&["job", "cancel", QUEUE, &running]);
    redis.until_count(QUEUE, "completed", 5);
    assert_eq!(
        starts(&redis)[1..],
        [1, 4, 3, 0, 2].map(|at| ids[at].clone())
    );
    assert_nothing_left(&redis);
}

#[test]
fn jobs_handed_back_keep_their_place_in_the_group() {
    let redis = Redis::shared();
    let short = format!("[runtime]\ngrace = \"50ms\"\n\n{TOML}");
    let (setup, mut first) = served(&redis, &short);
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let done = r#"{"shop":1,"result":1}"#;
    let parked = redis.add(QUEUE, "x", done, "{}");
    redis.until_count(QUEUE, "delayed", 1);
    first.stop();
    assert_eq!(redis.count(QUEUE, "wait"), 1);
    assert_eq!(redis.count(QUEUE, "delayed"), 1);
    redis.run::<()>(&["HSET", &redis.key(QUEUE, &running), "data", done]);
    let _second = setup.serve();
    redis.until_count(QUEUE, "completed", 2);
    assert_eq!(starts(&redis), [running, parked]);
    assert_nothing_left(&redis);
}

#[test]
fn a_job_expires_while_its_gate_is_full() {
    let redis = Redis::shared();
    let toml = TOML.replace("\n\n", "\nexpires = \"1s\"\n\n");
    let (setup, _runner) = served(&redis, &toml);
    let running = redis.add(QUEUE, "x", RUNNING, "{}");
    redis.until_count(QUEUE, "active", 1);
    let mut node = Node::start(&redis, 6);
    let late: Vec<String> = (0..3)
        .map(|_| node.add(QUEUE, "x", json!({ "shop": 1 }), json!({})))
        .collect();
    redis.until_count(QUEUE, "delayed", 3);
    let put_off = node.add(
        QUEUE,
        "x",
        json!({ "shop": 1 }),
        json!({ "delay": 3_600_000 }),
    );
    for id in &late {
        assert_eq!(redis.until_ended(QUEUE, id), "failed");
        let reason = redis.field(QUEUE, id, "failedReason");
        assert_eq!(reason.as_deref(), Some("expired: not started within 1s"));
        assert_eq!(redis.field(QUEUE, id, "rv"), None, "it was run");
    }
    assert_eq!(redis.count(QUEUE, "active"), 1);
    assert_eq!(node.job(QUEUE, &put_off)["state"], "delayed");
    setup.cli(&["job", "cancel", QUEUE, &running]);
    assert_eq!(redis.until_ended(QUEUE, &running), "failed");
}
