//! Keys of a queue itself that are of the wrong type or hold garbage.

use super::{complaints, until_ended};
use crate::support::{Redis, Setup, guest, until};

/// Each with a type that it must not have.
const WRONG: [(&str, &str); 28] = [
    ("wait", "string"),
    ("active", "string"),
    ("paused", "hash"),
    ("delayed", "string"),
    ("prioritized", "list"),
    ("completed", "list"),
    ("failed", "hash"),
    ("waiting-children", "string"),
    ("marker", "string"),
    ("repeat", "set"),
    ("events", "string"),
    ("meta", "string"),
    ("stalled", "list"),
    ("id", "hash"),
    ("pc", "hash"),
    ("limiter", "list"),
    ("metrics:completed", "string"),
    ("metrics:completed:data", "hash"),
    ("metrics:failed", "set"),
    ("runner:holders", "string"),
    ("runner:parked", "list"),
    ("runner:gates", "hash"),
    ("runner:parked:order", "hash"),
    ("runner:held:group:7", "string"),
    ("runner:parked:group:7", "string"),
    ("runner:started:group:7", "hash"),
    ("runner:schedules", "string"),
    ("runner:missed", "string"),
];
/// Values that are no settings and no counts.
const GARBAGE: [(&str, &str, &str); 14] = [
    ("meta", "concurrency", "x"),
    ("meta", "concurrency", "nan"),
    ("meta", "concurrency", "2.5"),
    ("meta", "max", "1.5"),
    ("meta", "max", "nan"),
    ("meta", "duration", "inf"),
    ("meta", "opts.maxLenEvents", "x"),
    ("meta", "opts.maxLenEvents", "-1"),
    ("meta", "opts.maxLenEvents", "1e308"),
    ("meta", "version", "bullmq:x"),
    ("id", "", "x"),
    ("pc", "", "x"),
    ("limiter", "", "x"),
    ("runner:parked:order", "", "1.5"),
];

fn set(redis: &Redis, key: &str, kind: &str) {
    let words: &[&str] = match kind {
        "string" => &["SET", key, "x"],
        "list" => &["RPUSH", key, "x"],
        "set" => &["SADD", key, "x"],
        _ => &["HSET", key, "x", "x"],
    };
    redis.run::<redis::Value>(words);
}

/// A job that waits in the list or, if it must not be read, in the other set.
fn add(redis: &Redis, queue: &str, id: &str, wait: &str) {
    let priority = if wait == "wait" { "0" } else { "1" };
    redis.write_job(queue, id, "x", priority);
    match wait {
        "wait" => redis.run::<u64>(&["LPUSH", &redis.key(queue, "wait"), id]),
        _ => redis.run::<u64>(&["ZADD", &redis.key(queue, wait), "4294967297", id]),
    };
    // It may be one of the keys that are wrong.
    let mut command = redis::cmd("ZADD");
    command.arg(redis.key(queue, "marker")).arg(0).arg("0");
    let _ = command.query::<u64>(&mut redis.connect());
}

fn serve(redis: &Redis, queues: &[String]) -> (Setup, crate::support::Runner) {
    let mut toml = "[runtime]\nlock = \"4s\"\nstalled_interval = \"1s\"\n".to_owned();
    for queue in queues {
        toml += &format!("[queues.{queue}]\nplugin = \"noop\"\nconcurrency = 3\nmetrics = 60\n");
        if queue.starts_with("gated") {
            let rate = "limiter = { max = 1000, duration = \"1s\" }";
            toml += &format!("group = {{ by = \"shop\", concurrency = 1, {rate} }}\n");
        }
    }
    let setup = Setup::new(redis, &toml).plugin("noop", &guest("noop"));
    let runner = setup.spawn(&["serve"]);
    (setup, runner)
}

#[test]
fn a_key_of_the_wrong_type_is_put_aside_and_the_queue_goes_on() {
    let redis = Redis::shared();
    let mut queues = Vec::new();
    for (n, (key, kind)) in WRONG.iter().enumerate() {
        let kind_of = if key.starts_with("runner:") {
            "gated"
        } else {
            "plain"
        };
        let queue = format!("{kind_of}{n}");
        let wait = if *key == "wait" {
            "prioritized"
        } else {
            "wait"
        };
        (1..=5).for_each(|id| add(&redis, &queue, &format!("j{id}"), wait));
        set(&redis, &redis.key(&queue, key), kind);
        queues.push(queue);
    }
    for (n, (key, field, value)) in GARBAGE.iter().enumerate() {
        let queue = format!("gated{}", n + 100);
        (1..=5).for_each(|id| add(&redis, &queue, &format!("j{id}"), "wait"));
        let key = redis.key(&queue, key);
        match *field {
            "" => drop(redis.run::<String>(&["SET", &key, value])),
            field => drop(redis.run::<u64>(&["HSET", &key, field, value])),
        }
        queues.push(queue);
    }
    let (_setup, mut runner) = serve(&redis, &queues);
    for queue in &queues {
        let ids: Vec<Vec<u8>> = ["j1", "j2", "j3", "j4", "j5"].map(Vec::from).into();
        until_ended(&redis, queue, &ids, &["completed"]);
    }
    for ((key, kind), queue) in WRONG.iter().zip(&queues) {
        let aside = redis.key(queue, &format!("{key}:corrupt"));
        until(&format!("{aside} to be put aside"), || {
            (redis.run::<String>(&["TYPE", &aside]) == *kind).then_some(())
        });
    }
    for queue in &queues {
        add(&redis, queue, "later", "wait");
    }
    for queue in &queues {
        let ids: Vec<Vec<u8>> = ["j1", "j2", "j3", "j4", "j5", "later"]
            .map(Vec::from)
            .into();
        let places = until_ended(&redis, queue, &ids, &["completed"]);
        assert_eq!(places.len(), ids.len(), "{queue}: {places:?}");
    }
    assert!(!complaints(&runner).is_empty(), "it is told");
    assert!(runner.stop().success());
}

#[test]
fn keys_that_break_while_jobs_run_cost_no_job() {
    const JOBS: u64 = 400;
    let redis = Redis::shared();
    let queue = "q".to_owned();
    let (_setup, mut runner) = serve(&redis, std::slice::from_ref(&queue));
    runner.until_ready();
    let breakable = [
        "events",
        "marker",
        "stalled",
        "pc",
        "limiter",
        "metrics:completed",
        "meta",
    ];
    for id in 1..=JOBS {
        if id % 10 == 0 {
            let key = redis.key(&queue, breakable[(id / 10) as usize % breakable.len()]);
            let broken = "redis.call('DEL', KEYS[1]) redis.call('SADD', KEYS[1], 'x')";
            redis.run::<redis::Value>(&["EVAL", broken, "1", &key]);
        }
        let added = ["wait", "prioritized"][usize::from(id % 3 == 0)];
        add(&redis, &queue, &format!("j{id}"), added);
    }
    let ids: Vec<Vec<u8>> = (1..=JOBS).map(|id| format!("j{id}").into_bytes()).collect();
    let places = until_ended(&redis, &queue, &ids, &["completed"]);
    assert_eq!(places.len(), ids.len(), "{places:?}");
    complaints(&runner);
    assert!(runner.stop().success());
}
