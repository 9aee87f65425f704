//! Recovery by identity: the jobs of a runner that died go back at once, those of
//! one that lives do not, and a job that ends its runners fails.

use crate::support::{Redis, Setup, guest, until};

/// Locks so long that nothing comes back by their expiry within a test.
const LONG: &str = r#"
[runtime]
grace = "300ms"

[queues.work]
plugin = "scripted"
concurrency = 5
"#;

fn long(redis: &Redis) -> Setup {
    Setup::new(redis, LONG).plugin("scripted", &guest("scripted"))
}

/// Wait until a job was started so often. It is active before, too: as the dead
/// left it.
#[track_caller]
fn until_started(redis: &Redis, id: &str, starts: u32) {
    until("the start of the job", || {
        let found = redis.field("work", id, "ats");
        (found == Some(starts.to_string())).then_some(())
    });
}

/// What a job is worth after a recovery by identity.
#[track_caller]
fn assert_recovered(redis: &Redis, id: &str, crashes: &str) {
    assert_eq!(redis.field("work", id, "stc"), None, "stalled");
    assert_eq!(redis.field("work", id, "crs").as_deref(), Some(crashes));
    assert_eq!(
        redis.field("work", id, "atm").as_deref().unwrap_or("1"),
        "1"
    );
}

#[test]
fn a_runner_that_starts_again_puts_its_jobs_back_at_once() {
    let redis = Redis::shared();
    let setup = long(&redis);
    let mut dead = setup.serve();
    let ids: Vec<String> = (0..3)
        .map(|_| redis.add("work", "long", r#"{"sleep":60000}"#, "{}"))
        .collect();
    redis.until_count("work", "active", 3);
    dead.kill();
    for id in &ids {
        redis.run::<()>(&["HSET", &redis.key("work", id), "data", r#"{"result":1}"#]);
    }
    let _runner = setup.serve();
    for id in &ids {
        assert_eq!(redis.until_ended("work", id), "completed");
        // At once: who waits until the lock has run out finds it stalled.
        assert_recovered(&redis, id, "1");
    }
}

#[test]
fn a_peer_puts_the_jobs_of_a_killed_runner_back() {
    let redis = Redis::shared();
    let setup = long(&redis).env("RUNNER_NAME", "one");
    let mut dead = setup.serve();
    let id = redis.add("work", "long", r#"{"sleep":60000}"#, "{}");
    redis.until_count("work", "active", 1);
    let peer = long(&redis).env("RUNNER_NAME", "two");
    let _peer = peer.serve();
    redis.run::<()>(&["HSET", &redis.key("work", &id), "data", r#"{"result":1}"#]);
    dead.kill();
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert_recovered(&redis, &id, "1");
    assert_eq!(redis.field("work", &id, "pb").as_deref(), Some("two"));
}

#[test]
fn runners_of_one_name_leave_each_other_their_jobs() {
    let redis = Redis::shared();
    let (first, second) = (long(&redis), long(&redis));
    let first = first.env("RUNNER_NAME", "same");
    let second = second.env("RUNNER_NAME", "same");
    let _one = first.serve();
    let id = redis.add("work", "long", r#"{"sleep":6000,"log":["ran"]}"#, "{}");
    redis.until_count("work", "active", 1);
    let _two = second.serve();
    assert_eq!(redis.until_ended("work", &id), "completed");
    let ran: u64 = redis.run(&["LLEN", &redis.key("work", &format!("{id}:logs"))]);
    assert_eq!(ran, 1);
    assert_eq!(redis.field("work", &id, "crs"), None);
}

#[test]
fn a_stopped_runner_keeps_its_jobs_while_their_locks_hold() {
    let redis = Redis::shared();
    let setup = long(&redis).env("RUNNER_NAME", "one");
    let one = setup.serve();
    let id = redis.add("work", "long", r#"{"sleep":4000,"log":["ran"]}"#, "{}");
    redis.until_count("work", "active", 1);
    one.signal("STOP");
    let peer = long(&redis).env("RUNNER_NAME", "two");
    let _peer = peer.serve();
    // Longer than a beat, seen by the beats of a peer that does other work.
    let alive = format!("{}:runner:alive", redis.prefix());
    let beat = || -> f64 {
        let beats: Vec<(String, f64)> = redis.run(&["ZRANGE", &alive, "0", "-1", "WITHSCORES"]);
        let of = |name| {
            let found = beats.iter().find(|(entry, _)| entry.starts_with(name));
            found.map_or(0.0, |(_, at)| *at)
        };
        of("two:") - of("one:")
    };
    until("the peer to miss some beats", || {
        (beat() > 4000.0).then_some(())
    });
    let job: Vec<String> = redis.run(&["HGETALL", &redis.key("work", &id)]);
    assert_eq!(redis.count("work", "active"), 1, "{job:?}");
    one.signal("CONT");
    assert_eq!(redis.until_ended("work", &id), "completed");
    let ran: u64 = redis.run(&["LLEN", &redis.key("work", &format!("{id}:logs"))]);
    assert_eq!(ran, 1);
    assert_eq!(redis.field("work", &id, "pb").as_deref(), Some("one"));
    assert_eq!(redis.field("work", &id, "crs"), None);
}

#[test]
fn a_runner_that_ends_in_order_leaves_no_heartbeat() {
    let redis = Redis::shared();
    let mut runner = long(&redis).serve();
    let alive = format!("{}:runner:alive", redis.prefix());
    assert_eq!(redis.run::<u64>(&["ZCARD", &alive]), 1);
    assert!(runner.stop().success());
    assert_eq!(redis.run::<u64>(&["ZCARD", &alive]), 0);
}

#[test]
fn a_job_that_ends_two_runners_fails_and_the_queue_goes_on() {
    let redis = Redis::shared();
    let setup = long(&redis);
    let id = redis.add("work", "poison", r#"{"sleep":60000}"#, r#"{"attempts":9}"#);
    for start in 1..=2 {
        let mut runner = setup.serve();
        until_started(&redis, &id, start);
        runner.kill();
    }
    let other = redis.add("work", "other", r#"{"result":1}"#, "{}");
    let mut runner = setup.serve();
    assert_eq!(redis.until_ended("work", &id), "failed");
    assert_eq!(redis.until_ended("work", &other), "completed");
    assert_eq!(
        redis.field("work", &id, "failedReason").as_deref(),
        Some("the job was running when its runner died, 2 times")
    );
    assert_eq!(redis.field("work", &id, "crs"), None);
    // Retried by hand, it has as many crashes before it as a new one.
    let ended = setup.cli(&["job", "retry", "work", &id]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    redis.until_count("work", "active", 1);
    runner.kill();
    redis.run::<()>(&["HSET", &redis.key("work", &id), "data", r#"{"result":1}"#]);
    let _runner = setup.serve();
    assert_eq!(redis.until_ended("work", &id), "completed");
}

#[test]
fn a_job_that_ran_beside_a_poisonous_one_does_not_fail_with_it() {
    let redis = Redis::shared();
    let setup = long(&redis);
    let poison = redis.add("work", "poison", r#"{"sleep":60000}"#, "{}");
    let beside: Vec<String> = (0..3)
        .map(|_| redis.add("work", "beside", r#"{"sleep":60000}"#, "{}"))
        .collect();
    for start in 1..=2 {
        let mut runner = setup.serve();
        for id in beside.iter().chain([&poison]) {
            until_started(&redis, id, start);
        }
        runner.kill();
    }
    for id in &beside {
        redis.run::<()>(&["HSET", &redis.key("work", id), "data", r#"{"result":1}"#]);
    }
    // Suspects come back one a second, the poisonous one first.
    let mut runner = setup.serve();
    redis.until_count("work", "completed", 3);
    redis.until_count("work", "active", 1);
    runner.kill();
    let _runner = setup.serve();
    assert_eq!(redis.until_ended("work", &poison), "failed");
    for id in &beside {
        assert_eq!(redis.until_ended("work", id), "completed");
    }
}

#[test]
fn handing_back_at_shutdown_is_no_crash() {
    let redis = Redis::shared();
    let setup = long(&redis);
    let id = redis.add("work", "long", r#"{"sleep":60000}"#, "{}");
    for _ in 0..3 {
        let mut runner = setup.serve();
        redis.until_count("work", "active", 1);
        assert!(runner.stop().success());
    }
    assert_eq!(redis.field("work", &id, "crs"), None);
    assert_eq!(redis.count("work", "wait"), 1);
}

#[test]
fn a_runner_that_died_on_another_machine_loses_its_jobs_with_their_locks() {
    let redis = Redis::shared();
    let toml = LONG.replace(
        "[runtime]",
        "[runtime]\nlock = \"2s\"\nstalled_interval = \"60s\"",
    );
    let setup = |name| {
        let setup = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
        setup.env("RUNNER_NAME", name)
    };
    let dead = setup("one");
    let mut dead = dead.serve();
    let id = redis.add("work", "long", r#"{"sleep":60000}"#, "{}");
    redis.until_count("work", "active", 1);
    dead.kill();
    // As if it had run elsewhere, where nobody here can look.
    let alive = format!("{}:runner:alive", redis.prefix());
    let entries: Vec<String> = redis.run(&["ZRANGE", &alive, "0", "-1"]);
    let mut parts: Vec<&str> = entries[0].split(':').collect();
    parts[2] = "elsewhere";
    let score: String = redis.run(&["ZSCORE", &alive, &entries[0]]);
    redis.run::<()>(&["DEL", &alive]);
    redis.run::<()>(&["ZADD", &alive, &score, &parts.join(":")]);
    redis.run::<()>(&["HSET", &redis.key("work", &id), "data", r#"{"result":1}"#]);
    let peer = setup("two");
    let _peer = peer.serve();
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert_recovered(&redis, &id, "1");
}
