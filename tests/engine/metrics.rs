//! Completed and failed jobs per minute, as BullMQ's worker option `metrics`
//! keeps them and `queue.getMetrics` reads them.

use serde_json::{Value, json};

use crate::support::{Node, Redis, Setup, guest, now, until};

const TOML: &str = "[queues.runner]\nplugin = \"scripted\"\nconcurrency = 8\nmetrics = 5\n";

/// What is not a moment of `getMetrics`.
fn figures(node: &mut Node, queue: &str, kind: &str) -> (Value, Value, bool) {
    let mut seen = node.queue(queue, "getMetrics", json!([kind]));
    let moment = seen["meta"]["prevTS"].take();
    let recent = moment.as_u64() > Some(now() - 120_000);
    (seen["meta"].take(), seen["data"].take(), recent)
}

/// Move what the counters know so many minutes into the past.
fn age(redis: &Redis, queue: &str, kind: &str, minutes: u64) {
    let key = redis.key(queue, &format!("metrics:{kind}"));
    let then: u64 = redis.run(&["HGET", &key, "prevTS"]);
    let before = (then - minutes * 60_000).to_string();
    redis.run::<()>(&["HSET", &key, "prevTS", &before]);
}

type Figures = [[(Value, Value, bool); 2]; 2];

/// So many good and bad jobs on a queue of Node's worker and on one of Runner's,
/// so many minutes after the last ones; what is read of both after each row.
fn work(version: u8, rows: &[(u64, u64, u64)]) -> Vec<Figures> {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, version);
    let setup = Setup::new(&redis, TOML).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let metrics = json!({ "maxDataPoints": 5 });
    node.call("worker", json!({ "queue": "node", "metrics": metrics }));
    let mut row =
        |(minutes, good, bad): &(u64, u64, u64)| {
            ["node", "runner"].map(|queue| {
            for kind in ["completed", "failed"] {
                if *minutes > 0 {
                    age(&redis, queue, kind, *minutes);
                }
            }
            let (done, failed) = (redis.count(queue, "completed"), redis.count(queue, "failed"));
            let flood =
                |count, data| json!({ "queue": queue, "name": "x", "count": count, "data": data });
            node.call("flood", flood(good, json!({})));
            node.call("flood", flood(bad, json!({ "reject": "no" })));
            redis.until_count(queue, "completed", done + good);
            redis.until_count(queue, "failed", failed + bad);
            ["completed", "failed"].map(|kind| figures(&mut node, queue, kind))
        })
        };
    rows.iter().map(&mut row).collect()
}

fn minute() -> u64 {
    now() / 60_000
}

#[test]
fn ends_per_minute_read_as_those_of_a_node_worker() {
    for version in [5, 6] {
        let seen = loop {
            let begin = minute();
            let seen = work(version, &[(0, 20, 3), (1, 7, 2), (3, 1, 1), (9, 2, 0)]);
            // A minute that ends between the two queues counts for one of them.
            if minute() == begin {
                break seen;
            }
        };
        for [node, runner] in &seen {
            assert_eq!(runner, node, "bullmq {version}");
        }
        let data = |row: usize, kind: usize| seen[row][1][kind].1.clone();
        assert_eq!(seen[0][1][0].0["count"], 20);
        assert_eq!(seen[0][1][1].0["count"], 3);
        assert_eq!(data(0, 0), json!([]), "no minute is over");
        assert_eq!(data(1, 0), json!([20]));
        assert_eq!(data(2, 0), json!([0, 0, 7, 20]), "minutes without an end");
        assert_eq!(data(2, 1), json!([0, 0, 2, 3]));
        assert_eq!(
            data(3, 0),
            json!([0, 0, 0, 0, 1]),
            "no more than are wanted"
        );
        assert_eq!(seen[3][1][0].0["prevCount"], 28);
    }
}

#[test]
fn a_retried_attempt_is_not_counted() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = Setup::new(&redis, TOML).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let data = json!({ "retry": "busy", "attempts": 2 });
    let id = node.add("runner", "x", data, json!({ "attempts": 3 }));
    redis.until_ended("runner", &id);
    let (completed, ..) = figures(&mut node, "runner", "completed");
    let (failed, ..) = figures(&mut node, "runner", "failed");
    assert_eq!(
        (&completed["count"], &failed["count"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn metrics_are_kept_for_a_day_unless_switched_off() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let toml = "[queues.on]\nplugin = \"scripted\"\n[queues.off]\nplugin = \"scripted\"\nmetrics = false\n";
    let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    for queue in ["on", "off"] {
        let id = node.add(queue, "x", json!({}), json!({}));
        redis.until_ended(queue, &id);
    }
    let exists = |queue| redis.run::<bool>(&["EXISTS", &redis.key(queue, "metrics:completed")]);
    assert!(exists("on"));
    assert!(!exists("off"));
    let explained = setup.cli(&["explain", "on"]).stdout;
    let row = explained.lines().find(|row| row.contains("metrics"));
    let words: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(words, ["metrics", "of", "1440", "minutes", "default"]);
}

#[test]
fn a_counter_that_is_no_hash_costs_the_figures_and_not_the_queue() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = Setup::new(&redis, TOML).plugin("scripted", &guest("scripted"));
    redis.run::<()>(&["SET", &redis.key("runner", "metrics:completed"), "x"]);
    let _runner = setup.serve();
    let id = node.add("runner", "x", json!({}), json!({}));
    assert_eq!(redis.until_ended("runner", &id), "completed");
    until("the queue to be idle", || {
        (redis.count("runner", "active") == 0).then_some(())
    });
}

#[test]
fn failures_are_counted_by_cause() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"typed\"\ncontract = \"test:typed/jobs\"\n";
    let setup = Setup::new(&redis, toml).plugin("typed", &guest("typed"));
    let _runner = setup.serve();
    let stats = |json: bool| {
        let flags: &[&str] = if json { &["--json"] } else { &[] };
        setup
            .cli(&[&["queue", "stats", "work"], flags].concat())
            .stdout
    };
    let line = |text: String| {
        text.lines()
            .find(|of| of.starts_with("failed by"))
            .map(str::to_owned)
    };
    assert_eq!(line(stats(false)), None);
    for (name, data) in [
        ("few", "{}"),
        ("count", "300"),
        ("trap", "\"x\""),
        ("count", "1"),
    ] {
        redis.until_ended("work", &redis.add("work", name, data, "{}"));
    }
    let later = setup.cli(&["add", "work", "nothing", "null", "--delay", "1h"]);
    let later = later.stdout.split_whitespace().last().unwrap().to_owned();
    let cancelled = setup.cli(&["job", "cancel", "work", &later]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    assert_eq!(
        line(stats(false)).as_deref(),
        Some("failed by        contract 2, cancelled 1, panic 1")
    );
    let stats: serde_json::Value = serde_json::from_str(&stats(true)).unwrap();
    assert_eq!(
        stats["failedByCause"],
        json!({ "cancelled": 1, "contract": 2, "panic": 1 })
    );
}
