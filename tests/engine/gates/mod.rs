//! Limits for jobs of one name and for groups of jobs, over all runners of a
//! queue, and what BullMQ sees of the jobs that wait for them.

mod parked;
mod random;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::config::{Group, JobSettings, Limiter, Pattern};
use runner::outcome::Outcome;
use runner::queue::Attempt;
use serde_json::{Value, json};

use crate::support::Redis;
use crate::support::engine::{Engine, config, retry, settings};

const QUEUE: &str = "work";

/// What ran: jobs by name and data in the order of their starts, and the most
/// that ran at once of each.
#[derive(Default)]
struct Seen {
    started: Vec<(String, String)>,
    running: HashMap<String, usize>,
    most: HashMap<String, usize>,
}

/// A handler that takes a moment and notes what runs, by `key`.
fn watching(
    seen: &Arc<Mutex<Seen>>,
    key: impl Fn(&Attempt) -> String + Send + Sync + 'static,
) -> impl Fn(&Attempt) -> Outcome + Send + Sync + 'static {
    let seen = seen.clone();
    move |attempt| {
        let key = key(attempt);
        {
            let seen = &mut *seen.lock().unwrap();
            seen.started.push((key.clone(), attempt.job.id.clone()));
            let running = seen.running.entry(key.clone()).or_default();
            *running += 1;
            let most = seen.most.entry(key.clone()).or_default();
            *most = (*most).max(*running);
        }
        #[expect(clippy::disallowed_methods, reason = "a job that takes a moment")]
        std::thread::sleep(Duration::from_millis(3));
        *seen.lock().unwrap().running.get_mut(&key).unwrap() -= 1;
        match attempt.job.name.as_str() {
            "flaky" if attempt.job.attempts_made == 0 => retry("not yet"),
            _ => Outcome::Completed("null".into()),
        }
    }
}

fn shop(attempt: &Attempt) -> String {
    let data: Value = serde_json::from_str(&attempt.job.data).unwrap_or_default();
    data["shop"]["id"].to_string()
}

fn by_shop(concurrency: Option<u32>, limiter: Option<Limiter>) -> runner::config::Queue {
    runner::config::Queue {
        group: Some(Group {
            by: "shop.id".into(),
            concurrency,
            limiter,
        }),
        ..config(QUEUE, 10)
    }
}

fn of_shop(shop: impl Into<Value>) -> String {
    json!({ "items": [1, 2], "shop": { "id": shop.into() } }).to_string()
}

/// Nothing of the gates is left but what expires by itself or is a number.
#[track_caller]
fn assert_nothing_left(redis: &Redis) {
    let keys: Vec<String> = redis.run(&["KEYS", &redis.key(QUEUE, "runner:*")]);
    let left: Vec<&String> = keys
        .iter()
        .filter(|key| {
            let other = [":started:", ":cancel:", ":parked:order"];
            !other.iter().any(|part| key.contains(part))
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_limit_for_a_name_holds_over_two_runners() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    for i in 0..120 {
        let name = if i % 2 == 0 { "render-pdf" } else { "mail" };
        redis.add(QUEUE, name, "{}", "{}");
    }
    let mut limited = config(QUEUE, 10);
    let two = JobSettings {
        concurrency: Some(2),
        ..settings()
    };
    limited.jobs = vec![(Pattern("render-*".into()), two)];
    let mut engines: Vec<Engine> = (0..2)
        .map(|_| Engine::new(&redis, watching(&seen, |attempt| attempt.job.name.clone())))
        .collect();
    for engine in &mut engines {
        engine.consume(limited.clone());
    }
    redis.until_count(QUEUE, "completed", 120);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.most["render-pdf"], 2);
    assert!(seen.most["mail"] > 2, "{}", seen.most["mail"]);
    assert_nothing_left(&redis);
}

#[test]
fn jobs_of_a_group_run_one_by_one_in_their_order() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    let mut added: HashMap<String, Vec<String>> = HashMap::new();
    for i in 0..120 {
        // A number and its text are one shop.
        let id = match i % 3 {
            0 => json!(1),
            1 => json!("über:2"),
            _ => json!(true),
        };
        let key = id.to_string();
        let id = redis.add(QUEUE, "x", of_shop(id), "{}");
        added.entry(key).or_default().push(id);
    }
    let mut engines: Vec<Engine> = (0..2)
        .map(|_| Engine::new(&redis, watching(&seen, shop)))
        .collect();
    for engine in &mut engines {
        engine.consume(by_shop(Some(1), None));
    }
    redis.until_count(QUEUE, "completed", 120);
    let seen = seen.lock().unwrap();
    for (shop, ids) in added {
        assert_eq!(seen.most[&shop], 1, "{shop}");
        let started = seen.started.iter().filter(|(key, _)| *key == shop);
        let started: Vec<String> = started.map(|(_, id)| id.clone()).collect();
        assert_eq!(started, ids, "{shop}");
    }
    assert_nothing_left(&redis);
}

#[test]
fn jobs_of_no_group_are_not_limited() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    let all = [
        "{}",
        "not json",
        r#"{"shop":7}"#,
        r#"{"shop":{"id":null}}"#,
        r#"{"shop":{"id":{"a":1}}}"#,
        r#"[{"shop":{"id":1}}]"#,
    ];
    for data in all.iter().cycle().take(60) {
        redis.add(QUEUE, "x", data, "{}");
    }
    let mut engine = Engine::new(&redis, watching(&seen, |_| "all".into()));
    engine.consume(by_shop(Some(1), None));
    redis.until_count(QUEUE, "completed", 60);
    assert!(seen.lock().unwrap().most["all"] > 5);
}

#[test]
fn a_group_starts_so_many_jobs_in_a_time() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    let ids: Vec<String> = (0..12)
        .map(|_| redis.add(QUEUE, "x", of_shop(1), "{}"))
        .collect();
    let others: Vec<String> = (0..5)
        .map(|_| redis.add(QUEUE, "x", of_shop(2), "{}"))
        .collect();
    // Long enough for a busy machine to start five jobs in.
    let duration = Duration::from_millis(1500);
    let limiter = Limiter { max: 5, duration };
    let mut engine = Engine::new(&redis, watching(&seen, shop));
    engine.consume(by_shop(None, Some(limiter)));
    redis.until_count(QUEUE, "completed", 17);
    let started = |ids: &[String]| -> Vec<u64> {
        let at = |id: &String| redis.field(QUEUE, id, "processedOn").unwrap();
        ids.iter().map(|id| at(id).parse().unwrap()).collect()
    };
    let at = started(&ids);
    assert!(at.is_sorted(), "{at:?}");
    for (first, next) in [(0, 5), (5, 10)] {
        assert!(at[next] - at[first] >= 1500, "{at:?}");
        assert!(at[next - 1] - at[first] < 1500, "{at:?}");
    }
    assert!(started(&others).iter().all(|start| *start < at[5]));
    assert_nothing_left(&redis);
}

#[test]
fn the_backlog_of_a_group_holds_no_other_up() {
    let redis = Redis::own();
    let first = redis.add(QUEUE, "x", of_shop(1), "{}");
    for _ in 1..1000 {
        redis.add(QUEUE, "x", of_shop(1), "{}");
    }
    for _ in 0..20 {
        redis.add(QUEUE, "x", of_shop(2), "{}");
    }
    let calls = || -> u64 {
        let stats: String = redis.run(&["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.contains("cmdstat_evalsha:"));
        let calls = line.and_then(|line| line.split(['=', ',']).nth(1));
        calls.map_or(0, |calls| calls.parse().unwrap())
    };
    let held = Arc::new(std::sync::Barrier::new(2));
    let (hold, id) = (held.clone(), first.clone());
    let mut engine = Engine::new(&redis, move |attempt| {
        if attempt.job.id == id {
            hold.wait();
        }
        Outcome::Completed("null".into())
    });
    engine.consume(by_shop(Some(1), None));
    redis.until_count(QUEUE, "completed", 20);
    let to_start = calls();
    // The first of the group is still running.
    assert_eq!(redis.count(QUEUE, "active"), 1);
    assert_eq!(redis.count(QUEUE, "delayed"), 999);
    held.wait();
    redis.until_count(QUEUE, "completed", 1020);
    let all = calls();
    assert!(to_start < 80, "{to_start}");
    assert!(all < 2500, "{all}");
    assert_nothing_left(&redis);
}

#[test]
fn jobs_that_fail_or_are_retried_let_the_next_one_go() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    for i in 0..20 {
        let name = if i % 2 == 0 { "flaky" } else { "x" };
        let attempts = if i % 4 == 0 { 1 } else { 2 };
        let options = json!({ "attempts": attempts, "backoff": i % 3 }).to_string();
        redis.add(QUEUE, name, of_shop(1), &options);
    }
    let mut engine = Engine::new(&redis, watching(&seen, shop));
    engine.consume(by_shop(Some(1), None));
    redis.until_count(QUEUE, "completed", 15);
    redis.until_count(QUEUE, "failed", 5);
    assert_eq!(seen.lock().unwrap().most["1"], 1);
    assert_nothing_left(&redis);
}

// Long because it is one table of payloads.
#[test]
fn the_field_of_the_group_is_found_wherever_json_has_it() {
    let redis = Redis::shared();
    let held = redis.key(QUEUE, "runner:holders");
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let mut engine = Engine::new(&redis, move |_| {
        let _ = wait.lock().unwrap().recv();
        Outcome::Completed("null".into())
    });
    let mut config = config(QUEUE, 50);
    config.group = Some(Group {
        by: "shop".into(),
        concurrency: Some(1),
        limiter: None,
    });
    engine.consume(config);
    let long = "x".repeat(100);
    let late = format!(r#"{{"pad":"{}","shop":"late"}}"#, "y".repeat(2000));
    for (data, group) in [
        (r#"{"shop":"a"}"#, Some("a")),
        (r#" { "a" : [1, {"b": "]}"}], "shop" : "b" } "#, Some("b")),
        (r#"{"a":"\\","b":"say \"{[","shop":"c"}"#, Some("c")),
        (r#"{"shop":7}"#, Some("7")),
        (r#"{"shop":-1.5e3}"#, Some("-1500")),
        (r#"{"shop":true}"#, Some("true")),
        (r#"{"shop":"d\u00fc"}"#, Some("dü")),
        (r#"{"\u0073hop":"e"}"#, Some("e")),
        (r#"{"in":{"shop":"no"},"shop":"f"}"#, Some("f")),
        (r#"{"shop":"no","shop":"g"}"#, Some("g")),
        (late.as_str(), Some("late")),
        (r#"{"in":{"shop":"no"}}"#, None),
        (r#"{"in":"\"shop\":1","a":{"shop":1}}"#, None),
        (r#"{"text":"say \"shop\": 1"}"#, None),
        (r#"["shop"]"#, None),
        (r#"{"name":"shop"}"#, None),
        (r#"[{"shop":1}]"#, None),
        (r#"{"shop":null}"#, None),
        (r#"{"shop":[1]}"#, None),
        (r#"{"shops":1}"#, None),
        (r#"{"shop"#, None),
        (r#""{\"shop\":1}""#, None),
    ] {
        let id = redis.add(QUEUE, "x", data, "{}");
        redis.until_count(QUEUE, "active", 1);
        let gate: Option<String> = redis.run(&["HGET", &held, &id]);
        let group = group.map(|group| format!("group:{group}"));
        assert_eq!(gate, group, "{data}");
        done.send(()).unwrap();
        assert_eq!(redis.until_ended(QUEUE, &id), "completed");
    }
    // What would make a long or an odd key is named by its digest.
    for odd in [long.as_str(), "a\\nb"] {
        let id = redis.add(QUEUE, "x", format!(r#"{{"shop":"{odd}"}}"#), "{}");
        redis.until_count(QUEUE, "active", 1);
        let gate: String = redis.run(&["HGET", &held, &id]);
        assert_eq!(gate.len(), "group:".len() + 40, "{gate}");
        done.send(()).unwrap();
        redis.until_ended(QUEUE, &id);
    }
    drop(done);
}

#[test]
fn the_first_pattern_that_matches_says_how_many() {
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    let mut config = config(QUEUE, 10);
    config.jobs = [("a.b-[x]%*", Some(1)), ("a*", None), ("*.b", Some(2))]
        .map(|(pattern, concurrency)| {
            let settings = JobSettings {
                concurrency,
                ..settings()
            };
            (Pattern(pattern.into()), settings)
        })
        .into();
    let limits = [("a.b-[x]%1", 1), ("ä.b", 2), ("a.b", 10), ("acb-x1", 10)];
    for _ in 0..40 {
        for (name, _) in limits {
            redis.add(QUEUE, name, "{}", "{}");
        }
    }
    let mut engine = Engine::new(&redis, watching(&seen, |attempt| attempt.job.name.clone()));
    engine.consume(config);
    redis.until_count(QUEUE, "completed", 160);
    let most = &seen.lock().unwrap().most;
    assert_eq!(most["a.b-[x]%1"], 1);
    assert_eq!(most["ä.b"], 2);
    assert!(most["a.b"] > 2 && most["acb-x1"] > 2, "{most:?}");
}
