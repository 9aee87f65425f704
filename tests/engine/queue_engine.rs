//! The queue engine through the library: a worker whose attempts are closures,
//! real npm `bullmq` 5 and 6 as producer and observer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::config::Limiter;
use runner::outcome::Outcome;
use runner::queue::{self, Attempt, Batch, Settlement};
use serde_json::json;

use crate::support::engine::*;
use crate::support::{Redis, until};

#[test]
fn a_job_from_node_completes_with_bullmq_s_events_in_order() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, |attempt| {
            attempt.ran.set("echo@abc".into()).unwrap();
            attempt.note(|notes| {
                notes.progress = Some("40".into());
                notes.logs.push("one".into());
            });
            echo(attempt)
        });
        engine.consume(config("q", 5));
        let id = node.add("q", "greet", json!({"name": "Ada", "big": 1}), json!({}));
        assert_eq!(node.finished("q", &id), json!({"name": "Ada", "big": 1}));
        let job = node.job("q", &id);
        assert_eq!(job["state"], "completed");
        assert_eq!(job["attemptsMade"], 1);
        assert_eq!(job["attemptsStarted"], 1);
        assert_eq!(job["progress"], 40);
        assert_eq!(job["processedBy"], "runner-1");
        assert!(job["processedOn"].as_u64() <= job["finishedOn"].as_u64());
        assert_eq!(redis.field("q", &id, "rv").as_deref(), Some("echo@abc"));
        let logs = node.queue("q", "getJobLogs", json!([id]));
        assert_eq!(logs["logs"], json!(["one"]));
        let events = node.events("q", "drained", None);
        assert_eq!(
            names(&events),
            [
                "added",
                "waiting",
                "active",
                "progress",
                "completed",
                "drained"
            ]
        );
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_failing_job_is_retried_with_its_backoff_and_then_fails() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, |_| retry("no route"));
        engine.consume(config("q", 5));
        let options = json!({"attempts": 3, "backoff": {"type": "exponential", "delay": 20}});
        let id = node.add("q", "send", json!({}), options);
        assert_eq!(node.finished("q", &id), json!({"error": "no route"}));
        let job = node.job("q", &id);
        assert_eq!(job["attemptsMade"], 3);
        assert_eq!(job["failedReason"], "no route");
        let trace = "no route\n    at handle (plugin.rs:7)";
        assert_eq!(job["stacktrace"], json!([trace, trace, trace]));
        let events = node.events("q", "drained", None);
        assert_eq!(
            names(&events),
            [
                "added",
                "waiting",
                "active",
                "delayed",
                "waiting",
                "active",
                "delayed",
                "waiting",
                "active",
                "failed",
                "retries-exhausted",
                "drained"
            ]
        );
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn retries_without_backoff_go_back_to_wait_at_once() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, |attempt| match attempt.job.attempts_made {
            0 | 1 => retry("again"),
            _ => echo(attempt),
        });
        engine.consume(config("q", 5));
        let id = node.add("q", "send", json!(1), json!({"attempts": 5}));
        assert_eq!(node.finished("q", &id), json!(1));
        assert_eq!(node.job("q", &id)["attemptsMade"], 3);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn jobs_run_by_lifo_then_order_then_priority() {
    on_both(|redis, mut node| {
        let order = Arc::new(Mutex::new(Vec::new()));
        node.add("q", "a", json!({}), json!({"priority": 9}));
        node.add("q", "b", json!({}), json!({}));
        node.add("q", "c", json!({}), json!({"priority": 2}));
        node.add("q", "d", json!({}), json!({}));
        node.add("q", "e", json!({}), json!({"lifo": true}));
        node.add("q", "f", json!({}), json!({"priority": 2}));
        let seen = order.clone();
        let mut engine = Engine::new(redis, move |attempt| {
            seen.lock().unwrap().push(attempt.job.name.clone());
            echo(attempt)
        });
        engine.consume(config("q", 1));
        redis.until_count("q", "completed", 6);
        assert_eq!(*order.lock().unwrap(), ["e", "b", "d", "c", "f", "a"]);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_delayed_job_starts_when_it_is_due() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, echo);
        engine.consume(config("q", 5));
        let id = node.add("q", "later", json!({}), json!({"delay": 300}));
        node.finished("q", &id);
        let job = node.job("q", &id);
        let waited = job["processedOn"].as_u64().unwrap() - job["timestamp"].as_u64().unwrap();
        // Not before; the rest is for a busy machine.
        assert!((300..5000).contains(&waited), "started after {waited} ms");
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn finished_jobs_are_kept_as_the_job_says() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, echo);
        engine.consume(config("gone", 5));
        engine.consume(config("two", 5));
        for n in 0..6 {
            node.add("gone", "x", json!(n), json!({"removeOnComplete": true}));
            node.add("two", "x", json!(n), json!({"removeOnComplete": 2}));
        }
        until("all jobs to end", || {
            (redis.count("gone", "wait") + redis.count("gone", "active") == 0
                && redis.count("two", "wait") + redis.count("two", "active") == 0)
                .then_some(())
        });
        assert_eq!(redis.count("gone", "completed"), 0);
        assert_eq!(redis.count("two", "completed"), 2);
        let keys: Vec<String> = redis.run(&["KEYS", &redis.key("two", "[0-9]*")]);
        assert_eq!(keys.len(), 2, "{keys:?}");
        let keys: Vec<String> = redis.run(&["KEYS", &redis.key("gone", "[0-9]*")]);
        assert_eq!(keys, [""; 0]);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_paused_queue_starts_nothing_and_loses_nothing_on_resume() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, |attempt| match attempt.job.attempts_made {
            0 => retry("again"),
            _ => echo(attempt),
        });
        node.queue("q", "pause", json!([]));
        let first = node.add("q", "a", json!(1), json!({"delay": 50, "attempts": 2}));
        let second = node.add("q", "b", json!(2), json!({"attempts": 2}));
        engine.consume(config("q", 5));
        // The due job is promoted although the queue is paused, as in BullMQ.
        redis.until_count("q", "delayed", 0);
        assert_eq!(redis.count("q", "active"), 0);
        node.queue("q", "resume", json!([]));
        assert_eq!(node.finished("q", &first), json!(1));
        assert_eq!(node.finished("q", &second), json!(2));
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_rate_limit_holds_over_all_starts() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, echo);
        for n in 0..9 {
            node.add("q", "x", json!(n), json!({}));
        }
        let mut limited = config("q", 5);
        limited.limiter = Some(Limiter {
            max: 3,
            duration: Duration::from_millis(400),
        });
        engine.consume(limited);
        redis.until_count("q", "completed", 9);
        let mut starts: Vec<u64> = (1..=9)
            .map(|id| {
                redis
                    .field("q", &id.to_string(), "processedOn")
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        starts.sort_unstable();
        for window in starts.windows(4) {
            assert!(window[3] - window[0] >= 400, "{starts:?}");
        }
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn global_concurrency_set_from_node_is_kept() {
    on_both(|redis, mut node| {
        let most = Arc::new(AtomicUsize::new(0));
        let now = Arc::new(AtomicUsize::new(0));
        let (seen, running) = (most.clone(), now.clone());
        let mut engine = Engine::new(redis, move |attempt| {
            let n = running.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(n, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            echo(attempt)
        });
        node.queue("q", "setGlobalConcurrency", json!([2]));
        for n in 0..40 {
            node.add("q", "x", json!(n), json!({}));
        }
        engine.consume(config("q", 10));
        redis.until_count("q", "completed", 40);
        assert!(most.load(Ordering::SeqCst) <= 2);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn node_and_runner_share_one_queue() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, |_| Outcome::Completed(r#"{"by":"runner"}"#.into()));
        node.call("worker", json!({"queue": "q", "concurrency": 3}));
        engine.consume(config("q", 3));
        node.call(
            "flood",
            json!({"queue": "q", "name": "x", "count": 3000, "data": {}, "opts": {}}),
        );
        redis.until_count("q", "completed", 3000);
        assert_eq!(redis.count("q", "active"), 0);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn node_sees_the_worker() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, echo);
        engine.consume(config("q", 1));
        until("the worker to be listed", || {
            let workers = node.queue("q", "getWorkers", json!([]));
            let names: Vec<_> = workers
                .as_array()
                .unwrap()
                .iter()
                .map(|w| w["rawname"].clone())
                .collect();
            (names.len() == 1).then_some(())
        });
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_change_of_concurrency_is_followed_at_once() {
    let redis = Redis::shared();
    let gate = Arc::new(AtomicUsize::new(0));
    let open = gate.clone();
    let mut engine = Engine::new(&redis, move |attempt| {
        until("the gate", || {
            (open.load(Ordering::SeqCst) == 1).then_some(())
        });
        echo(attempt)
    });
    engine.consume(config("q", 1));
    for _ in 0..6 {
        redis.add("q", "x", "1", "{}");
    }
    redis.until_count("q", "active", 1);
    engine.workers[0].update(Arc::new(config("q", 4)));
    redis.until_count("q", "active", 4);
    gate.store(1, Ordering::SeqCst);
    redis.until_count("q", "completed", 6);
    engine.stop(Duration::from_secs(5));
}

#[test]
fn schedulers_from_node_go_on() {
    on_both(|redis, mut node| {
        let mut engine = Engine::new(redis, echo);
        engine.consume(config("q", 5));
        let every = json!(["often", {"every": 200}, {"name": "a", "data": {"n": 1}, "opts": {"backoff": 3, "attempts": 5}}]);
        node.queue("q", "upsertJobScheduler", every);
        let cron =
            json!(["cron", {"pattern": "* * * * * *", "tz": "Europe/Berlin"}, {"name": "b"}]);
        node.queue("q", "upsertJobScheduler", cron);
        let runs = |scheduler: &str| {
            let keys: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
            let prefix = format!("repeat:{scheduler}:");
            keys.into_iter()
                .filter(|id| id.starts_with(&prefix))
                .collect::<Vec<_>>()
        };
        until("four runs of the interval", || {
            (runs("often").len() >= 4).then_some(())
        });
        until("three runs of the pattern", || {
            (runs("cron").len() >= 3).then_some(())
        });
        let last = node.job("q", &runs("often")[3]);
        assert_eq!(last["name"], "a");
        assert_eq!(last["data"], json!({"n": 1}));
        assert_eq!(last["opts"]["attempts"], 5);
        assert_eq!(last["opts"]["repeat"]["count"], 4);
        // One job ahead for each, no more.
        assert_eq!(
            redis.count("q", "delayed") + redis.count("q", "wait") + redis.count("q", "active"),
            2
        );
        let known = node.queue("q", "getJobSchedulers", json!([]));
        assert_eq!(known.as_array().unwrap().len(), 2);
        engine.stop(Duration::from_secs(5));
    });
}

#[test]
fn a_job_is_not_retried_once_it_was_started_as_often_as_it_may_be() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, |_| retry("busy"));
    let mut twice = config("q", 1);
    twice.max_started_attempts = Some(2);
    engine.consume(twice);
    let id = redis.add("q", "x", "{}", r#"{"attempts":9}"#);
    assert_eq!(redis.until_ended("q", &id), "failed");
    let field = |name| redis.field("q", &id, name);
    assert_eq!(field("failedReason").as_deref(), Some("busy"));
    assert_eq!(
        (field("ats").as_deref(), field("atm").as_deref()),
        (Some("2"), Some("2"))
    );
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_queue_that_starts_nothing_is_looked_at_when_its_next_delayed_job_is_due() {
    on_both(|redis, mut node| {
        let engine = Engine::new(redis, echo);
        let queue = engine.shared.queue(&config("q", 1));
        let due = |want| {
            let none = Batch::default();
            let (_, taken) = engine.runtime.block_on(queue.settle(&none, want)).unwrap();
            (taken.jobs.len(), taken.delayed_for.is_some())
        };
        node.add("q", "x", json!({}), json!({ "delay": 3_600_000 }));
        node.add("q", "x", json!({}), json!({}));
        node.queue("q", "pause", json!([]));
        assert_eq!(due(1), (0, true), "paused");
        node.queue("q", "resume", json!([]));
        assert_eq!(due(1), (1, false));
        engine
            .runtime
            .block_on(queue.set_concurrency(Some(1)))
            .unwrap();
        assert_eq!(due(1), (0, true), "full");
        engine
            .runtime
            .block_on(queue.set_concurrency(None))
            .unwrap();
        let limit = Limiter {
            max: 1,
            duration: Duration::from_secs(3600),
        };
        engine
            .runtime
            .block_on(queue.set_limit(Some(limit)))
            .unwrap();
        node.add("q", "x", json!({}), json!({}));
        assert_eq!(due(1), (1, false));
        assert_eq!(due(1), (0, true), "limited");
    });
}

#[test]
fn the_event_stream_is_as_short_as_it_is_to_be_after_each_end() {
    let redis = Redis::shared();
    let engine = Engine::new(&redis, echo);
    let queue = engine.shared.queue(&config("q", 1));
    redis.run::<()>(&["HSET", &redis.key("q", "meta"), "opts.maxLenEvents", "0"]);
    for _ in 0..20 {
        redis.add("q", "x", "{}", "{}");
        let settle = async |batch, take| queue.settle(&batch, take).await.unwrap().1;
        engine.runtime.block_on(async {
            let mut taken = settle(Batch::default(), 1).await;
            let job = taken.jobs.remove(0);
            let attempt = Attempt::new(job, queue.clone(), taken.token, Duration::MAX);
            let outcome = echo(&attempt);
            let attempt = Arc::new(attempt);
            settle(Batch::new(vec![Settlement { attempt, outcome }]), 0).await;
        });
        // `completed` and `drained`.
        let length: u64 = redis.run(&["XLEN", &redis.key("q", "events")]);
        assert_eq!(length, 2);
    }
}

#[test]
fn jobs_added_by_runner_are_read_by_node_as_its_own() {
    on_both(|redis, mut node| {
        let engine = Engine::new(redis, echo);
        let queue = engine.shared.queue(&config("q", 1));
        let added = engine
            .runtime
            .block_on(queue.add(&[
                queue::NewJob {
                    name: "a".into(),
                    data: r#"{"n":12345678901234567890}"#.into(),
                    ..Default::default()
                },
                queue::NewJob {
                    name: "b".into(),
                    data: "{}".into(),
                    id: Some("own".into()),
                    delay: 100_000,
                    ..Default::default()
                },
                queue::NewJob {
                    name: "c".into(),
                    data: "{}".into(),
                    priority: 7,
                    ..Default::default()
                },
            ]))
            .unwrap();
        let ids: Vec<&str> = added.iter().map(|added| added.id.as_str()).collect();
        assert_eq!(ids, ["1", "own", "3"]);
        assert_eq!(node.job("q", "1")["state"], "waiting");
        assert_eq!(node.job("q", "own")["state"], "delayed");
        assert_eq!(node.job("q", "own")["opts"]["delay"], 100_000);
        assert_eq!(node.job("q", "3")["state"], "prioritized");
        let events = node.events("q", "waiting", Some("3"));
        assert_eq!(
            names(&events),
            ["added", "waiting", "added", "delayed", "added", "waiting"]
        );
    });
}
