//! `runner queue stats`: states, rates and times, as text and as JSON.

use serde_json::json;

use super::{document, fill};
use crate::support::{Redis, Setup};

// Long because it is one story: what is written, and how it is counted in each form.
#[test]
fn stats_tell_states_rates_and_times() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    fill(&redis, "q", "wait", 3);
    let key = |suffix: &str| redis.key("q", suffix);
    let now = redis.run::<Vec<u64>>(&["TIME"])[0] * 1000;
    let minute = (now - 60_000).to_string();
    let run = |words: &[&str]| drop(redis.run::<redis::Value>(words));
    run(&[
        "HSET",
        &key("metrics:completed"),
        "count",
        "12",
        "prevCount",
        "9",
        "prevTS",
        &minute,
    ]);
    run(&["RPUSH", &key("metrics:completed:data"), "4", "5"]);
    run(&[
        "HSET",
        &key("wait1"),
        "timestamp",
        &(now - 90_000).to_string(),
    ]);
    run(&["LPUSH", &key("active"), "a", "b"]);
    run(&["SET", &key("b:lock"), "t"]);
    run(&[
        "HSET",
        &key("meta"),
        "paused",
        "1",
        "concurrency",
        "7",
        "max",
        "100",
        "duration",
        "10000",
    ]);
    for (id, added, delay) in [
        ("x", "1000", "{}"),
        ("y", "2000", "{}"),
        ("z", "0", "{\"delay\":9}"),
    ] {
        run(&[
            "HSET",
            &key(id),
            "name",
            "n",
            "timestamp",
            added,
            "processedOn",
            "3000",
        ]);
        run(&[
            "HSET",
            &key(id),
            "finishedOn",
            "3250",
            "ats",
            "1",
            "opts",
            delay,
        ]);
        run(&["ZADD", &key("completed"), "3250", id]);
    }
    let stats = document(&setup, "queue stats q");
    assert_eq!(
        (&stats["queue"], &stats["paused"], &stats["workers"]),
        (&json!("q"), &json!(true), &json!(0))
    );
    assert_eq!(
        (&stats["counts"]["waiting"], &stats["counts"]["active"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(stats["activeWithoutLock"], 1);
    assert_eq!(stats["concurrency"], 7);
    assert_eq!(stats["limit"], json!({"max": 100, "duration": 10_000}));
    assert_eq!(stats["completedPerMinute"], json!([3, 4, 5]));
    assert_eq!(stats["failedPerMinute"], json!([]));
    assert_eq!(
        stats["waited"],
        json!({"p50": 1000, "p95": 1000, "max": 2000})
    );
    assert_eq!(stats["ran"], json!({"p50": 250, "p95": 250, "max": 250}));
    let oldest = stats["oldestWaiting"].as_u64().unwrap();
    assert!((90_000..150_000).contains(&oldest), "{oldest}");

    let text = setup.cli(&["queue", "stats", "q"]).stdout;
    for line in [
        "active           2, 1 without a lock",
        "waiting          3, paused",
        "concurrency      7 over all workers",
        "limit            100/10s over all workers",
        "per minute       3 (mean of 3 min: 4.0) completed",
        "waited           1s median, 1s p95, 2s longest",
        "ran              250ms median, 250ms p95, 250ms longest",
    ] {
        assert!(text.lines().any(|had| had == line), "{line}\n{text}");
    }
}

#[test]
fn stats_of_the_first_minute_are_told_from_those_that_nobody_keeps() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    fill(&redis, "q", "wait", 1);
    let told = || {
        let text = setup.cli(&["queue", "stats", "q"]).stdout;
        let line = text.lines().find(|line| line.starts_with("per minute"));
        let kept = document(&setup, "queue stats q")["metrics"].clone();
        (line.unwrap().to_owned(), kept)
    };
    let none = "per minute       unknown: no worker of the queue keeps metrics";
    assert_eq!(told(), (none.to_owned(), json!(false)));
    // Begun in a minute that is not over, however long the test takes.
    let key = redis.key("q", "metrics:failed");
    let begun = (redis.run::<Vec<u64>>(&["TIME"])[0] * 1000 + 3_600_000).to_string();
    let fields = ["count", "1", "prevCount", "0", "prevTS", &begun];
    let _: u32 = redis.run(&[&["HSET", &key], &fields[..]].concat());
    let first = "per minute       less than a full minute so far";
    assert_eq!(told(), (first.to_owned(), json!(true)));
}
