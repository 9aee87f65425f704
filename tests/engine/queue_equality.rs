//! The same start state and the same steps through BullMQ's own scripts, taken
//! from the npm packages 5 and 6, and through ours: every key, field and event
//! must be equal. Left out on purpose: `marker` (ours is set only when work
//! remains), times, tokens and stream ids.

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use runner::config::JobDefaults;
use runner::outcome::{Cause, Failure, Outcome};
use runner::queue::{self, Attempt, Batch, Queue, Settings, Settlement};
use serde_json::{Value, json};

use crate::support::{Node, Redis};

/// A start state as Redis commands, in which `@` stands for the queue's base,
/// and what is done from there.
struct Case {
    name: &'static str,
    start: Vec<String>,
    steps: Value,
}

fn job(id: &str, options: &str, more: &str) -> String {
    format!(
        "HSET @{id} name n data {{}} opts {options} timestamp 1600000000000 delay 0 priority 0 {more}"
    )
}

fn waiting(id: &str, options: &str, more: &str) -> Vec<String> {
    vec![job(id, options, more), format!("LPUSH @wait {id}")]
}

fn prioritized(id: &str, options: &str, priority: u64) -> Vec<String> {
    vec![
        job(id, options, &format!("priority {priority}")),
        format!("ZADD @prioritized {} {id}", priority * 4_294_967_296 + 1),
        "SET @pc 1".to_owned(),
    ]
}

fn old(state: &str, ids: &[(&str, u64)]) -> Vec<String> {
    ids.iter()
        .flat_map(|(id, at)| {
            [
                job(id, "{}", "returnvalue 1"),
                format!("ZADD @{state} {at} {id}"),
            ]
        })
        .collect()
}

/// A child `c` of parent `p` in another queue, `@up:` standing for its base.
fn child(policy: &str, options: &str, parent: &[&str]) -> Vec<String> {
    let raw = format!(r#"{{"id":"p","queueKey":"@up"{policy}}}"#);
    let mut start = waiting("c", options, &format!("parentKey @up:p parent {raw}"));
    start.push(
        "HSET @up:p name p data {} opts {} timestamp 1600000000000 delay 0 priority 0".into(),
    );
    start.push("SADD @up:p:dependencies @c".into());
    start.extend(parent.iter().map(|line| (*line).to_owned()));
    start
}

fn case(name: &'static str, start: Vec<String>, steps: Value) -> Case {
    Case { name, start, steps }
}

fn cases() -> Vec<Case> {
    let both = |mut a: Vec<String>, b: Vec<String>| {
        a.extend(b);
        a
    };
    let end = |step: &str| json!([["take"], [step, "r"]]);
    let held = ["ZADD @up:waiting-children 1 p"];
    let mut cases = vec![
        case("completed", waiting("1", "{}", ""), end("complete")),
        case("failed", waiting("1", "{}", ""), end("fail")),
        case("rejected", waiting("1", r#"{"attempts":5}"#, ""), end("reject")),
        case("retried", waiting("1", r#"{"attempts":2}"#, ""), end("fail")),
        case(
            "retried_behind_others",
            both(waiting("1", r#"{"attempts":2}"#, ""), waiting("2", "{}", "")),
            end("fail"),
        ),
        case(
            "retried_lifo",
            both(waiting("1", r#"{"attempts":2,"lifo":true}"#, ""), waiting("2", "{}", "")),
            end("fail"),
        ),
        case(
            "retried_later",
            waiting("1", r#"{"attempts":2,"backoff":{"type":"fixed","delay":60000}}"#, ""),
            end("fail"),
        ),
        case("retried_by_priority", prioritized("1", r#"{"attempts":2}"#, 3), end("fail")),
        case(
            "retried_after_what_is_due",
            both(waiting("1", r#"{"attempts":2}"#, ""), vec![job("2", "{}", ""), job("3", "{}", "")]),
            json!([["take"], ["due", "2"], ["due", "3"], ["fail", "r"]]),
        ),
        case(
            "retried_lifo_after_what_is_due",
            both(waiting("1", r#"{"attempts":2,"lifo":true}"#, ""), vec![job("2", "{}", "")]),
            json!([["take"], ["due", "2"], ["fail", "r"]]),
        ),
        case(
            "retried_by_priority_after_what_is_due",
            both(prioritized("1", r#"{"attempts":2}"#, 3), vec![job("2", "{}", "priority 3")]),
            json!([["take"], ["due", "2"], ["fail", "r"]]),
        ),
        case(
            "of_both_kinds_due_while_paused",
            vec![job("1", "{}", ""), job("2", "{}", "priority 3"), "HSET @meta paused 1".into()],
            json!([["due", "1"], ["due", "2"], ["take"]]),
        ),
        case(
            "due_while_full",
            both(waiting("1", "{}", ""), vec![job("2", "{}", ""), "HSET @meta concurrency 1".into()]),
            json!([["take"], ["due", "2"], ["take"]]),
        ),
        case(
            "last_attempt",
            waiting("1", r#"{"attempts":2}"#, r#"atm 1 ats 1 stacktrace ["first"]"#),
            end("fail"),
        ),
        case(
            "trace_limit",
            waiting("1", r#"{"attempts":9,"stackTraceLimit":2}"#, r#"stacktrace ["a","b"]"#),
            end("fail"),
        ),
        case("no_trace", waiting("1", r#"{"stackTraceLimit":0}"#, r#"stacktrace ["a"]"#), end("fail")),
        case("back", both(waiting("1", "{}", ""), waiting("2", "{}", "")), json!([["take"], ["back"]])),
        case("back_by_priority", prioritized("1", "{}", 3), json!([["take"], ["back"]])),
        case("later", waiting("1", "{}", ""), json!([["take"], ["later", 60000]])),
        case(
            "progress",
            waiting("1", "{}", ""),
            json!([["take"], ["progress", {"percent": 3}], ["log", "a"], ["log", "b"], ["complete", 1]]),
        ),
        case(
            "kept_logs",
            waiting("1", r#"{"kl":2}"#, ""),
            json!([["take"], ["log", "a"], ["log", "b"], ["log", "c"], ["complete", 1]]),
        ),
        case("drained_not", both(waiting("1", "{}", ""), waiting("2", "{}", "")), end("complete")),
        case(
            "two_active",
            both(waiting("1", "{}", ""), waiting("2", "{}", "")),
            json!([["take"], ["take"], ["complete", 1]]),
        ),
        case("paused", both(waiting("1", "{}", ""), vec!["HSET @meta paused 1".into()]), json!([["take"]])),
        case(
            "retried_while_paused",
            both(waiting("1", r#"{"attempts":2}"#, ""), vec![]),
            json!([["take"], ["fail", "x"]]),
        ),
        case(
            "concurrency",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                vec!["HSET @meta concurrency 1".into()],
            ),
            json!([["take"], ["take"], ["complete", 1], ["take"]]),
        ),
        case(
            "limited",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                vec!["HSET @meta max 1 duration 60000".into()],
            ),
            json!([["take"], ["take"], ["complete", 1]]),
        ),
        case(
            "due",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                "ZADD @delayed 4096000 1 4096001 2".into(),
            ],
            json!([["take"]]),
        ),
        case(
            "deduplicated",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 1".into()]),
            end("complete"),
        ),
        case(
            "deduplicated_by_another",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 7".into()]),
            end("fail"),
        ),
        case(
            "deduplicated_for_a_time",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 1 PX 60000".into()]),
            end("complete"),
        ),
        case(
            "keep_last",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    "SET @id 1".into(),
                    r#"HSET @dn:d name m data {"x":1} opts {"de":{"id":"d","keepLastIfActive":true}}"#.into(),
                ],
            ),
            end("complete"),
        ),
        case(
            "keep_last_by_priority",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    r#"HSET @dn:d name m data {} opts {"priority":3,"de":{"id":"d"}} jid own"#.into(),
                ],
            ),
            end("fail"),
        ),
        case(
            "stalled_once",
            vec![job("1", "{}", ""), "LPUSH @active 1".into(), "SADD @stalled 1".into()],
            json!([["stalled"]]),
        ),
        case(
            "stalled_too_often",
            vec![job("1", "{}", "stc 1"), "LPUSH @active 1".into(), "SADD @stalled 1".into()],
            json!([["stalled"]]),
        ),
        case("marked_as_stalled", waiting("1", "{}", ""), json!([["take"], ["stalled"]])),
        case("deferred_failure", waiting("1", r#"{"attempts":3}"#, "defa gone"), json!([["take"]])),
        case("last_child", child("", "{}", &held), end("complete")),
        case(
            "one_child_of_two",
            child("", "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("complete"),
        ),
        case(
            "parent_by_priority",
            child("", "{}", &[held[0], "HSET @up:p priority 5"]),
            end("complete"),
        ),
        case("parent_delayed", child("", "{}", &[held[0], "HSET @up:p delay 60000"]), end("complete")),
        case("parent_paused", child("", "{}", &[held[0], "HSET @up:meta paused 1"]), end("complete")),
        case("parent_not_waiting", child("", "{}", &[]), end("complete")),
        case("removed_child", child("", r#"{"removeOnComplete":true}"#, &held), end("complete")),
        case("failed_child", child("", "{}", &held), end("fail")),
        case("failed_child_removed", child("", r#"{"removeOnFail":true}"#, &held), end("fail")),
        case("fail_parent", child(r#","fpof":true"#, "{}", &held), end("fail")),
        case(
            "fail_parent_delayed",
            child(r#","fpof":true"#, "{}", &["ZADD @up:delayed 5 p", "HSET @up:p delay 5"]),
            end("fail"),
        ),
        case("fail_parent_active", child(r#","fpof":true"#, "{}", &["LPUSH @up:active p"]), end("fail")),
        case("continue_parent", child(r#","cpof":true"#, "{}", &held), end("fail")),
        case("ignore_child", child(r#","idof":true"#, "{}", &held), end("fail")),
        case("forget_child", child(r#","rdof":true"#, "{}", &held), end("fail")),
        case(
            "fail_parent_by_priority",
            child(r#","fpof":true"#, "{}", &[held[0], "HSET @up:p priority 5"]),
            end("fail"),
        ),
        case(
            "fail_parent_paused",
            child(r#","fpof":true"#, "{}", &[held[0], "HSET @up:meta paused 1"]),
            end("fail"),
        ),
        case(
            "fail_parent_of_others",
            child(r#","fpof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("reject"),
        ),
        case(
            "continue_parent_of_others",
            child(r#","cpof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("fail"),
        ),
        case(
            "ignore_child_of_others",
            child(r#","idof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("fail"),
        ),
        case(
            "retried_child",
            child(r#","fpof":true"#, r#"{"attempts":2}"#, &held),
            end("fail"),
        ),
        case(
            "retried_exponentially",
            waiting(
                "1",
                r#"{"attempts":9,"backoff":{"type":"exponential","delay":60000}}"#,
                "atm 2 ats 2",
            ),
            end("fail"),
        ),
        case(
            "retried_lifo_by_priority",
            both(
                prioritized("1", r#"{"attempts":2,"lifo":true}"#, 3),
                waiting("2", "{}", ""),
            ),
            json!([["take"], ["take"], ["complete", 1], ["fail", "x"]]),
        ),
        case(
            "due_in_order",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                job("3", "{}", "delay 5 priority 2"),
                job("4", "{}", "delay 5"),
                "ZADD @delayed 4096000 1 4096001 2 4096002 3 8192000 4".into(),
            ],
            json!([["take"], ["take"], ["take"]]),
        ),
        case(
            "due_while_paused",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                "ZADD @delayed 4096000 1 4096001 2".into(),
                "HSET @meta paused 1".into(),
            ],
            json!([["take"]]),
        ),
        case(
            "stalled_by_priority",
            vec![
                job("1", "{}", "priority 3"),
                "LPUSH @active 1".into(),
                "SADD @stalled 1".into(),
            ],
            json!([["stalled"]]),
        ),
        case(
            "stalled_while_paused",
            vec![
                job("1", "{}", ""),
                "LPUSH @active 1".into(),
                "SADD @stalled 1".into(),
                "HSET @meta paused 1".into(),
            ],
            json!([["stalled"]]),
        ),
        case(
            "limited_and_concurrent",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                both(
                    waiting("3", "{}", ""),
                    vec!["HSET @meta concurrency 2 max 3 duration 60000".into()],
                ),
            ),
            json!([["take"], ["take"], ["take"], ["complete", 1], ["take"]]),
        ),
        case(
            "keep_last_delayed",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    "SET @id 1".into(),
                    r#"HSET @dn:d name m data {} opts {"delay":60000,"de":{"id":"d","keepLastIfActive":true}}"#.into(),
                ],
            ),
            end("complete"),
        ),
    ];
    let three = |options: [&str; 3]| {
        let [a, b, c] = options;
        both(
            waiting("1", a, ""),
            both(waiting("2", b, ""), waiting("3", c, "")),
        )
    };
    let takes = [json!(["take"]), json!(["take"]), json!(["take"])];
    let ends = |ends: [Value; 3]| Value::from([takes.clone(), ends].concat());
    cases.extend([
        case(
            "batch_completed",
            three(["{}"; 3]),
            ends([
                json!(["complete", 1]),
                json!(["complete", 2]),
                json!(["complete", 3]),
            ]),
        ),
        case(
            "batch_of_all_kinds",
            three(["{}", r#"{"attempts":2}"#, "{}"]),
            ends([
                json!(["complete", 1]),
                json!(["fail", "x"]),
                json!(["later", 60000]),
            ]),
        ),
        case(
            "batch_back",
            three(["{}"; 3]),
            ends([json!(["back"]), json!(["back"]), json!(["reject", "x"])]),
        ),
        case(
            "batch_keeps",
            three([
                r#"{"removeOnComplete":5}"#,
                r#"{"removeOnComplete":1}"#,
                r#"{"removeOnComplete":true}"#,
            ]),
            ends([
                json!(["complete", 1]),
                json!(["complete", 2]),
                json!(["complete", 3]),
            ]),
        ),
        case(
            "batch_of_waiting_and_prioritized",
            both(waiting("1", "{}", ""), prioritized("2", "{}", 1)),
            json!([["take"], ["take"], ["fail", "x"], ["complete", 2]]),
        ),
        case(
            "batch_of_children",
            both(
                child("", "{}", &[held[0], "SADD @up:p:dependencies @d"]),
                waiting(
                    "d",
                    "{}",
                    r#"parentKey @up:p parent {"id":"p","queueKey":"@up"}"#,
                ),
            ),
            json!([["take"], ["take"], ["complete", 1], ["complete", 2]]),
        ),
    ]);
    for (name, keep) in [
        ("keep_none", "true"),
        ("keep_all", "false"),
        ("keep_minus_one", "-1"),
        ("keep_one", "1"),
        ("keep_two", r#"{"count":2}"#),
        ("keep_by_age", r#"{"age":3600}"#),
        ("keep_by_age_and_count", r#"{"age":3600.5,"count":1}"#),
        ("keep_by_age_limited", r#"{"age":3600,"limit":1}"#),
    ] {
        for (set, option, step) in [
            ("completed", "removeOnComplete", "complete"),
            ("failed", "removeOnFail", "fail"),
        ] {
            let mut start = old(set, &[("8", 1_600_000_000_000), ("9", 1_600_000_000_001)]);
            start.extend(waiting("1", &format!(r#"{{"{option}":{keep}}}"#), ""));
            let name = Box::leak(format!("{name}_{set}").into_boxed_str());
            cases.push(case(name, start, end(step)));
        }
    }
    cases
}

fn seed(redis: &Redis, queue: &str, version: &str, case: &Case) {
    let base = redis.key(queue, "");
    let mut connection = redis.connect();
    let meta =
        |of: &str| format!("HSET {of}meta opts.maxLenEvents 10000 version bullmq:{version}.0.0");
    for line in case.start.iter().chain(&[meta("@"), meta("@up:")]) {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word.replace('@', &base));
        }
        let _: redis::Value = command.query(&mut connection).unwrap();
    }
}

fn ours(runtime: &tokio::runtime::Runtime, redis: &Redis, name: &str, steps: &Value) {
    let connection = queue::Redis::new(&redis.url(), redis.prefix()).unwrap();
    let queue = Queue::new(
        connection,
        Settings {
            name: name.into(),
            runner: "runner-1".into(),
            lock: Duration::from_secs(30),
            max_stalled: 1,
            max_crashes: 2,
            max_starts: None,
            stalled_interval: Duration::from_secs(30),
            limiter: None,
            max_logs: 1000,
            defaults: JobDefaults::default(),
            metrics: None,
            dead_letters: queue::DeadLetters::default(),
            contract: None,
            gates: None,
        },
    );
    let failure = |reason: &Value| Failure {
        cause: Cause::Returned,
        reason: reason.as_str().unwrap().into(),
        frames: Vec::new(),
    };
    let mut jobs: VecDeque<Arc<Attempt>> = VecDeque::new();
    let mut ends: Vec<Settlement> = Vec::new();
    let mut wanted = 0;
    runtime.block_on(async {
        let steps = steps.as_array().unwrap();
        for (n, step) in steps.iter().enumerate() {
            let argument = &step[1];
            let kind = step[0].as_str().unwrap();
            // Takes in a row are one call of ours, and so are ends.
            let last = |same: &dyn Fn(&str) -> bool| {
                steps
                    .get(n + 1)
                    .is_none_or(|next| !same(next[0].as_str().unwrap()))
            };
            let outcome = match kind {
                "take" => {
                    wanted += 1;
                    if last(&|next| next == "take") {
                        take(&queue, std::mem::take(&mut wanted), &mut jobs).await;
                    }
                    continue;
                }
                "progress" => {
                    jobs[0].note(|notes| notes.progress = Some(argument.to_string()));
                    queue.note(&[jobs[0].clone()]).await.unwrap();
                    continue;
                }
                "log" => {
                    jobs[0].note(|notes| notes.logs.push(argument.as_str().unwrap().into()));
                    continue;
                }
                "stalled" => {
                    queue.recover().await.unwrap();
                    continue;
                }
                "due" => {
                    let id = argument.as_str().unwrap();
                    redis.run::<()>(&["ZADD", &redis.key(name, "delayed"), "4096", id]);
                    continue;
                }
                "complete" => Outcome::Completed(argument.to_string()),
                "fail" => Outcome::Retry {
                    failure: failure(argument),
                    delay: None,
                },
                "reject" => Outcome::Rejected(failure(argument)),
                "back" => Outcome::Released,
                "later" => Outcome::Snoozed {
                    delay: Duration::from_millis(argument.as_u64().unwrap()),
                    reason: String::new(),
                },
                other => panic!("{other}"),
            };
            let attempt = jobs.pop_front().unwrap();
            ends.push(Settlement { attempt, outcome });
            if last(&|next| ["complete", "fail", "reject", "back", "later"].contains(&next)) {
                let batch = Batch::new(std::mem::take(&mut ends));
                queue.settle(&batch, 0).await.unwrap();
            }
        }
    });
}

async fn take(queue: &Queue, wanted: usize, jobs: &mut VecDeque<Arc<Attempt>>) {
    let (_, taken) = queue.settle(&Batch::default(), wanted).await.unwrap();
    for job in taken.jobs {
        let refused = job.refused();
        let limit = Duration::from_secs(60);
        let attempt = Attempt::new(job, queue.clone(), taken.token.clone(), limit);
        let attempt = Arc::new(attempt);
        match refused {
            None => jobs.push_back(attempt),
            Some(outcome) => {
                let end = Settlement { attempt, outcome };
                queue.settle(&Batch::new(vec![end]), 0).await.unwrap();
            }
        }
    }
}

/// All keys of the queue and of its parents' queue, readable, with what may
/// differ replaced.
pub(crate) fn state(redis: &Redis, queue: &str) -> BTreeMap<String, Vec<String>> {
    let base = redis.key(queue, "");
    let plain = |text: &str| {
        let mut text = text.replace(&base, "@");
        // Node's own frames, where Node fails a job without running it.
        if let Some(frames) = text.find("\\n    at ") {
            text = text[..frames].replace("UnrecoverableError: ", "") + "\"]";
        }
        match text.parse::<f64>() {
            // This century in milliseconds, or the same with 12 bits more.
            Ok(number) if number > 1.65e12 && number != 17_179_869_185.0 => "time".to_owned(),
            // What is left of a long delay: its script computes it from the
            // clock, and may be a moment later than the caller.
            Ok(number) if number > 30_000.0 && number < 1e9 => {
                format!("{}s", (number / 1000.0).round())
            }
            _ => text,
        }
    };
    let keys: Vec<String> = redis.run(&["KEYS", &format!("{base}*")]);
    let mut all = BTreeMap::new();
    for key in keys {
        let name = key.replace(&base, "@");
        if name.ends_with("marker") {
            continue;
        }
        let mut value: Vec<String> = match redis.run::<String>(&["TYPE", &key]).as_str() {
            "string" if name.ends_with(":lock") => vec!["a token".into()],
            "string" => vec![redis.run(&["GET", &key])],
            "list" => redis.run(&["LRANGE", &key, "0", "-1"]),
            "set" => {
                let mut members: Vec<String> = redis.run(&["SMEMBERS", &key]);
                members.sort();
                members
            }
            "zset" => redis.run(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]),
            "hash" => {
                let mut fields: Vec<(String, String)> = redis.run(&["HGETALL", &key]);
                fields.sort();
                fields
                    .into_iter()
                    .map(|(name, value)| format!("{name}={}", plain(&value)))
                    .collect()
            }
            "stream" => redis
                .run::<Vec<(String, Vec<String>)>>(&["XRANGE", &key, "-", "+"])
                .into_iter()
                .map(|(_, fields)| {
                    fields
                        .iter()
                        .map(|f| plain(f))
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect(),
            other => panic!("{other}"),
        };
        value.iter_mut().for_each(|text| *text = plain(text));
        all.insert(name, value);
    }
    all
}

#[test]
fn ends_takes_and_recovery_leave_what_bullmq_s_own_scripts_leave() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for version in ["5", "6"] {
        let theirs = Redis::shared();
        let mine = Redis::shared();
        // Installs the packages.
        drop(Node::start(&theirs, 6));
        let cases = cases();
        for case in &cases {
            seed(&theirs, case.name, version, case);
            seed(&mine, case.name, version, case);
        }
        let steps: Vec<Value> = cases
            .iter()
            .map(|case| json!({"queue": case.name, "steps": case.steps}))
            .collect();
        let status = Command::new("node")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/node"))
            .args([
                "official.mjs",
                version,
                &theirs.port().to_string(),
                theirs.prefix(),
            ])
            .arg(Value::from(steps).to_string())
            .status()
            .unwrap();
        assert!(status.success());
        let mut wrong = String::new();
        for case in &cases {
            ours(&runtime, &mine, case.name, &case.steps);
            let (expected, got) = (state(&theirs, case.name), state(&mine, case.name));
            let keys: std::collections::BTreeSet<_> = expected.keys().chain(got.keys()).collect();
            for key in keys {
                let (expected, got) = (expected.get(key), got.get(key));
                if expected != got {
                    wrong += &format!(
                        "{} {key}\n  bullmq {expected:?}\n  runner {got:?}\n",
                        case.name
                    );
                }
            }
        }
        assert!(wrong.is_empty(), "bullmq {version}:\n{wrong}");
    }
}
