//! `runner queue …` and `runner job …` leave what the same methods of npm bullmq
//! leave: equal start states, then every key, field and event is compared, for
//! versions 5 and 6 and their two layouts of a paused queue.

mod jobs;
mod queues;
mod random;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::engine::queue_equality::state;
use crate::support::{Node, Redis, Setup};

/// A start state as Redis commands, in which `@` stands for the queue's base, and
/// the same operation as methods of npm and as commands of ours.
struct Case {
    name: &'static str,
    /// Versions whose behaviour is ours; see where it is not both.
    versions: &'static [u8],
    start: Vec<String>,
    theirs: Vec<Value>,
    ours: Vec<&'static str>,
}

const BOTH: &[u8] = &[5, 6];

/// A job of 2020, and one that is newer than any age.
fn job(id: &str, more: &str) -> String {
    format!(
        "HSET @{id} name n data {{}} opts {{}} timestamp 1600000000000 delay 0 priority 0 {more}"
    )
}

fn waiting(ids: &[&str]) -> Vec<String> {
    ids.iter()
        .flat_map(|id| [job(id, ""), format!("LPUSH @wait {id}")])
        .collect()
}

fn prioritized(id: &str) -> Vec<String> {
    vec![
        job(id, "priority 3"),
        format!("ZADD @prioritized 12884901889 {id}"),
        "SET @pc 1".into(),
    ]
}

fn delayed(id: &str, more: &str) -> Vec<String> {
    vec![
        job(id, &format!("delay 60000 {more}")),
        format!("ZADD @delayed 7000000000000000 {id}"),
    ]
}

fn ended(set: &str, id: &str, more: &str) -> Vec<String> {
    let result = match set {
        "failed" => "failedReason why stacktrace [\"why\"]",
        _ => "returnvalue 1",
    };
    vec![
        job(
            id,
            &format!(
                "finishedOn 1600000000500 processedOn 1600000000400 atm 1 ats 1 {result} {more}"
            ),
        ),
        format!("ZADD @{set} 1600000000500 {id}"),
        format!("RPUSH @{id}:logs one"),
    ]
}

/// A parent `p` of queue `of` that waits for the children `ids` of this queue.
fn parent(of: &str, ids: &[&str]) -> Vec<String> {
    let mut start = vec![
        format!("HSET {of}p name p data {{}} opts {{}} timestamp 1600000000000 delay 0 priority 0"),
        format!("ZADD {of}waiting-children 1600000000000 p"),
    ];
    for id in ids {
        start.push(format!("HSET @{id} parentKey {of}p"));
        start.push(format!("SADD {of}p:dependencies @{id}"));
    }
    start
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn all(parts: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    parts.into_iter().flatten().collect()
}

/// A method of npm's Queue.
fn queue(method: &str, args: Value) -> Vec<Value> {
    vec![json!({ "method": method, "args": args })]
}

/// A method of npm's Job.
fn of_job(id: &str, method: &str, args: Value) -> Value {
    json!({ "id": id, "method": method, "args": args })
}

fn case(name: &'static str, start: Vec<String>, theirs: Vec<Value>, ours: &'static str) -> Case {
    Case {
        name,
        versions: BOTH,
        start,
        theirs,
        ours: ours.split(' ').collect(),
    }
}

fn markers(redis: &Redis, queue: &str) -> Vec<String> {
    redis.run(&["ZRANGE", &redis.key(queue, "marker"), "0", "-1"])
}

#[track_caller]
fn equal(cases: Vec<Case>) {
    for version in [5, 6] {
        let (theirs, mine) = (Redis::shared(), Redis::shared());
        let mut node = Node::start(&theirs, version);
        let setup = Setup::new(&mine, "");
        let mut wrong = String::new();
        for case in cases.iter().filter(|case| case.versions.contains(&version)) {
            theirs.write_lines(case.name, &version.to_string(), &case.start);
            mine.write_lines(case.name, &version.to_string(), &case.start);
            for step in &case.theirs {
                let method = step["method"].as_str().unwrap();
                match step["id"].as_str() {
                    Some(id) => node.job_call(case.name, id, method, step["args"].clone()),
                    None => node.queue(case.name, method, step["args"].clone()),
                };
            }
            for words in case.ours.split(|word| *word == ";") {
                let words: Vec<&str> = words
                    .iter()
                    .map(|word| if *word == "@" { case.name } else { word })
                    .collect();
                let ended = setup.cli(&words);
                let refused = case.theirs.is_empty() || case.name == "obliterate_active";
                assert_eq!(ended.code != Some(0), refused, "{}: {ended:?}", case.name);
            }
            let (mut expected, mut got) = (state(&theirs, case.name), state(&mine, case.name));
            for all in [&mut expected, &mut got] {
                // npm writes its own version when a queue is opened.
                if let Some(meta) = all.get_mut("@meta") {
                    meta.retain(|field| !field.starts_with("version="));
                }
            }
            expected.insert("@marker".into(), markers(&theirs, case.name));
            got.insert("@marker".into(), markers(&mine, case.name));
            let keys: BTreeSet<_> = expected.keys().chain(got.keys()).collect();
            for key in keys {
                let (expected, got) = (expected.get(key), got.get(key));
                if expected != got {
                    wrong += &format!(
                        "{} {key} after {:?}\n  bullmq {expected:?}\n  runner {got:?}\n",
                        case.name, case.ours
                    );
                }
            }
        }
        assert!(wrong.is_empty(), "bullmq {version}:\n{wrong}");
    }
}
