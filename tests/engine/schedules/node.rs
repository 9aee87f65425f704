//! What npm schedules goes on as under npm's own worker.

use serde_json::{Value, json};

use super::{VERSIONS, completed, list, next, now, setup, times, until_completed};
use crate::support::{Node, Redis, until};

#[test]
fn what_node_asks_of_a_scheduler_is_kept() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let mut upsert = |id: &str, repeat: Value| {
            node.queue(
                "q",
                "upsertJobScheduler",
                json!([id, repeat, { "name": "n" }]),
            );
        };
        let began = now(&redis);
        upsert("limit", json!({ "pattern": "* * * * * *", "limit": 2 }));
        upsert(
            "start",
            json!({ "every": 300, "startDate": began + 2000, "limit": 2 }),
        );
        upsert(
            "end",
            json!({ "pattern": "* * * * * *", "endDate": began + 3000 }),
        );
        upsert(
            "now",
            json!({ "pattern": "0 0 1 1 *", "tz": "UTC", "immediately": true }),
        );
        upsert(
            "offset",
            json!({ "every": 1000, "offset": 130, "limit": 3 }),
        );
        let setup = setup(&redis, "");
        let _runner = setup.serve();
        let times = |id: &str, count: usize| times(&until_completed(&redis, id, count));
        assert!(times("now", 1)[0] < began + 2000);
        assert!(times("start", 2)[0] == began + 2000);
        let offset = times("offset", 3);
        assert!(offset.iter().all(|time| time % 1000 == 130), "{offset:?}");
        until("the end", || (now(&redis) > began + 4000).then_some(()));
        let end = times("end", 1);
        assert!(*end.last().unwrap() <= began + 3000, "{end:?}");
        for (id, count) in [("limit", 2), ("start", 2), ("offset", 3), ("now", 1)] {
            assert_eq!(completed(&redis, id).len(), count, "{id}");
        }
        // The next new year's, and nothing else.
        assert_eq!(redis.count("q", "delayed"), 1);
        let next = jiff::Timestamp::from_millisecond(next(&redis, "now").unwrap()).unwrap();
        assert!(next.to_string().ends_with("-01-01T00:00:00Z"), "{next}");
    }
}

#[test]
fn repeatable_jobs_of_old_go_on_with_their_payload() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 5);
    let options = json!({ "repeat": { "every": 300, "limit": 4 }, "attempts": 3 });
    node.add("q", "old", json!({ "result": 7 }), options);
    let setup = setup(&redis, "");
    let _runner = setup.serve();
    redis.until_count("q", "completed", 4);
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    for (at, id) in ids.iter().enumerate() {
        let job = node.job("q", id);
        assert_eq!(job["data"], json!({ "result": 7 }));
        assert_eq!(job["opts"]["attempts"], 3);
        assert_eq!(job["opts"]["repeat"]["count"], at + 1);
    }
    let gaps: Vec<i64> = times(&ids)
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(gaps.iter().all(|gap| gap % 300 == 0), "{gaps:?}");
    assert_eq!(list(&setup)[0]["state"], "legacy");
}

#[test]
fn a_repeatable_job_with_the_key_of_old_goes_on() {
    let redis = Redis::shared();
    let setup = setup(&redis, "");
    let _runner = setup.serve();
    // As BullMQ 3 left it: the job's id has a digest in the place of the key. It has
    // to start before its next time, so the runner is there already.
    let (key, at) = ("old::::2000", now(&redis) - 100);
    let id = format!("repeat:0cc175b9c0f1b6a831c399e269772661:{at}");
    let options = json!({
        "repeat": { "every": 2000, "count": 1, "limit": 3 },
        "jobId": id, "prevMillis": at, "delay": 0, "attempts": 2,
    });
    let score = at.to_string();
    let job = redis.key("q", &id);
    let (data, options) = (r#"{"result":7}"#, options.to_string());
    redis.run::<()>(&[
        "HSET",
        &job,
        "name",
        "old",
        "data",
        data,
        "opts",
        &options,
        "rjk",
        key,
        "timestamp",
        &score,
        "delay",
        "0",
        "priority",
        "0",
    ]);
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &score, key]);
    redis.run::<()>(&["LPUSH", &redis.key("q", "wait"), &id]);
    redis.run::<()>(&["ZADD", &redis.key("q", "marker"), "0", "0"]);
    redis.until_count("q", "completed", 3);
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    for (run, id) in ids.iter().enumerate() {
        assert!(
            id.starts_with("repeat:0cc175b9c0f1b6a831c399e269772661:"),
            "{id}"
        );
        assert_eq!(redis.field("q", id, "data").unwrap(), data);
        assert_eq!(redis.field("q", id, "name").unwrap(), "old");
        assert_eq!(times(&ids)[run], at + 2000 * run as i64);
    }
}

/// What must be equal of a scheduler after one of its jobs has run: its hash and
/// time, and its next job but for the moments.
fn after_a_run(redis: &Redis, node: &mut Node, queue: &str, repeat: &Value) -> Value {
    let template = json!({ "name": "n", "data": { "a": 1 }, "opts": { "attempts": 3, "backoff": 5, "priority": 4 } });
    node.queue(queue, "upsertJobScheduler", json!(["s", repeat, template]));
    let time = || -> i64 {
        let score: f64 = redis.run(&["ZSCORE", &redis.key(queue, "repeat"), "s"]);
        score as i64
    };
    let first = format!("repeat:s:{}", time());
    node.job_call(queue, &first, "promote", json!([]));
    redis.until_ended(queue, &first);
    redis.until_count(queue, "delayed", 1);
    let hash = |key: &str| -> std::collections::BTreeMap<String, String> {
        redis.run(&["HGETALL", &redis.key(queue, key)])
    };
    let next = format!("repeat:s:{}", time());
    let mut job = hash(&next);
    assert!(job["delay"].parse::<i64>().unwrap() > 0, "{job:?}");
    assert!(job.remove("timestamp").is_some() && job.remove("delay").is_some());
    let mut options: Value = serde_json::from_str(&job.remove("opts").unwrap()).unwrap();
    let fields = options.as_object_mut().unwrap();
    assert!(fields.remove("delay").is_some() && fields.remove("timestamp").is_some());
    json!({ "next": next, "job": job, "options": options, "scheduler": hash("repeat:s") })
}

#[test]
fn a_scheduler_goes_on_as_under_a_node_worker() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let setup = setup(&redis, "");
        let _runner = setup.serve();
        let end = now(&redis) + 100_000_000_000;
        let repeats = [
            json!({ "pattern": "0 0 1 1 *", "tz": "Asia/Tokyo" }),
            json!({ "pattern": "30 2 29 3 *", "tz": "Europe/Berlin", "limit": 9, "endDate": end }),
            json!({ "every": 86_400_000, "offset": 5000 }),
            json!({ "every": 86_400_000, "startDate": end - 86_400_000, "limit": 3 }),
        ];
        for (at, repeat) in repeats.iter().enumerate() {
            let theirs = format!("node-{at}");
            node.call("worker", json!({ "queue": theirs }));
            let theirs = after_a_run(&redis, &mut node, &theirs, repeat);
            let ours = after_a_run(&redis, &mut node, "q", repeat);
            assert_eq!(ours, theirs, "bullmq {version}, {repeat}");
            node.queue("q", "removeJobScheduler", json!(["s"]));
            redis.until_count("q", "delayed", 0);
            node.queue("q", "obliterate", json!([{ "force": true }]));
        }
    }
}
