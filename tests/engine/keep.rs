//! `removeOnComplete` and `removeOnFail` in all their forms: the same ended jobs
//! are left as under a Node worker, whether the option comes with the job or from
//! `queues.toml`.

use serde_json::{Value, json};

use crate::support::{Node, Redis, Setup, guest, now};

/// Four jobs that have ended: two 2 hours ago, two 10 s ago.
fn seed(redis: &Redis, queue: &str, set: &str) {
    let now = now();
    redis.run::<u32>(&["DEL", &redis.key(queue, set)]);
    for (id, seconds) in [
        ("old-1", 7201),
        ("old-2", 7200),
        ("new-1", 11),
        ("new-2", 10),
    ] {
        let ended = (now - seconds * 1000).to_string();
        redis.run::<()>(&[
            "HSET",
            &redis.key(queue, id),
            "name",
            "x",
            "data",
            "{}",
            "opts",
            "{}",
        ]);
        redis.run::<()>(&["ZADD", &redis.key(queue, set), &ended, id]);
    }
}

/// What is left of them and of the last job: in the set, and as hashes.
fn left(redis: &Redis, queue: &str, set: &str, last: &str) -> (Vec<String>, Vec<bool>) {
    let kept = redis.run::<Vec<String>>(&["ZRANGE", &redis.key(queue, set), "0", "-1"]);
    let name = |id: String| if id == last { "last".to_owned() } else { id };
    let exists = |id: &&str| redis.run::<bool>(&["EXISTS", &redis.key(queue, id)]);
    let hashes = ["old-1", "old-2", "new-1", "new-2", last];
    (
        kept.into_iter().map(name).collect(),
        hashes.iter().map(exists).collect(),
    )
}

const KINDS: [(&str, &str, &str); 2] = [
    ("completed", "removeOnComplete", "{}"),
    ("failed", "removeOnFail", r#"{"reject":"no"}"#),
];

#[test]
fn every_form_of_the_option_keeps_what_a_node_worker_keeps() {
    let forms = [
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(3),
        json!(1000),
        json!(-1),
        json!("yes"),
        json!({}),
        json!({ "count": 0 }),
        json!({ "count": 2 }),
        json!({ "count": -1 }),
        json!({ "age": 3600 }),
        json!({ "age": 10.5 }),
        json!({ "age": 0 }),
        json!({ "age": 3600, "count": 2 }),
        json!({ "age": 3600, "count": 100 }),
        json!({ "age": 3600, "limit": 1 }),
        json!({ "age": 1, "limit": 3, "count": 2 }),
    ];
    for version in [5, 6] {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let toml = "[queues.runner]\nplugin = \"scripted\"\n";
        let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
        let _runner = setup.serve();
        node.call("worker", json!({ "queue": "node" }));
        for form in &forms {
            for (set, option, data) in KINDS {
                let seen = ["node", "runner"].map(|queue| {
                    seed(&redis, queue, set);
                    let data: Value = serde_json::from_str(data).unwrap();
                    let id = node.add(queue, "x", data, json!({ option: form }));
                    node.finished(queue, &id);
                    left(&redis, queue, set, &id)
                });
                assert_eq!(seen[1], seen[0], "{option} {form}, bullmq {version}");
            }
        }
    }
}

#[test]
fn every_form_of_the_default_keeps_what_npm_keeps_with_the_same_option() {
    // As the file says it, and as npm does.
    let forms = [
        ("true", json!(true)),
        ("false", json!(false)),
        ("0", json!(0)),
        ("2", json!(2)),
        (r#"{ count = 2 }"#, json!({ "count": 2 })),
        (r#"{ age = "1h" }"#, json!({ "age": 3600 })),
        (
            r#"{ age = "1h", count = 2 }"#,
            json!({ "age": 3600, "count": 2 }),
        ),
        (
            r#"{ age = "1h", limit = 1 }"#,
            json!({ "age": 3600, "limit": 1 }),
        ),
        (r#"{ limit = 1 }"#, json!({ "limit": 1 })),
    ];
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let mut toml = String::new();
    for (n, (form, _)) in forms.iter().enumerate() {
        toml += &format!(
            "[queues.q{n}]\nplugin = \"scripted\"\n\
             defaults = {{ remove_on_complete = {form}, remove_on_fail = {form} }}\n"
        );
    }
    let setup = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    node.call("worker", json!({ "queue": "node" }));
    for (n, (text, form)) in forms.iter().enumerate() {
        for (set, option, data) in KINDS {
            seed(&redis, "node", set);
            let parsed: Value = serde_json::from_str(data).unwrap();
            let id = node.add("node", "x", parsed, json!({ option: form }));
            node.finished("node", &id);
            let expected = left(&redis, "node", set, &id);

            let queue = format!("q{n}");
            seed(&redis, &queue, set);
            let ended = setup.cli(&["add", &queue, "x", data, "--wait"]);
            assert_eq!(ended.code, Some(i32::from(set == "failed")), "{ended:?}");
            let id: String = redis.run(&["GET", &redis.key(&queue, "id")]);
            assert_eq!(left(&redis, &queue, set, &id), expected, "{option} {text}");
        }
    }
}

#[test]
fn what_is_past_its_age_goes_when_another_job_ends_in_the_same_state() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.q]\nplugin = \"scripted\"\n")
        .plugin("scripted", &guest("scripted"));
    seed(&redis, "q", "failed");
    let _runner = setup.serve();
    let age = r#"{"removeOnComplete":{"age":60},"removeOnFail":{"age":60}}"#;
    let id = redis.add("q", "work", "{}", age);
    assert_eq!(redis.until_ended("q", &id), "completed");
    assert_eq!(redis.count("q", "failed"), 4);
    let id = redis.add("q", "work", r#"{"reject":"no"}"#, age);
    assert_eq!(redis.until_ended("q", &id), "failed");
    assert_eq!(
        left(&redis, "q", "failed", &id).0,
        ["new-1", "new-2", "last"]
    );
}

/// As a worker's options and as queues.toml write them: what a queue keeps of jobs whose
/// producer does not say so.
#[test]
fn what_a_queue_keeps_is_what_a_node_worker_with_the_same_option_keeps() {
    let forms = [
        ("3", json!({ "count": 3 })),
        ("false", json!({ "count": 0 })),
        ("true", json!({ "count": -1 })),
        (r#"{ age = "1h" }"#, json!({ "age": 3600 })),
        (
            r#"{ age = "1h", count = 2 }"#,
            json!({ "age": 3600, "count": 2 }),
        ),
    ];
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let mut toml = String::new();
    for (n, (form, option)) in forms.iter().enumerate() {
        toml += &format!(
            "[queues.q{n}]\nplugin = \"scripted\"\nkeep_completed = {form}\nkeep_failed = {form}\n"
        );
        let queue = format!("node-{n}");
        let keeps = json!({ "removeOnComplete": option, "removeOnFail": option });
        node.call("worker", json!({ "queue": queue, "keeps": keeps }));
    }
    let setup = Setup::new(&redis, &toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    for (n, form) in forms.iter().enumerate() {
        for (set, option, data) in KINDS {
            // A producer that says something counts before the worker.
            for own in [json!({}), json!({ option: false }), json!({ option: 1 })] {
                let seen = [format!("node-{n}"), format!("q{n}")].map(|queue| {
                    seed(&redis, &queue, set);
                    let data: Value = serde_json::from_str(data).unwrap();
                    let id = node.add(&queue, "x", data, own.clone());
                    node.finished(&queue, &id);
                    left(&redis, &queue, set, &id)
                });
                assert_eq!(seen[1], seen[0], "{option} {own} in {form:?}");
            }
        }
    }
}

#[test]
fn names_may_be_kept_otherwise_than_the_rest_of_the_queue() {
    let redis = Redis::shared();
    let toml = "[defaults.queue]\nkeep_completed = false\n\
                [queues.q]\nplugin = \"scripted\"\n[queues.q.jobs.\"invoice-*\"]\nkeep_completed = true\n";
    let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let last = redis.add("q", "invoice-1", "{}", "{}");
    redis.until_ended("q", &last);
    let gone = redis.add("q", "mail", "{}", "{}");
    let events = redis.add("q", "invoice-2", "{}", "{}");
    redis.until_ended("q", &events);
    assert_eq!(redis.count("q", "completed"), 2);
    assert!(!redis.run::<bool>(&["EXISTS", &redis.key("q", &gone)]));
}
