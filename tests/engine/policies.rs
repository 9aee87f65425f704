//! What BullMQ's workers cannot do for a job: cancel it wherever it is, let it
//! expire, and say what becomes of one that nothing handles.

use serde_json::{Value, json};

use crate::support::{Node, Redis, Setup, guest, now, until};

const TOML: &str = "[queues.work]\nplugin = \"faults\"\n";

fn faults(redis: &Redis, toml: &str) -> Setup {
    Setup::new(redis, toml).plugin("faults", &guest("faults"))
}

#[track_caller]
fn reason(redis: &Redis, id: &str) -> String {
    assert_eq!(redis.until_ended("work", id), "failed");
    redis.field("work", id, "failedReason").unwrap_or_default()
}

/// A minute or so ago, as producers write it.
fn long_ago() -> u64 {
    now() - 100_000
}

#[test]
fn a_running_job_is_cancelled_at_once_whether_it_spins_or_waits() {
    let redis = Redis::shared();
    let setup = faults(&redis, TOML);
    let _runner = setup.serve();
    for (name, data) in [("spin", "0"), ("sleep", "600000")] {
        let id = redis.add("work", name, data, r#"{"attempts":3,"backoff":1}"#);
        redis.until_count("work", "active", 1);
        // The one would sleep for ten minutes, the other spins until its deadline.
        let ended = setup.cli(&["job", "cancel", "work", &id, "--reason", "customer called"]);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(0), "cancelled 1 job\n"),
            "{ended:?}"
        );
        assert_eq!(reason(&redis, &id), "cancelled: customer called");
        assert_eq!(redis.field("work", &id, "atm").as_deref(), Some("1"));
        assert_eq!(redis.count("work", "active"), 0);
    }
}

#[test]
fn a_wish_to_cancel_hits_no_later_attempt() {
    let redis = Redis::shared();
    let setup = faults(&redis, TOML);
    let id = redis.add("work", "sleep", "200", "{}");
    let wish = redis.key("work", &format!("runner:cancel:{id}"));
    redis.run::<()>(&["SET", &wish, "other:0123456789ab:1\ncancelled"]);
    let _runner = setup.serve();
    assert_eq!(redis.until_ended("work", &id), "completed");
}

#[test]
fn a_job_that_waits_is_cancelled_from_any_state_as_node_sees_it() {
    let redis = Redis::shared();
    let setup = faults(&redis, TOML);
    for version in [5, 6] {
        let mut node = Node::start(&redis, version);
        let mut add = |options| node.add("work", "x", json!({}), options);
        let ids = [
            add(json!({})),
            add(json!({ "delay": 600_000 })),
            add(json!({ "priority": 3 })),
            add(json!({ "deduplication": { "id": "once" } })),
        ];
        let mut arguments = vec!["--json", "job", "cancel", "work"];
        arguments.extend(ids.iter().map(String::as_str));
        let ended = setup.cli(&arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said, json!({ "queue": "work", "cancelled": 4 }));
        for id in &ids {
            assert_eq!(reason(&redis, id), "cancelled");
            assert_eq!(node.job("work", id)["state"], "failed");
        }
        let events = node.events("work", "failed", Some(&ids[3]));
        let last = events.last().unwrap();
        assert_eq!(last["failedReason"], "cancelled");
        // Its deduplication went with it.
        let again = node.add(
            "work",
            "x",
            json!({}),
            json!({ "deduplication": { "id": "once" } }),
        );
        assert_ne!(again, ids[3]);
        node.job_call("work", &again, "remove", json!([]));
        for list in ["wait", "delayed", "prioritized"] {
            assert_eq!(redis.count("work", list), 0, "{list}");
        }
    }
}

#[test]
fn what_cannot_be_cancelled_is_told_with_the_way_out() {
    let redis = Redis::shared();
    let setup = faults(&redis, TOML);
    let foreign = redis.add("work", "x", "0", "{}");
    redis.run::<()>(&[
        "RPOPLPUSH",
        &redis.key("work", "wait"),
        &redis.key("work", "active"),
    ]);
    let lock = redis.key("work", &format!("{foreign}:lock"));
    redis.run::<()>(&["SET", &lock, "8f1c7f1e-uuid:7"]);
    let done = redis.add("work", "flood", "0", "{}");
    let _runner = setup.serve();
    redis.until_ended("work", &done);

    let ended = setup.cli(&["job", "cancel", "work", &foreign, &done, "nope"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for text in [
        format!(
            "job {foreign:?} runs in a worker that is not Runner (its lock is \"8f1c7f1e-uuid:7\"); \
             only that worker can stop it"
        ),
        format!("job {done:?} has already completed"),
        "queue \"work\" has no job \"nope\"".to_owned(),
    ] {
        assert!(ended.stderr.contains(&text), "{text}\n{}", ended.stderr);
    }
    let unknown = setup.cli(&["job", "cancel", "work", "nope"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
}

#[test]
fn a_job_that_was_not_started_in_time_expires_and_is_never_run() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let toml = "[queues.work]\nplugin = \"faults\"\nexpires = \"1m\"\n\n\
                [queues.work.jobs.spin]\nexpires = false\ntimeout = \"100ms\"\n";
    let late = node.add(
        "work",
        "panic",
        json!(0),
        json!({ "timestamp": long_ago(), "attempts": 3 }),
    );
    let delayed = json!({ "timestamp": long_ago(), "delay": 20_000 });
    let due = node.add("work", "reject", json!(0), delayed);
    let patient = node.add("work", "spin", json!(0), json!({ "timestamp": long_ago() }));
    let _runner = faults(&redis, toml).serve();
    assert_eq!(reason(&redis, &late), "expired: not started within 1m");
    assert_eq!(redis.field("work", &late, "rv"), None, "it was run");
    assert_eq!(reason(&redis, &due), "no such user");
    assert_eq!(reason(&redis, &patient), "timed out after 100ms");
}

#[test]
fn jobs_expire_while_the_queue_is_paused() {
    let redis = Redis::shared();
    for version in [5, 6] {
        let mut node = Node::start(&redis, version);
        let toml = "[queues.work]\nplugin = \"faults\"\nexpires = \"1m\"\n";
        node.queue("work", "pause", json!([]));
        let old = json!({ "timestamp": long_ago() });
        let first = node.add("work", "panic", json!(0), old.clone());
        let second = node.add(
            "work",
            "panic",
            json!(0),
            json!({ "timestamp": long_ago(), "priority": 1 }),
        );
        let young = node.add("work", "flood", json!(0), json!({}));
        let _runner = faults(&redis, toml).serve();
        for id in [&first, &second] {
            assert_eq!(reason(&redis, id), "expired: not started within 1m");
        }
        node.queue("work", "resume", json!([]));
        // Retried by a person it is run, late as it is.
        node.job_call("work", &first, "retry", json!([]));
        until("the run", || redis.field("work", &first, "rv"));
        assert_eq!(redis.until_ended("work", &young), "completed");
    }
}

const NAMED: &str = "[queues.work.jobs.\"known-*\"]\nplugin = \"faults\"\n[queues.other]\n";

#[test]
fn a_job_that_nothing_handles_fails_with_what_is_handled() {
    let redis = Redis::shared();
    let setup = faults(&redis, NAMED);
    let _runner = setup.serve();
    let id = redis.add("work", "mystery", "1", r#"{"attempts":3}"#);
    assert_eq!(
        reason(&redis, &id),
        "no plugin handles jobs named \"mystery\": queue \"work\" has plugins for \"known-*\""
    );
    assert_eq!(redis.field("work", &id, "atm").as_deref(), Some("1"));
}

#[test]
fn a_job_that_nothing_handles_waits_for_its_plugin() {
    let redis = Redis::shared();
    let setup = faults(
        &redis,
        &format!("[queues.work]\nunrouted = \"delay\"\n{NAMED}"),
    );
    let _runner = setup.serve();
    let id = redis.add("work", "reject", "1", "{}");
    redis.until_count("work", "delayed", 1);
    assert_eq!(
        redis.field("work", &id, "atm"),
        None,
        "an attempt was spent"
    );
    let (url, prefix) = (redis.url(), redis.prefix());
    setup.write(&format!(
        "[redis]\nurl = {url:?}\nprefix = {prefix:?}\n[queues.work]\nplugin = \"faults\"\n"
    ));
    assert_eq!(reason(&redis, &id), "no such user");
}

#[test]
fn a_job_that_nothing_handles_moves_with_its_data_and_options() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let toml = format!("[queues.work]\nunrouted = \"move:other\"\n{NAMED}");
    let _runner = faults(&redis, &toml).serve();
    let options = json!({ "attempts": 7, "priority": 2 });
    let id = node.add("work", "mystery", json!({ "a": [1, {}] }), options);
    let there = format!("work-{id}");
    until("the job in the other queue", || {
        (redis.count("other", "prioritized") == 1).then_some(())
    });
    let job = node.job("other", &there);
    assert_eq!(job["name"], "mystery");
    assert_eq!(job["data"], json!({ "a": [1, {}] }));
    assert_eq!(job["opts"]["attempts"], 7);
    assert_eq!(
        job["opts"]["movedFrom"],
        json!({ "queue": "work", "id": id })
    );
    let gone: bool = redis.run(&["EXISTS", &redis.key("work", &id)]);
    assert!(!gone, "it is still in its first queue");
    until("nothing active", || {
        (redis.count("work", "active") == 0).then_some(())
    });
}

#[test]
fn the_deduplication_of_a_job_that_moves_goes_with_it_where_nobody_has_it() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let once = |ttl: Option<u32>| {
        let id = if ttl.is_some() {
            "for-a-time"
        } else {
            "until-it-ends"
        };
        json!({ "attempts": 2, "deduplication": { "id": id, "ttl": ttl } })
    };
    let moved = [
        node.add("work", "mystery", json!({}), once(None)),
        node.add("work", "mystery", json!({}), once(Some(600_000))),
    ]
    .map(|id| format!("work-{id}"));
    let toml = format!("[queues.work]\nunrouted = \"move:other\"\n{NAMED}");
    let _runner = faults(&redis, &toml).serve();
    redis.until_count("other", "wait", 2);
    let key = |of: &str, id: &str| redis.key(of, &format!("de:{id}"));
    for (job, id) in moved.iter().zip(["until-it-ends", "for-a-time"]) {
        assert_eq!(redis.field("other", job, "deid").as_deref(), Some(id));
        assert_eq!(redis.run::<String>(&["GET", &key("other", id)]), *job);
        let options = &node.job("other", job)["opts"];
        assert_eq!(options["deduplication"]["id"], id);
    }
    assert!(redis.run::<i64>(&["PTTL", &key("other", "for-a-time")]) > 500_000);
    until("the id to be free where the job was", || {
        let held: bool = redis.run(&["EXISTS", &key("work", "until-it-ends")]);
        (!held).then_some(())
    });

    // Another one there stands for it: the job moves all the same, as one without.
    let id = node.add("work", "mystery", json!({}), once(None));
    redis.until_count("other", "wait", 3);
    let second = format!("work-{id}");
    assert_eq!(redis.field("other", &second, "deid"), None);
    let options = &node.job("other", &second)["opts"];
    assert_eq!(options["deduplication"], Value::Null);
    assert_eq!(options["attempts"], 2);
    assert_eq!(
        redis.run::<String>(&["GET", &key("other", "until-it-ends")]),
        moved[0]
    );
    // What had it releases it.
    node.call("worker", json!({ "queue": "other" }));
    until("the id to be free", || {
        let held: bool = redis.run(&["EXISTS", &key("other", "until-it-ends")]);
        (!held).then_some(())
    });
}

#[test]
fn a_job_that_is_removed_while_it_runs_is_told_as_that() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = faults(&redis, TOML);
    let runner = setup.serve();
    let id = redis.add("work", "sleep", "300", "{}");
    redis.until_count("work", "active", 1);
    let (job, active) = (redis.key("work", &id), redis.key("work", "active"));
    redis::pipe()
        .atomic()
        .del(&[&job, &format!("{job}:lock")])
        .lrem(active, 1, &id)
        .query::<()>(&mut redis.connect())
        .unwrap();
    let line = runner.until_logged("the job was removed while it ran: its result was not saved");
    assert!(line.contains(&format!("\"job\":\"{id}\"")), "{line}");

    redis.add("work", "sleep", "600000", "{}");
    redis.until_count("work", "active", 1);
    node.queue("work", "pause", json!([]));
    node.queue("work", "obliterate", json!([{ "force": true }]));
    runner.until_logged("the job was removed: the attempt is stopped");
    let log = runner.log();
    let lost = log.iter().find(|line| line.contains("the lock was lost"));
    assert_eq!(lost, None);
}

#[test]
fn a_job_started_too_often_fails_as_under_a_node_worker() {
    let redis = Redis::shared();
    let setup = faults(
        &redis,
        "[queues.work]\nplugin = \"faults\"\nmax_started_attempts = 3\n",
    );
    let id = redis.add("work", "flood", "0", r#"{"attempts":9}"#);
    redis.run::<()>(&["HSET", &redis.key("work", &id), "ats", "3"]);
    let _runner = setup.serve();
    assert_eq!(reason(&redis, &id), "job started more than allowable limit");
}

#[test]
fn changes_a_producer_makes_while_a_job_waits_are_honoured() {
    let redis = Redis::shared();
    for version in [5, 6] {
        let mut node = Node::start(&redis, version);
        let toml = "[queues.work]\nplugin = \"scripted\"\nconcurrency = 1\n";
        let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
        let far = json!({ "delay": 600_000 });
        let id = node.add("work", "x", json!({ "result": "old" }), far.clone());
        node.job_call("work", &id, "updateData", json!([{ "result": "new" }]));
        node.job_call("work", &id, "changeDelay", json!([1]));
        let last = node.add("work", "x", json!({}), json!({ "priority": 1 }));
        let first = node.add("work", "x", json!({}), json!({ "priority": 5 }));
        node.job_call("work", &last, "changePriority", json!([{ "priority": 9 }]));
        let _runner = setup.serve();
        assert_eq!(redis.until_ended("work", &id), "completed");
        assert_eq!(
            redis.field("work", &id, "returnvalue").as_deref(),
            Some("\"new\"")
        );
        for id in [&first, &last] {
            assert_eq!(redis.until_ended("work", id), "completed");
        }
        let events = node.events("work", "completed", Some(&last));
        let order: Vec<&Value> = events
            .iter()
            .filter(|event| event["event"] == "active")
            .map(|event| &event["jobId"])
            .filter(|id| {
                [&&first, &&last]
                    .iter()
                    .any(|known| **known == id.as_str().unwrap())
            })
            .collect();
        assert_eq!(order, [&json!(first), &json!(last)]);
    }
}

#[test]
fn a_guest_whose_lock_was_lost_is_stopped_long_before_its_lock_would_be_renewed() {
    for name in ["sleep", "spin"] {
        // A second loss of the same queue would not be told for a minute.
        let redis = Redis::shared();
        // Renewed after 200 s.
        let setup = faults(&redis, &format!("[runtime]\nlock = \"600s\"\n{TOML}"));
        let runner = setup.serve();
        let id = redis.add("work", name, "600000", "{}");
        until("the job is locked", || {
            let lock = redis.key("work", &format!("{id}:lock"));
            (redis.run::<u32>(&["DEL", &lock]) == 1).then_some(())
        });
        let line = runner.until_logged(&format!("\"job\":\"{id}\""));
        assert!(
            line.contains("the lock was lost: the attempt is stopped"),
            "{line}"
        );
        assert_eq!(redis.field("work", &id, "finishedOn"), None);
    }
}
