//! Nothing is lost: Runner killed, Redis killed, shutdown with jobs running.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Node, Redis, Setup, guest, until};

/// Short locks, so that the work of the dead is found within the test.
const QUEUE: &str = r#"
[runtime]
lock = "2s"
stalled_interval = "500ms"
grace = "300ms"

[queues.work]
plugin = "scripted"
concurrency = 20
"#;

fn setup(redis: &Redis) -> Setup {
    Setup::new(redis, QUEUE).plugin("scripted", &guest("scripted"))
}

/// Every job is completed exactly once in the books, and nothing is left over.
#[track_caller]
fn assert_all_completed(redis: &Redis, jobs: u64) {
    redis.until_count("work", "completed", jobs);
    for set in ["wait", "active", "delayed", "failed", "prioritized"] {
        assert_eq!(redis.count("work", set), 0, "{set}");
    }
}

#[test]
fn a_killed_runner_loses_no_job() {
    const JOBS: u64 = 1000;
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = setup(&redis);
    node.call(
        "flood",
        json!({ "queue": "work", "name": "n", "count": JOBS, "data": { "sleep": 5 } }),
    );
    for kill in 1..=3 {
        let mut runner = setup.serve();
        until("some progress", || {
            (redis.count("work", "completed") >= kill * 100).then_some(())
        });
        until("jobs in flight", || {
            (redis.count("work", "active") > 0).then_some(())
        });
        runner.kill();
    }
    let orphans = redis.count("work", "active");
    assert!(orphans > 0, "the last kill hit no running job");
    let _runner = setup.serve();
    assert_all_completed(&redis, JOBS);
}

#[test]
fn jobs_of_an_unknown_dead_worker_start_again_within_lock_and_interval() {
    let redis = Redis::shared();
    let setup = setup(&redis);
    let mut dead = setup.serve();
    let id = redis.add("work", "long", r#"{"sleep":60000}"#, "{}");
    redis.until_count("work", "active", 1);
    dead.kill();
    // Nobody knows of it, as of a worker that is not Runner.
    redis.run::<()>(&["DEL", &format!("{}:runner:alive", redis.prefix())]);
    redis.run::<()>(&[
        "HSET",
        &redis.key("work", &id),
        "data",
        r#"{"result":"again"}"#,
    ]);
    let died = Instant::now();
    let _runner = setup.serve();
    assert_eq!(redis.until_ended("work", &id), "completed");
    // Lock 2 s, looked for twice a second, marked in one round and recovered in
    // the next; a lock that nobody set has 30 s.
    let took = died.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert_eq!(
        redis.field("work", &id, "stc").as_deref(),
        Some("1"),
        "stalled once"
    );
}

#[test]
fn a_killed_redis_loses_no_job_and_work_goes_on_by_itself() {
    const JOBS: u64 = 1000;
    let mut redis = Redis::own();
    let mut node = Node::start(&redis, 6);
    let setup = setup(&redis);
    let mut runner = setup.serve();
    node.call(
        "flood",
        json!({ "queue": "work", "name": "n", "count": JOBS, "data": { "sleep": 5 } }),
    );
    for kill in 1..=2 {
        until("some progress", || {
            (redis.count("work", "completed") >= kill * 100).then_some(())
        });
        redis.kill();
        runner.until_logged(&format!("127.0.0.1:{}", redis.port()));
        redis.start();
    }
    assert_all_completed(&redis, JOBS);
    assert!(runner.ended().is_none(), "the same process all the time");
}

#[test]
fn a_runner_started_before_its_redis_waits_and_says_what_it_dials() {
    let mut redis = Redis::own();
    let setup = setup(&redis);
    let id = redis.add("work", "early", r#"{"result":1}"#, "{}");
    redis.kill();
    let runner = setup.spawn(&["serve"]);
    runner.until_logged(&format!("127.0.0.1:{}", redis.port()));
    redis.start();
    assert_eq!(redis.until_ended("work", &id), "completed");
}

#[test]
fn sigterm_hands_running_jobs_back_without_an_attempt_or_a_stall() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = setup(&redis);
    let mut runner = setup.serve();
    let id = node.add("work", "long", json!({ "sleep": 60_000 }), json!({}));
    redis.until_count("work", "active", 1);
    let asked = Instant::now();
    assert!(runner.stop().success(), "{:?}", runner.log());
    // The job would sleep for a minute, and a grace that nobody set has 25 s.
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    let job = node.job("work", &id);
    assert_eq!(job["state"], "waiting");
    assert_eq!(job["attemptsMade"], 0);
    assert_eq!(job["stalledCounter"], 0);
    assert_eq!(redis.count("work", "active"), 0);
    assert_eq!(
        redis.run::<u64>(&["EXISTS", &redis.key("work", &format!("{id}:lock"))]),
        0
    );
}

#[test]
fn sigterm_lets_short_jobs_finish_and_takes_no_more() {
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        "[queues.work]\nplugin = \"scripted\"\nconcurrency = 2\n",
    )
    .plugin("scripted", &guest("scripted"));
    let mut runner = setup.serve();
    for _ in 0..10 {
        redis.add("work", "short", r#"{"sleep":1000}"#, "{}");
    }
    redis.until_count("work", "active", 2);
    assert!(runner.stop().success());
    let completed = redis.count("work", "completed");
    let waiting = redis.count("work", "wait");
    assert_eq!(redis.count("work", "active"), 0);
    assert_eq!(completed + waiting, 10);
    assert!((2..=4).contains(&completed), "{completed} completed");
}

#[test]
fn a_job_whose_lock_is_taken_away_is_stopped_and_not_written() {
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        &QUEUE.replace("concurrency = 20", "concurrency = 1"),
    )
    .plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let id = redis.add("work", "long", r#"{"sleep":60000}"#, "{}");
    redis.until_count("work", "active", 1);
    let lock = redis.key("work", &format!("{id}:lock"));
    redis.run::<()>(&["SET", &lock, "somebody-else", "PX", "60000"]);
    // The only slot is free again, so the guest was stopped.
    let next = redis.add("work", "next", "{}", "{}");
    assert_eq!(redis.until_ended("work", &next), "completed");
    for written in ["finishedOn", "failedReason", "returnvalue"] {
        assert_eq!(redis.field("work", &id, written), None, "{written}");
    }
    assert_eq!(redis.run::<String>(&["GET", &lock]), "somebody-else");
    assert_eq!(redis.count("work", "active"), 1);
}

#[test]
fn guests_that_spin_on_every_core_miss_no_lock_renewal() {
    spin_after(0);
}

#[test]
fn a_plugin_that_was_quick_and_then_spins_misses_no_lock_renewal() {
    // By then its jobs are run on the thread of the queues.
    spin_after(1000);
}

/// Spin on every core after so many quick jobs of the same plugin.
#[track_caller]
fn spin_after(quick: u64) {
    let redis = Redis::shared();
    let toml = QUEUE.replace("\"scripted\"", "\"faults\"\ntimeout = \"6s\"");
    let setup = Setup::new(&redis, &toml).plugin("faults", &guest("faults"));
    let _runner = setup.serve();
    for _ in 0..quick {
        redis.add("work", "flood", "0", "{}");
    }
    redis.until_count("work", "completed", quick);
    let ids: Vec<String> = (0..4)
        .map(|_| redis.add("work", "spin", "0", "{}"))
        .collect();
    redis.until_count("work", "active", 4);
    // Three lock times: without renewal they would stall at least once.
    until("the timeouts", || {
        for id in &ids {
            let lock = redis.key("work", &format!("{id}:lock"));
            // Read in one step: a job that ends has no lock either.
            let (finished, left): (Option<u64>, i64) = redis::pipe()
                .atomic()
                .hget(redis.key("work", id), "finishedOn")
                .pttl(&lock)
                .query(&mut redis.connect())
                .unwrap();
            assert!(finished.is_some() || left > 0, "job {id} lost its lock");
        }
        (redis.count("work", "failed") == 4).then_some(())
    });
    for id in &ids {
        let reason = redis.field("work", id, "failedReason").unwrap();
        assert_eq!(reason, "timed out after 6s");
        assert_eq!(redis.field("work", id, "stc"), None, "stalled");
    }
}
