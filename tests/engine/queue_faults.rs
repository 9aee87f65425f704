//! The queue engine when something breaks: locks, connections, Redis, workers,
//! jobs that cannot be run, and its own end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::outcome::Outcome;
use runner::queue::{self, Attempt, Batch, Settled, Settlement, State, Stop};
use serde_json::json;

use crate::support::engine::*;
use crate::support::{Node, Redis, Relay, until};

#[test]
fn stopping_hands_running_jobs_back_without_spending_an_attempt() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, |attempt| {
        until("the stop", || {
            (attempt.stopped() == Some(Stop::Shutdown)).then_some(())
        });
        Outcome::Released
    });
    engine.consume(config("q", 2));
    for _ in 0..3 {
        redis.add("q", "x", "{}", "{}");
    }
    redis.until_count("q", "active", 2);
    engine.stop(Duration::from_millis(20));
    assert_eq!(redis.count("q", "active"), 0);
    assert_eq!(redis.count("q", "wait"), 3);
    assert_eq!(redis.field("q", "1", "atm"), None);
    let locks: Vec<String> = redis.run(&["KEYS", &redis.key("q", "*:lock")]);
    assert_eq!(locks, [""; 0]);
}

#[test]
fn a_lost_lock_stops_the_attempt_and_nothing_is_written() {
    let redis = Redis::shared();
    let mut engine = Engine::with(&redis, Duration::from_millis(300), |attempt| {
        until("the lock to be lost", || attempt.lost().then_some(()));
        Outcome::Completed("1".into())
    });
    engine.consume(config("q", 1));
    let id = redis.add("q", "x", "{}", "{}");
    redis.until_count("q", "active", 1);
    let () = redis.run(&[
        "SET",
        &redis.key("q", &format!("{id}:lock")),
        "somebody",
        "PX",
        "60000",
    ]);
    engine.stop(Duration::from_secs(30));
    assert_eq!(redis.count("q", "completed"), 0);
    assert_eq!(redis.count("q", "active"), 1);
    assert_eq!(redis.field("q", &id, "returnvalue"), None);
}

#[test]
fn jobs_that_cannot_be_run_are_failed_with_a_reason_and_the_queue_goes_on() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, echo);
    let bad_options = redis.add("q", "x", "{}", "{oops");
    let wrong_type = redis.add("q", "x", "{}", "{}");
    let missing = redis.add("q", "x", "{}", "{}");
    let not_text = redis.add("q", "x", "{}", "{}");
    let deep = redis.add(
        "q",
        "x",
        format!("{}{}", "[".repeat(200), "]".repeat(200)),
        "{}",
    );
    let surrogate = redis.add("q", "x", r#""a\ud83d""#, "{}");
    let good = redis.add("q", "x", "17", "{}");
    let () = redis.run(&[
        "DEL",
        &redis.key("q", &wrong_type),
        &redis.key("q", &missing),
    ]);
    let _: u64 = redis.run(&["LPUSH", &redis.key("q", &wrong_type), "x"]);
    let () = redis::cmd("HSET")
        .arg(redis.key("q", &not_text))
        .arg("data")
        .arg(&b"ab\xff"[..])
        .query(&mut redis.connect())
        .unwrap();
    engine.consume(config("q", 5));
    redis.until_count("q", "failed", 4);
    redis.until_count("q", "completed", 3);
    let reason = |id: &str| redis.field("q", id, "failedReason").unwrap();
    assert_eq!(
        reason(&bad_options),
        "the options are not JSON: key must be a string at line 1 column 2"
    );
    assert_eq!(reason(&wrong_type), "the key of the job is not a hash");
    assert_eq!(
        reason(&missing),
        "incomplete job: name, data or timestamp is missing"
    );
    assert_eq!(reason(&not_text), "the payload is not UTF-8 text: byte 2");
    assert_eq!(
        redis.field("q", &surrogate, "returnvalue").unwrap(),
        r#""a\ud83d""#
    );
    assert_eq!(redis.field("q", &deep, "returnvalue").unwrap().len(), 400);
    assert_eq!(redis.field("q", &good, "returnvalue").unwrap(), "17");
    assert_eq!(redis.count("q", "active"), 0);
    engine.stop(Duration::from_secs(5));
}

/// Jobs that complete in one call, after something happened to one of them.
fn settled_together(happens: impl Fn(&Redis, &str)) -> (Redis, Vec<Settled>) {
    let redis = Redis::shared();
    let engine = Engine::new(&redis, echo);
    for _ in 0..4 {
        redis.add("q", "x", "{}", "{}");
    }
    let queue = engine.shared.queue(&config("q", 4));
    let settle = |ends, take| {
        let batch = Batch::new(ends);
        engine.runtime.block_on(queue.settle(&batch, take)).unwrap()
    };
    let (_, taken) = settle(Vec::new(), 4);
    let ends = taken.jobs.into_iter().map(|job| {
        let attempt = Attempt::new(job, queue.clone(), taken.token.clone(), Duration::MAX);
        let outcome = Outcome::Completed("1".into());
        let attempt = Arc::new(attempt);
        Settlement { attempt, outcome }
    });
    let mut ends: Vec<Settlement> = ends.collect();
    assert!(ends.iter().all(|end| end.attempt.job.fresh));
    ends.pop();
    happens(&redis, &redis.key("q", "1"));
    let (settled, _) = settle(ends, 0);
    assert_eq!(redis.count("q", "completed"), 2);
    let active: Vec<String> = redis.run(&["LRANGE", &redis.key("q", "active"), "0", "-1"]);
    assert_eq!(active, ["4"], "the one that still runs");
    let locks: Vec<String> = redis.run(&["KEYS", &redis.key("q", "*:lock")]);
    assert_eq!(locks, [redis.key("q", "4:lock")]);
    (redis, settled)
}

#[test]
fn a_job_whose_key_is_overwritten_while_it_runs_costs_no_other() {
    let (redis, settled) = settled_together(|redis, key| redis.run(&["SET", key, "oops"]));
    let completed = Settled::Now(State::Completed);
    assert_eq!(
        settled,
        [Settled::Now(State::Failed), completed.clone(), completed]
    );
    assert_eq!(redis.count("q", "failed"), 1);
    assert_eq!(
        redis.field("q", "1", "failedReason").as_deref(),
        Some("the key of the job is not a hash")
    );
}

#[test]
fn a_job_that_is_removed_while_it_runs_does_not_come_back() {
    let (redis, settled) = settled_together(|redis, key| redis.run(&["DEL", key]));
    let completed = Settled::Now(State::Completed);
    assert_eq!(settled, [Settled::Removed, completed.clone(), completed]);
    assert!(!redis.run::<bool>(&["EXISTS", &redis.key("q", "1")]));
}

#[test]
fn a_child_that_is_added_while_a_job_runs_is_awaited() {
    let (redis, settled) = settled_together(|redis, key| {
        redis.run(&["SADD", &format!("{key}:dependencies"), "bull:q:child"])
    });
    let completed = Settled::Now(State::Completed);
    let waits = Settled::Now(State::WaitingChildren);
    assert_eq!(settled, [waits, completed.clone(), completed]);
    assert_eq!(redis.count("q", "waiting-children"), 1);
    assert_eq!(redis.field("q", "1", "finishedOn"), None);
}

#[test]
fn redis_killed_under_load_loses_no_job() {
    let mut redis = Redis::own();
    let mut node = Node::start(&redis, 6);
    let mut engine = Engine::with(&redis, Duration::from_secs(6), |attempt| {
        std::thread::yield_now();
        echo(attempt)
    });
    node.call(
        "flood",
        json!({"queue": "q", "name": "x", "count": 6000, "data": {}, "opts": {}}),
    );
    engine.consume(config("q", 20));
    until("some jobs to complete", || {
        (redis.count("q", "completed") > 500).then_some(())
    });
    redis.kill();
    redis.start();
    redis.until_count("q", "completed", 6000);
    assert_eq!(redis.count("q", "active"), 0);
    assert_eq!(redis.count("q", "failed"), 0);
    engine.stop(Duration::from_secs(5));
}

#[test]
fn connections_cut_under_load_cost_no_job_a_stall_or_a_second_run() {
    let redis = Redis::shared();
    let relay = Relay::to(redis.port());
    let runs: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
    let seen = runs.clone();
    let url = relay.url();
    let mut engine = Engine::over(
        &url,
        redis.prefix(),
        Duration::from_secs(30),
        move |attempt| {
            *seen
                .lock()
                .unwrap()
                .entry(attempt.job.id.clone())
                .or_default() += 1;
            echo(attempt)
        },
    );
    let mut node = Node::start(&redis, 6);
    node.call(
        "flood",
        json!({"queue": "q", "name": "x", "count": 6000, "data": {}, "opts": {}}),
    );
    engine.consume(config("q", 20));
    for cut in 1..=12 {
        until("more jobs to complete", || {
            (redis.count("q", "completed") >= cut * 450).then_some(())
        });
        relay.cut();
    }
    redis.until_count("q", "completed", 6000);
    assert_eq!(redis.count("q", "active"), 0);
    let twice = runs
        .lock()
        .unwrap()
        .values()
        .filter(|runs| **runs > 1)
        .count();
    assert_eq!(twice, 0, "jobs that ran twice");
    for id in 1..=6000 {
        assert_eq!(
            redis.field("q", &id.to_string(), "stc"),
            None,
            "job {id} stalled"
        );
    }
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_payload_over_the_limit_is_refused() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, echo);
    let mut small = config("q", 1);
    small.base.max_payload = 10;
    engine.consume(small);
    let id = redis.add("q", "x", r#""12345678901""#, r#"{"attempts":3}"#);
    redis.until_count("q", "failed", 1);
    assert_eq!(
        redis.field("q", &id, "failedReason").unwrap(),
        "the payload has 13 bytes, more than the 10 of max_payload"
    );
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_job_whose_worker_died_is_run_by_another() {
    let redis = Redis::shared();
    let mut engine = Engine::with(&redis, Duration::from_millis(600), echo);
    // Taken by a worker that is gone: active, its lock expired.
    let id = redis.add("q", "x", "{}", "{}");
    let _: String = redis.run(&[
        "RPOPLPUSH",
        &redis.key("q", "wait"),
        &redis.key("q", "active"),
    ]);
    engine.consume(config("q", 1));
    redis.until_count("q", "completed", 1);
    assert_eq!(redis.field("q", &id, "stc").as_deref(), Some("1"));
    engine.stop(Duration::from_secs(5));
}

#[test]
fn an_unreachable_redis_is_named_without_its_password() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let redis = queue::Redis::new("redis://user:hunter2@127.0.0.1:1/0", "bull").unwrap();
    let error = runtime.block_on(redis.ping()).unwrap_err().to_string();
    assert!(
        error.starts_with("Redis at 127.0.0.1:1 cannot be reached: "),
        "{error}"
    );
    assert!(!error.contains("hunter2"));
}

#[test]
fn an_attempt_whose_start_panics_fails_and_gives_its_slot_back() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, echo);
    let start = engine.shared.start.clone();
    engine.shared.start = Arc::new(move |attempt, settings, done| {
        assert!(attempt.job.name != "bad", "a bug of ours");
        start(attempt, settings, done);
    });
    engine.consume(config("q", 1));
    let bad = [(); 3].map(|()| redis.add("q", "bad", "{}", r#"{"attempts":2}"#));
    let good = redis.add("q", "good", "{}", "{}");
    assert_eq!(redis.until_ended("q", &good), "completed");
    for id in &bad {
        assert_eq!(redis.until_ended("q", id), "failed");
        let field = |name| redis.field("q", id, name);
        assert_eq!(field("atm").as_deref(), Some("2"));
        assert_eq!(field("stc"), None, "stalled");
        assert_eq!(
            field("failedReason").as_deref(),
            Some("internal panic of runner: the attempt was dropped")
        );
    }
    engine.stop(Duration::from_secs(5));
}
