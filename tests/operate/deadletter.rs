//! Dead letters: what a failed job leaves in its dead letter queue.

use serde_json::{Value, json};

use crate::support::engine::{Engine, config, echo};
use crate::support::{Node, Redis, Runner, Setup, guest, until};

const TOML: &str = r#"
[queues.otp]
plugin = "scripted"
dead_letter = "otp-dead"
[queues.otp.jobs."bulk-*"]
dead_letter = "bulk-dead"
[queues.otp.jobs.quiet]
dead_letter = false
[queues.otp-dead]
defaults = { attempts = 2 }
[queues.bulk-dead]
"#;

pub(crate) fn serve(redis: &Redis) -> (Setup, Runner) {
    let setup = Setup::new(redis, TOML).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    (setup, runner)
}

/// The jobs that wait in a queue, oldest first.
pub(crate) fn waiting(node: &mut Node, queue: &str) -> Vec<Value> {
    let jobs = node.queue(queue, "getWaiting", json!([]));
    let mut jobs = jobs.as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["timestamp"].as_u64());
    jobs
}

// Long because it compares one copy, field by field.
#[test]
fn a_job_that_failed_for_good_leaves_a_fresh_copy_that_says_where_it_comes_from() {
    for version in [5, 6] {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis);
        // Bytes that no JSON library would write back.
        let data =
            "{ \"retry\":\"the gateway said \\u006eo\", \"n\": 1.10 ,\"big\":12345678901234567890}";
        let options = r#"{"attempts":2,"removeOnFail":true,"kl":7,"lifo":true}"#;
        let id = redis.add("otp", "whatsapp-otp", data, options);
        redis.until_count("otp-dead", "wait", 1);
        until("the job to be removed", || {
            redis.field("otp", &id, "name").is_none().then_some(())
        });
        let copies = waiting(&mut node, "otp-dead");
        let copy = &copies[0];
        let key = copy["id"].as_str().unwrap();
        assert_eq!(redis.field("otp-dead", key, "data").as_deref(), Some(data));
        assert_eq!(copy["name"], "whatsapp-otp");
        assert_eq!(
            (&copy["attemptsMade"], &copy["attemptsStarted"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(copy["opts"]["attempts"], 2, "of [queues.otp-dead.defaults]");
        assert_eq!(copy["opts"]["jobId"], key);
        let letter = &copy["opts"]["deadLetter"];
        assert_eq!(letter["queue"], "otp");
        assert_eq!(letter["id"], id.as_str());
        assert_eq!(letter["reason"], "the gateway said no");
        assert_eq!(letter["attemptsMade"], 2);
        assert!(
            letter["failedAt"].as_u64() > Some(1_700_000_000_000),
            "{letter}"
        );
        assert!(
            letter["plugin"].as_str().unwrap().starts_with("scripted@"),
            "{letter}"
        );
        let id_of_runner = letter["runner"].as_str();
        assert!(id_of_runner.is_some_and(|id| !id.is_empty()), "{letter}");
        let own: Value = serde_json::from_str(options).unwrap();
        assert_eq!(letter["options"], own);
        assert_eq!(key, format!("otp-{id}-{}", letter["failedAt"]));
        // As Bull Board shows it.
        assert_eq!(copy["failedReason"], "the gateway said no");
        assert_eq!(copy["stacktrace"].as_array().unwrap().len(), 2);
        let events = node.events("otp-dead", "waiting", Some(key));
        let told: Vec<&str> = events
            .iter()
            .map(|event| event["event"].as_str().unwrap())
            .collect();
        assert_eq!(told, ["added", "waiting"]);
        let board = json!({ "queue": "otp-dead", "status": "waiting" });
        let board = node.call("board", board);
        let shown = &board["jobs"][0];
        assert_eq!(shown["failedReason"], "the gateway said no");
        assert_eq!(shown["opts"]["deadLetter"]["queue"], "otp");
        // A Node worker is woken and works on it.
        node.call("worker", json!({ "queue": "otp-dead" }));
        assert_eq!(redis.until_ended("otp-dead", key), "failed");
        let retried = node.job("otp-dead", key);
        assert_eq!(retried["attemptsMade"], 2);
    }
}

// Long because it is one table of ways to fail.
#[test]
fn every_way_to_fail_for_good_leaves_a_copy_and_a_retry_leaves_none() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let toml = TOML.replace(
        "[queues.otp]",
        "[queues.otp]\nmax_payload = \"200B\"\ntimeout = \"200ms\"",
    );
    let setup = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let fails = |data: Value, options: &str, reason: &str| {
        let before = redis.count("otp-dead", "wait");
        let id = redis.add("otp", "x", data.to_string(), options);
        assert_eq!(redis.until_ended("otp", &id), "failed");
        redis.until_count("otp-dead", "wait", before + 1);
        let newest: Vec<String> = redis.run(&["LRANGE", &redis.key("otp-dead", "wait"), "0", "0"]);
        let found = redis.field("otp-dead", &newest[0], "failedReason").unwrap();
        assert!(found.contains(reason), "{found}");
    };
    fails(
        json!({ "reject": "no such number" }),
        r#"{"attempts":9}"#,
        "no such number",
    );
    fails(json!({ "retry": "busy" }), r#"{"attempts":3}"#, "busy");
    fails(json!({ "sleep": 9000 }), "{}", "timed out");
    fails(
        json!({ "log": ["x".repeat(300)] }),
        "{}",
        "more than the 200 of max_payload",
    );
    fails(json!({}), "{broken", "the options are not JSON");
    assert_eq!(redis.count("otp-dead", "wait"), 5);
    let retried = json!({ "retry": "busy", "attempts": 1 });
    let id = redis.add("otp", "x", retried.to_string(), r#"{"attempts":2}"#);
    assert_eq!(redis.until_ended("otp", &id), "completed");
    assert_eq!(redis.count("otp-dead", "wait"), 5);
    // The options of the copy are readable even so.
    let broken = &waiting(&mut node, "otp-dead")[4];
    assert_eq!(broken["opts"]["deadLetter"]["options"], json!({}));
    // A job that stalled too often.
    redis.run::<()>(&[
        "HSET",
        &redis.key("otp", "s"),
        "name",
        "x",
        "data",
        "{}",
        "opts",
        "{}",
        "timestamp",
        "1",
        "defa",
        "job stalled more than allowable limit",
    ]);
    redis.run::<()>(&["LPUSH", &redis.key("otp", "wait"), "s"]);
    redis.run::<()>(&["ZADD", &redis.key("otp", "marker"), "0", "0"]);
    redis.until_count("otp-dead", "wait", 6);
    // A job that cannot be run as it is stored is failed by the script itself.
    redis.run::<()>(&["HSET", &redis.key("otp", "c"), "name", "x", "opts", "{}"]);
    redis.run::<()>(&["LPUSH", &redis.key("otp", "wait"), "c"]);
    redis.run::<()>(&["ZADD", &redis.key("otp", "marker"), "0", "0"]);
    redis.until_count("otp-dead", "wait", 7);
    let copies = waiting(&mut node, "otp-dead");
    let reasons: Vec<&Value> = copies[5..]
        .iter()
        .map(|copy| &copy["failedReason"])
        .collect();
    assert_eq!(
        reasons,
        [
            "job stalled more than allowable limit",
            "incomplete job: name, data or timestamp is missing"
        ]
    );
}

#[test]
fn a_job_name_has_a_dead_letter_queue_of_its_own_or_none() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis);
    let data = r#"{"reject":"no"}"#;
    for name in ["quiet", "bulk-mail", "other"] {
        let id = redis.add("otp", name, data, "{}");
        assert_eq!(redis.until_ended("otp", &id), "failed");
    }
    let names = |queue: &str| -> Vec<Option<String>> {
        let ids: Vec<String> = redis.run(&["LRANGE", &redis.key(queue, "wait"), "0", "-1"]);
        ids.iter()
            .map(|id| redis.field(queue, id, "name"))
            .collect()
    };
    assert_eq!(names("otp-dead"), [Some("other".to_owned())]);
    assert_eq!(names("bulk-dead"), [Some("bulk-mail".to_owned())]);
}

#[test]
fn a_failing_dead_letter_stays_where_it_is() {
    let redis = Redis::shared();
    let toml = "[defaults.queue]\ndead_letter = \"dead\"\n[queues.q]\nplugin = \"scripted\"\n\
                [queues.dead]\nplugin = \"scripted\"\n";
    let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    redis.add("q", "x", r#"{"reject":"no"}"#, "{}");
    redis.until_count("dead", "failed", 1);
    until("the queue to be idle", || {
        (redis.count("dead", "active") == 0).then_some(())
    });
    assert_eq!(redis.count("dead", "wait"), 0);
    assert_eq!(redis.run::<u32>(&["GET", &redis.key("dead", "id")]), 1);
    let explained = setup.cli(&["explain", "q"]).stdout;
    let row = explained
        .lines()
        .find(|row| row.contains("dead_letter"))
        .unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words, ["dead_letter", "dead", "queues.toml:6"]);
}

#[test]
fn a_paused_dead_letter_queue_keeps_its_jobs_where_bullmq_looks_for_them() {
    for (version, list) in [(5, "paused"), (6, "wait")] {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        node.queue("otp-dead", "pause", json!([]));
        let (_setup, _runner) = serve(&redis);
        redis.add("otp", "x", r#"{"reject":"no"}"#, "{}");
        redis.until_count("otp-dead", list, 1);
        let marker: u32 = redis.run(&["ZCARD", &redis.key("otp-dead", "marker")]);
        assert_eq!(marker, 0, "nobody is woken, bullmq {version}");
        node.queue("otp-dead", "resume", json!([]));
        assert_eq!(waiting(&mut node, "otp-dead").len(), 1);
    }
}

#[test]
fn a_job_stays_in_failed_until_its_dead_letter_queue_can_be_written() {
    let redis = Redis::shared();
    let (_setup, runner) = serve(&redis);
    redis.run::<()>(&["SET", &redis.key("otp-dead", "wait"), "not a list"]);
    let options = r#"{"removeOnFail":true}"#;
    let id = redis.add("otp", "x", r#"{"reject":"no"}"#, options);
    let kept = redis.add("otp", "x", r#"{"reject":"no"}"#, "{}");
    assert_eq!(redis.until_ended("otp", &id), "failed");
    assert_eq!(redis.until_ended("otp", &kept), "failed");
    let said = runner.until_logged("was not copied to the dead letter queue; it is tried again");
    assert!(said.contains("WRONGTYPE"), "{said}");
    redis.run::<()>(&["DEL", &redis.key("otp-dead", "wait")]);
    redis.until_count("otp-dead", "wait", 2);
    until("the job to be removed as its options say", || {
        redis.field("otp", &id, "name").is_none().then_some(())
    });
    assert_eq!(redis.count("otp", "failed"), 1);
    assert_eq!(redis.field("otp", &kept, "name").as_deref(), Some("x"));
}

#[test]
fn a_failure_that_is_told_twice_is_one_letter() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis);
    let id = redis.add("otp", "x", r#"{"reject":"no"}"#, "{}");
    assert_eq!(redis.until_ended("otp", &id), "failed");
    let config = runner::config::Queue {
        base: runner::config::JobSettings {
            dead_letter: Some(std::sync::Arc::new(runner::config::DeadLetter {
                queue: "otp-dead".into(),
                ..Default::default()
            })),
            ..Default::default()
        },
        ..config("otp", 1)
    };
    let engine = Engine::new(&redis, echo);
    let queue = engine.shared.queue(&config);
    for _ in 0..2 {
        let again = queue.bury(std::slice::from_ref(&id), false);
        engine.runtime.block_on(again).unwrap();
    }
    assert_eq!(redis.count("otp-dead", "wait"), 1);
    assert_eq!(redis.run::<u32>(&["GET", &redis.key("otp-dead", "id")]), 1);
}

#[test]
fn a_dead_letter_queue_comes_and_goes_with_queues_toml() {
    let redis = Redis::shared();
    let plain = "[queues.q]\nplugin = \"scripted\"\n[queues.dead]\n";
    let setup = Setup::new(&redis, plain).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let without = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let with = without.replace("[queues.dead]", "dead_letter = \"dead\"\n[queues.dead]");
    let fail = || {
        let id = redis.add("q", "x", r#"{"reject":"no"}"#, "{}");
        assert_eq!(redis.until_ended("q", &id), "failed");
        redis.count("dead", "wait")
    };
    assert_eq!(fail(), 0);
    setup.write(&with);
    runner.until_logged("queues.toml was reloaded");
    // The worker is told beside the log.
    until("a letter", || (fail() > 0).then_some(()));
    setup.write(&without);
    until("no further letter", || {
        let before = redis.count("dead", "wait");
        (fail() == before).then_some(())
    });
}

#[test]
fn a_job_that_expired_leaves_a_copy_and_one_that_was_cancelled_leaves_none() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    node.queue("otp", "pause", json!([]));
    let id = node.add(
        "otp",
        "late",
        json!({}),
        json!({ "timestamp": 1_600_000_000_000_u64 }),
    );
    let unwanted = node.add("otp", "unwanted", json!({}), json!({}));
    let toml = TOML.replace("[queues.otp]", "[queues.otp]\nexpires = \"1m\"");
    let setup = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let cancelled = setup.cli(&["job", "cancel", "otp", &unwanted]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    let _runner = setup.serve();
    redis.until_count("otp-dead", "wait", 1);
    assert_eq!(redis.count("otp", "failed"), 2);
    let letter = &waiting(&mut node, "otp-dead")[0]["opts"]["deadLetter"];
    assert_eq!(letter["id"], id.as_str());
    assert_eq!(letter["reason"], "expired: not started within 1m");
}
