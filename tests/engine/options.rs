//! Job options as npm bullmq 5 and 6 and other producers write them: over 1 000
//! sets of each, and what BullMQ's own `Job` makes of them (`tests/node/options.mjs`),
//! against what Runner makes of them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use runner::outcome::Outcome;
use runner::queue::{Attempt, Batch, Queue, Settlement};
use serde_json::Value;

use crate::support::engine::{Engine, config, echo, failed};
use crate::support::{Node, Redis};

const START: &str = include_str!("../node/options-start.lua");
const END: &str = include_str!("../node/options-end.lua");
const ENDS: [&str; 3] = ["first", "third", "done"];

/// Differences that are meant; each must occur.
const MEANT: [&str; 5] = [
    // An unknown kind of backoff, a keep policy or `keepLogs` that is no number:
    // the error leaves the job active until it has stalled too often.
    "BullMQ throws; Runner ends the attempt by what it can read",
    // BullMQ delays it to now.
    "a negative wait is none",
    "no wait is longer than 30 days",
    "a part of a millisecond is rounded up",
    // BullMQ spends all attempts at once.
    "a backoff without a delay has one of a second",
];

fn sets(version: &str, redis: &Redis) -> Vec<Value> {
    let output = Command::new("node")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/node"))
        .args([
            "options.mjs",
            version,
            &redis.port().to_string(),
            redis.prefix(),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same start, by Runner's engine.
async fn run(
    queue: &Queue,
    base: &str,
    set: &Value,
    end: &str,
    mut redis: redis::aio::MultiplexedConnection,
) -> Value {
    let id = set["id"].as_str().unwrap();
    let mut start = redis::cmd("EVAL");
    start
        .arg(START)
        .arg(0)
        .arg(base)
        .arg(id)
        .arg(end)
        .arg("wait");
    for (field, value) in set["hash"].as_object().unwrap() {
        start.arg(field).arg(value.as_str().unwrap());
    }
    let () = start.query_async(&mut redis).await.unwrap();

    let (_, taken) = queue.settle(&Batch::default(), 1).await.unwrap();
    let [job] = <[_; 1]>::try_from(taken.jobs).expect("the job is taken");
    let refused = job.refused();
    let minute = Duration::from_secs(60);
    let attempt = Arc::new(Attempt::new(job, queue.clone(), taken.token, minute));
    let outcome = match end {
        "done" => {
            attempt.note(|notes| notes.logs = ["1", "2", "3", "4"].map(str::to_owned).into());
            Outcome::Completed(r#""ok""#.into())
        }
        _ => {
            let mut failure = failed("it failed");
            failure.frames.clear();
            let delay = None;
            Outcome::Retry { failure, delay }
        }
    };
    let outcome = refused.unwrap_or(outcome);
    let batch = Batch::new(vec![Settlement { attempt, outcome }]);
    queue.settle(&batch, 0).await.unwrap();

    let text: String = redis::cmd("EVAL")
        .arg(END)
        .arg(0)
        .arg(base)
        .arg(id)
        .query_async(&mut redis)
        .await
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().map_or(0.0, |text| text.parse().unwrap())
}

/// Whether these options have a backoff that does not say how long it waits.
fn has_no_delay(options: &Value) -> bool {
    let options = options.as_str().unwrap_or_default();
    let options: Value = serde_json::from_str(options).unwrap_or_default();
    let delay = &options["backoff"]["delay"];
    let text = delay.as_str().and_then(|text| text.parse::<f64>().ok());
    options["backoff"].is_object() && !delay.is_number() && text.is_none()
}

/// Nothing if equal, a meant difference, or what is wrong; `second` is whether the
/// backoff has no delay.
fn compare(theirs: &Value, ours: &Value, second: bool) -> Result<Option<&'static str>, String> {
    if !ours["active"].is_null() {
        return Err("the job is still active".to_owned());
    }
    if theirs.get("error").is_some() {
        return Ok(Some(MEANT[0]));
    }
    let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
    let wait = (number(&theirs["delay"]), number(&ours["delay"]));
    let range = theirs["waits"].take();
    theirs.as_object_mut().unwrap().remove("waits");
    let (least, most) = (range[0].as_f64().unwrap(), range[1].as_f64().unwrap());
    let mut meant = None;
    let negative = !theirs["delayed"].is_null() && wait.0 < 0.0;
    let second = second && wait.0 == 0.0 && [1_000.0, 4_000.0].contains(&wait.1);
    if second || negative || (least < most && least < 1.0) {
        // Where it waits is where the next take puts it, or chance.
        if !second && wait.1 > most.max(0.0) {
            return Err(format!("waits {} ms", wait.1));
        }
        for state in [&mut theirs, &mut ours] {
            for field in ["delay", "delayed", "wait", "prioritized"] {
                state.as_object_mut().unwrap().remove(field);
            }
        }
        meant = match second {
            true => Some(MEANT[4]),
            false => negative.then_some(MEANT[1]),
        };
    } else if wait.0 != wait.1 {
        let longest = 30.0 * 24.0 * 3_600_000.0;
        if wait.1 == longest && wait.0 > longest {
            meant = Some(MEANT[2]);
        } else if wait.1 == wait.0.ceil() {
            meant = Some(MEANT[3]);
        } else if !(least < most && wait.1 >= least.floor() && wait.1 <= most) {
            return Err(format!("waits {} ms, not {} ms", wait.1, wait.0));
        }
        theirs["delay"].take();
        ours["delay"].take();
    }
    let differing: Vec<String> = theirs
        .as_object()
        .unwrap()
        .iter()
        .filter(|(field, value)| ours[field.as_str()] != **value)
        .map(|(field, value)| format!("{field} is {}, not {value}", ours[field.as_str()]))
        .collect();
    if differing.is_empty() {
        Ok(meant)
    } else {
        Err(differing.join("; "))
    }
}

#[test]
fn job_options_mean_to_runner_what_they_mean_to_bullmq_s_own_worker() {
    let redis = Redis::shared();
    let engine = Engine::new(&redis, echo);
    // Installs the packages.
    drop(Node::start(&redis, 6));
    let mut wrong = Vec::new();
    let mut meant: BTreeMap<&str, usize> = BTreeMap::new();
    for version in ["5", "6"] {
        let sets = sets(version, &redis);
        assert!(sets.len() > 1000, "{} sets", sets.len());
        let ours: Vec<[Value; 3]> = engine.runtime.block_on(async {
            let connection = redis::Client::open(redis.url())
                .unwrap()
                .get_multiplexed_async_connection()
                .await
                .unwrap();
            let runs = sets.iter().map(|set| {
                let name = format!("ours-{}", set["name"].as_str().unwrap());
                let base = redis.key(&name, "");
                let queue = engine.shared.queue(&config(&name, 1));
                let connection = connection.clone();
                async move {
                    let mut ends = [const { Value::Null }; 3];
                    for (end, state) in ENDS.iter().zip(&mut ends) {
                        *state = run(&queue, &base, set, end, connection.clone()).await;
                    }
                    ends
                }
            });
            futures::stream::iter(runs).buffered(64).collect().await
        });
        for (set, ours) in sets.iter().zip(&ours) {
            for (end, ours) in ENDS.iter().zip(ours) {
                let second = has_no_delay(&set["hash"]["opts"]);
                match compare(&set[*end], ours, second) {
                    Ok(None) => {}
                    Ok(Some(kind)) => *meant.entry(kind).or_default() += 1,
                    Err(why) => wrong.push(format!(
                        "bullmq {version}, {end}, {}: {why}",
                        set["hash"]["opts"]
                    )),
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} ends differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        MEANT.iter().all(|kind| meant.contains_key(kind)),
        "{meant:?}"
    );
}
