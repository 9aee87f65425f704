//! Deduplication: jobs added through Runner leave what npm's `queue.add` leaves,
//! and jobs that npm added are released when Runner has worked on them.

use std::collections::BTreeMap;

use runner::queue::{Deduplication, NewJob};
use serde_json::{Value, json};

use crate::support::engine::{Engine, config, echo};
use crate::support::{Node, Redis, Setup, guest, until};

const VERSIONS: [u8; 2] = [5, 6];
const QUEUE: &str = "q";

/// The flags of `runner add` for npm's options.
fn flags(options: &Value) -> Vec<String> {
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: String| flags.extend([name.to_owned(), value]);
    if let Some(id) = options["jobId"].as_str() {
        flag("--id", id.to_owned());
    }
    if let Some(delay) = options["delay"].as_u64() {
        flag("--delay", format!("{delay}ms"));
    }
    if let Some(priority) = options["priority"].as_u64() {
        flag("--priority", priority.to_string());
    }
    let de = &options["deduplication"];
    if let Some(id) = de["id"].as_str() {
        flag("--dedup-id", id.to_owned());
    }
    if let Some(ttl) = de["ttl"].as_u64() {
        flag("--dedup-ttl", format!("{ttl}ms"));
    }
    for (field, name) in [
        ("extend", "--dedup-extend"),
        ("replace", "--dedup-replace"),
        ("keepLastIfActive", "--dedup-keep-last"),
        ("reschedule", "--dedup-reschedule"),
    ] {
        if de[field] == true {
            flags.push(name.to_owned());
        }
    }
    flags
}

/// Everything in the queue but `meta` and the marker, with moments and what is
/// left of times rounded.
fn state(redis: &Redis) -> BTreeMap<String, Value> {
    let base = redis.key(QUEUE, "");
    let plain = |text: &str| match text.parse::<f64>() {
        Ok(number) if number > 1.65e12 => "moment".to_owned(),
        _ => text.to_owned(),
    };
    let rounded = |text: &str| match text.parse::<f64>() {
        Ok(score) if score > 1e15 => "moment".to_owned(),
        _ => text.to_owned(),
    };
    let mut all = BTreeMap::new();
    for key in redis.run::<Vec<String>>(&["KEYS", &format!("{base}*")]) {
        let name = key.replace(&base, "");
        let value = match redis.run::<String>(&["TYPE", &key]).as_str() {
            _ if name == "meta" || name == "marker" => continue,
            "string" => {
                let left = redis.run::<i64>(&["PTTL", &key]);
                let value: String = redis.run(&["GET", &key]);
                json!([value, (left as f64 / 10_000.0).ceil()])
            }
            "list" => json!(redis.run::<Vec<String>>(&["LRANGE", &key, "0", "-1"])),
            "zset" => {
                let members: Vec<String> = redis.run(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]);
                json!(members.iter().map(|text| rounded(text)).collect::<Vec<_>>())
            }
            "hash" => {
                let fields: BTreeMap<String, String> = redis.run(&["HGETALL", &key]);
                fields
                    .iter()
                    .map(|(name, value)| match name.as_str() {
                        "opts" => (name.clone(), serde_json::from_str(value).unwrap()),
                        _ => (name.clone(), Value::from(plain(value))),
                    })
                    .collect()
            }
            "stream" => redis
                .run::<Vec<(String, Vec<String>)>>(&["XRANGE", &key, "-", "+"])
                .into_iter()
                .map(|(_, fields)| fields.iter().map(|text| plain(text)).collect::<Value>())
                .collect(),
            other => panic!("{other}"),
        };
        all.insert(name, value);
    }
    all
}

/// The same adds by npm and by `runner add`: the ids that come back and all that
/// is in Redis after each must be equal. `"take"` makes the waiting job active.
#[track_caller]
fn same_as_npm(steps: &[Value]) {
    for version in VERSIONS {
        let theirs = Redis::shared();
        let mine = Redis::shared();
        let mut node = Node::start(&theirs, version);
        let setup = Setup::new(&mine, "[queues.q]\n");
        let meta = format!("bullmq:{version}.0.0");
        mine.run::<()>(&["HSET", &mine.key(QUEUE, "meta"), "version", &meta]);
        for (n, step) in steps.iter().enumerate() {
            if step == "take" {
                for redis in [&theirs, &mine] {
                    let (from, to) = (redis.key(QUEUE, "wait"), redis.key(QUEUE, "active"));
                    redis
                        .run::<Option<String>>(&["RPOPLPUSH", &from, &to])
                        .unwrap();
                }
                continue;
            }
            let data = json!({ "n": n });
            let expected = node.add(QUEUE, "job", data.clone(), step.clone());
            let data = data.to_string();
            let mut line = vec!["add", QUEUE, "job", data.as_str()];
            let flags = flags(step);
            line.extend(flags.iter().map(String::as_str));
            let added = setup.cli(&line);
            assert_eq!(added.code, Some(0), "{added:?}");
            assert_eq!(added.stdout.trim(), expected, "step {n}, bullmq {version}");
            assert_eq!(
                state(&mine),
                state(&theirs),
                "after step {n}, bullmq {version}"
            );
        }
    }
}

fn de(fields: Value) -> Value {
    let mut de = json!({ "id": "d" });
    for (name, value) in fields.as_object().unwrap() {
        de[name] = value.clone();
    }
    json!({ "deduplication": de })
}

fn delayed(mut options: Value, delay: u64) -> Value {
    options["delay"] = delay.into();
    options
}

#[test]
fn a_second_job_is_not_added_as_npm_does_not_add_it() {
    let simple = de(json!({}));
    let mut own_id = simple.clone();
    own_id["jobId"] = "own".into();
    let mut urgent = simple.clone();
    urgent["priority"] = 3.into();
    same_as_npm(&[
        simple.clone(),
        simple.clone(),
        own_id,
        urgent,
        delayed(simple, 5000),
    ]);
}

#[test]
fn a_throttled_job_is_not_added_as_npm_does_not_add_it() {
    let throttled = de(json!({ "ttl": 100_000 }));
    let extended = de(json!({ "ttl": 300_000, "extend": true }));
    same_as_npm(&[
        throttled.clone(),
        throttled.clone(),
        extended.clone(),
        throttled,
    ]);
    same_as_npm(&[extended.clone(), extended]);
}

#[test]
fn a_debounced_job_takes_the_place_of_the_delayed_one_as_with_npm() {
    let debounced = delayed(
        de(json!({ "ttl": 60_000, "extend": true, "replace": true })),
        60_000,
    );
    same_as_npm(&[debounced.clone(), debounced.clone(), debounced]);
    let replaced = delayed(de(json!({ "replace": true })), 60_000);
    same_as_npm(&[
        replaced.clone(),
        replaced.clone(),
        de(json!({ "replace": true })),
    ]);
    // The time that was left goes on, not that of the second job.
    let replaces = |ttl: u64| delayed(de(json!({ "ttl": ttl, "replace": true })), 60_000);
    same_as_npm(&[replaces(300_000), replaces(60_000)]);
    // One that is not delayed any more stays.
    same_as_npm(&[
        de(json!({ "replace": true })),
        de(json!({ "replace": true })),
    ]);
}

#[test]
fn the_last_job_that_comes_while_one_is_active_is_kept_as_with_npm() {
    for fields in [
        json!({ "keepLastIfActive": true }),
        json!({ "keepLastIfActive": true, "ttl": 60_000 }),
        json!({ "keepLastIfActive": true, "ttl": 60_000, "extend": true }),
        json!({ "keepLastIfActive": true, "replace": true }),
    ] {
        let last = de(fields);
        same_as_npm(&[
            last.clone(),
            last.clone(),
            "take".into(),
            last.clone(),
            last,
        ]);
    }
}

#[test]
fn a_delayed_job_is_moved_to_the_delay_of_the_next_as_npm_6_moves_it() {
    let theirs = Redis::shared();
    let mine = Redis::shared();
    let mut node = Node::start(&theirs, 6);
    let setup = Setup::new(&mine, "[queues.q]\n");
    for delay in [10_000, 400_000] {
        let options = delayed(de(json!({ "reschedule": true })), delay);
        node.add(QUEUE, "job", json!({}), options.clone());
        let mut line = vec!["add", QUEUE, "job"];
        let flags = flags(&options);
        line.extend(flags.iter().map(String::as_str));
        assert_eq!(setup.cli(&line).stdout, "1\n");
    }
    assert_eq!(state(&mine), state(&theirs));
    assert_eq!(mine.field(QUEUE, "1", "delay").as_deref(), Some("400000"));
}

#[test]
fn an_id_whose_job_has_vanished_is_free_again() {
    let theirs = Redis::shared();
    let mut node = Node::start(&theirs, 6);
    let setup = Setup::new(&theirs, "[queues.q]\n");
    assert_eq!(node.add(QUEUE, "job", json!({}), de(json!({}))), "1");
    theirs.run::<u32>(&["DEL", &theirs.key(QUEUE, "1")]);
    let added = setup.cli(&["add", QUEUE, "job", "--dedup-id", "d"]);
    assert_eq!(added.stdout, "2\n");
    assert_eq!(
        node.queue(QUEUE, "getDeduplicationJobId", json!(["d"])),
        "2"
    );
}

// Long because it is one story, told to two workers step by step.
/// The ids that are held, once Runner has worked on what was added.
#[test]
fn runner_releases_what_npm_holds_as_a_node_worker_does() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let toml = "[queues.runner]\nplugin = \"scripted\"\n";
        let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
        let _runner = setup.serve();
        node.call("worker", json!({ "queue": "node" }));
        let throttled = json!({ "deduplication": { "id": "throttled", "ttl": 60_000 } });
        let simple = json!({ "deduplication": { "id": "simple" } });
        let failing = json!({ "deduplication": { "id": "failing" }, "attempts": 2 });
        let last = json!({ "deduplication": { "id": "last", "keepLastIfActive": true } });
        let seen = ["node", "runner"].map(|queue| {
            let simple_id = node.add(queue, "a", json!({}), simple.clone());
            node.finished(queue, &simple_id);
            let throttled_id = node.add(queue, "b", json!({}), throttled.clone());
            node.finished(queue, &throttled_id);
            let failing_id = node.add(queue, "c", json!({ "retry": "no" }), failing.clone());
            node.finished(queue, &failing_id);
            // While the first sleeps two more come: the last of them runs.
            let long = json!({ "sleep": 700, "result": "first" });
            let first = node.add(queue, "d", long, last.clone());
            until("the first to be active", || {
                (redis.count(queue, "active") == 1).then_some(())
            });
            let data = json!({ "result": "never" });
            assert_eq!(node.add(queue, "d", data, last.clone()), first);
            let data = json!({ "result": "last" });
            assert_eq!(node.add(queue, "d", data, last.clone()), first);
            assert_eq!(node.finished(queue, &first), "first");
            redis.until_count(queue, "completed", 4);
            until("the queue to be empty", || {
                (redis.count(queue, "active") == 0).then_some(())
            });
            let ids: Vec<String> = redis.run(&["KEYS", &redis.key(queue, "d[en]:*")]);
            let held: BTreeMap<String, bool> = ids
                .iter()
                .map(|key| {
                    let id = key.rsplit(':').next().unwrap().to_owned();
                    (id, redis.run::<i64>(&["PTTL", key]) > 0)
                })
                .collect();
            let jobs = node.queue(
                queue,
                "getJobs",
                json!([["completed", "failed"], 0, -1, true]),
            );
            let done: Vec<(Value, Value)> = jobs
                .as_array()
                .unwrap()
                .iter()
                .map(|job| (job["id"].clone(), job["returnvalue"].clone()))
                .collect();
            (held, done)
        });
        assert_eq!(seen[1], seen[0], "bullmq {version}");
        assert_eq!(seen[1].0, [("throttled".to_owned(), true)].into());
        assert!(
            seen[1].1.iter().any(|(_, value)| value == "last"),
            "{seen:?}"
        );
        assert!(!seen[1].1.iter().any(|(_, value)| value == "never"));
    }
}

#[test]
fn a_guest_adds_one_job_in_the_place_of_several() {
    let redis = Redis::shared();
    let toml = "[queues.q]\nplugin = \"reach\"\n[queues.to]\n";
    let setup = Setup::new(&redis, toml).plugin("reach", &guest("reach"));
    let _runner = setup.serve();
    for (how, ids, held) in [
        ("until-ended", json!({ "Ok": ["1", "1"] }), false),
        ("throttle", json!({ "Ok": ["3", "3"] }), true),
        ("debounce", json!({ "Ok": ["5", "6"] }), true),
        ("keep-last", json!({ "Ok": ["7", "7"] }), false),
    ] {
        let data = json!({ "queue": "to", "how": how, "id": how }).to_string();
        let ended = setup.cli(&["add", "q", "add-once", &data, "--wait"]);
        let got: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(got, ids, "{how}");
        let left: i64 = redis.run(&["PTTL", &redis.key("to", &format!("de:{how}"))]);
        assert_eq!(left > 0, held, "{how}: {left}");
    }
    assert_eq!(redis.count("to", "delayed"), 4);
}

#[test]
fn a_job_over_its_size_limit_is_refused_where_npm_refuses_it() {
    let redis = Redis::shared();
    let toml =
        "[queues.q]\nplugin = \"reach\"\n[queues.small]\ndefaults = { size_limit = \"7B\" }\n";
    let setup = Setup::new(&redis, toml).plugin("reach", &guest("reach"));
    let mut node = Node::start(&redis, 6);
    // 7 bytes: `{"a":1}`; the letter counts as the two bytes it has.
    for (data, fits) in [(json!({ "a": 1 }), true), (json!({ "ä": 1 }), false)] {
        let options = json!({ "sizeLimit": 7 });
        let call = json!(["job", data, options]);
        let npm = node.call("refusal", json!({ "queue": "npm", "args": call }));
        assert_eq!(npm.is_null(), fits, "{npm}");
        let data = data.to_string();
        for line in [
            vec!["add", "q", "job", &data, "--size-limit", "7"],
            vec!["add", "small", "job", &data],
        ] {
            let added = setup.cli(&line);
            if fits {
                assert_eq!(added.code, Some(0), "{added:?}");
            } else {
                let reason = "error: the payload of job \"job\" has 8 bytes, more than its size limit of 7\n";
                assert_eq!((added.code, added.stderr.as_str()), (Some(2), reason));
            }
        }
    }
    assert_eq!(redis.count("small", "wait"), 1);
    let job = node.job("small", "1");
    assert_eq!(job["opts"]["sizeLimit"], 7);

    let _runner = setup.serve();
    let data = json!({ "queue": "small", "data": "abcdef" }).to_string();
    let ended = setup.cli(&["add", "q", "add-small", &data, "--wait"]);
    let refused = "{\"Err\":\"the job was not added: the payload of job \\\"small\\\" has 8 bytes, more than its size limit of 5\"}\n";
    assert_eq!(ended.stdout, refused);
}

#[test]
fn an_empty_deduplication_id_is_refused() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.q]\n");
    let added = setup.cli(&["add", "q", "job", "--dedup-id", ""]);
    assert_eq!(added.code, Some(2));
    assert_eq!(
        added.stderr,
        "error: the deduplication id is empty; jobs with the same id are one\n"
    );
}

/// One add, by chance: mostly with one of two deduplication ids.
fn chance(random: &mut fastrand::Rng, version: u8) -> Value {
    let mut options = json!({});
    if random.u8(..5) > 0 {
        let mut de = json!({ "id": random.choice(["a", "b"]).unwrap() });
        if random.bool() {
            de["ttl"] = random.choice([60_000, 300_000]).unwrap().into();
        }
        for field in ["extend", "replace", "keepLastIfActive", "reschedule"] {
            // Version 5 does not know the last one.
            if random.u8(..3) == 0 && (version > 5 || field != "reschedule") {
                de[field] = true.into();
            }
        }
        options["deduplication"] = de;
    }
    match random.u8(..4) {
        0 => options["delay"] = 60_000.into(),
        1 => options["priority"] = 3.into(),
        _ => {}
    }
    if random.u8(..6) == 0 {
        options["jobId"] = random.choice(["x", "y"]).unwrap().into();
    }
    options
}

fn new_job(data: &Value, options: &Value) -> NewJob {
    let de = &options["deduplication"];
    let set = |field: &str| de[field] == true;
    NewJob {
        name: "job".into(),
        data: data.to_string(),
        id: options["jobId"].as_str().map(str::to_owned),
        delay: options["delay"].as_u64().unwrap_or(0),
        priority: options["priority"].as_u64().unwrap_or(0) as u32,
        deduplication: de["id"].as_str().map(|id| Deduplication {
            id: id.to_owned(),
            ttl: de["ttl"].as_u64().unwrap_or(0),
            extend: set("extend"),
            replace: set("replace"),
            keep_last_if_active: set("keepLastIfActive"),
            reschedule: set("reschedule"),
        }),
        ..NewJob::default()
    }
}

#[test]
fn adds_made_by_chance_leave_what_npm_leaves() {
    for (version, seed) in VERSIONS
        .into_iter()
        .flat_map(|v| (1..=5).map(move |n| (v, n)))
    {
        let mut random = fastrand::Rng::with_seed(seed);
        let theirs = Redis::shared();
        let mine = Redis::shared();
        let mut node = Node::start(&theirs, version);
        let engine = Engine::new(&mine, echo);
        let queue = engine.shared.queue(&config(QUEUE, 1));
        let meta = format!("bullmq:{version}.0.0");
        mine.run::<()>(&["HSET", &mine.key(QUEUE, "meta"), "version", &meta]);
        let mut steps = Vec::new();
        for n in 0..30 {
            if random.u8(..5) == 0 {
                steps.push("take".into());
                for redis in [&theirs, &mine] {
                    let (from, to) = (redis.key(QUEUE, "wait"), redis.key(QUEUE, "active"));
                    redis.run::<Option<String>>(&["RPOPLPUSH", &from, &to]);
                }
            } else {
                let (data, options) = (json!({ "n": n }), chance(&mut random, version));
                steps.push(options.clone());
                let expected = node.add(QUEUE, "job", data.clone(), options.clone());
                let job = [new_job(&data, &options)];
                let added = engine.runtime.block_on(queue.add(&job)).unwrap();
                assert_eq!(
                    added[0].id, expected,
                    "seed {seed}, bullmq {version}: {steps:?}"
                );
            }
            assert_eq!(
                state(&mine),
                state(&theirs),
                "seed {seed}, bullmq {version}: {steps:?}"
            );
        }
    }
}
