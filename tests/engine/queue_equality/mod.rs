//! The same start state and the same steps through BullMQ's own scripts, taken
//! from the npm packages 5 and 6, and through ours: every key, field and event
//! must be equal. Left out on purpose: `marker` (ours is set only when work
//! remains), times, tokens and stream ids.

mod cases;

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use runner::config::JobDefaults;
use runner::outcome::{Cause, Failure, Outcome};
use runner::queue::{self, Attempt, Batch, Ends, Queue, Settings, Settlement};
use serde_json::{Value, json};

use self::cases::cases;
use crate::support::{Node, Redis};

// Long because it is one match: an arm for each verb of the steps.
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
            ends: Ends::default(),
            stalled_interval: Duration::from_secs(30),
            limiter: None,
            max_logs: 1000,
            defaults: JobDefaults::default(),
            metrics: None,
            dead_letters: queue::ByName::default(),
            contract: None,
            gates: None,
            webhooks: Default::default(),
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

// Long because it is one list of what may differ between two workers.
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
                // These are ours alone; BullMQ leaves them as they are.
                fields.retain(|(name, _)| !["cause", "runner:paused"].contains(&name.as_str()));
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
            theirs.write_lines(case.name, version, &case.start);
            mine.write_lines(case.name, version, &case.start);
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
