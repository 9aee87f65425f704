//! Redis refuses any one command in the middle of the worker's script: nothing is
//! lost, whatever was written before.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use runner::config::{self, Group, Limiter};
use runner::outcome::Outcome;
use runner::queue::{Attempt, Batch, Queue, Settlement};

use super::until_ended;
use crate::support::Redis;
use crate::support::engine::{Engine, config, echo, failed, retry};

/// A relay to Redis that counts the commands of the worker's script when it runs:
/// one of them is refused, the first time that a call comes so far.
struct Injector {
    port: u16,
}

/// How scripts of ours call Redis, and what the relay makes of it.
const CALLS: &str = "local call, try = redis.call, redis.pcall\n";
const COUNTED: &str = "local refused, nth = tonumber(redis.call('GET', 'KEY') or ''), 0
local function refuses()
  nth = nth + 1
  if nth == refused then
    redis.call('DEL', 'KEY')
    return true
  end
end
local function call(...)
  if refuses() then
    error({ err = 'ERR refused by the test' }, 0)
  end
  return redis.call(...)
end
local function try(...)
  return refuses() and { err = 'ERR refused by the test' } or redis.pcall(...)
end
";

/// The first command in these bytes, as its words, and how long it is.
fn command(bytes: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let line = |from: usize| {
        let length = bytes
            .get(from..)?
            .windows(2)
            .position(|pair| pair == b"\r\n")?;
        let number = std::str::from_utf8(&bytes[from + 1..from + length]).ok()?;
        Some((number.parse::<usize>().ok()?, from + length + 2))
    };
    let (count, mut at) = line(0)?;
    let mut words = Vec::new();
    for _ in 0..count {
        let (length, from) = line(at)?;
        words.push(bytes.get(from..from + length)?);
        at = from + length + 2;
    }
    (bytes.len() >= at).then_some((words, at))
}

impl Injector {
    fn to(port: u16, key: String) -> Injector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (mut back, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut back, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                let counted = COUNTED.replace("KEY", &key);
                let own = redis::Client::open(format!("redis://127.0.0.1:{port}"))
                    .and_then(|client| client.get_connection())
                    .unwrap();
                std::thread::spawn(move || rewrite(near, far, &counted, own));
            }
        });
        Injector { port: own }
    }
}

/// Pass commands on, but in the place of the worker's script call the counted one.
/// The client knows nothing of it: digests are kept for the whole process.
fn rewrite(mut near: TcpStream, mut far: TcpStream, counted: &str, mut own: redis::Connection) {
    let mut known: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let (mut held, mut chunk) = (Vec::new(), [0; 65536]);
    while let Ok(1..) = near
        .read(&mut chunk)
        .inspect(|read| held.extend(&chunk[..*read]))
    {
        while let Some((words, length)) = command(&held) {
            let mut passed = held[..length].to_vec();
            match words[..] {
                [b"SCRIPT", b"LOAD", script] => {
                    let script = String::from_utf8_lossy(script);
                    let digest = load(&mut own, &script);
                    let settles = script.contains("-- Write how attempts ended");
                    assert!(!settles || script.contains(CALLS));
                    let called = match settles {
                        true => load(&mut own, &script.replace(CALLS, counted)),
                        false => digest.clone(),
                    };
                    known.insert(digest, called);
                }
                [b"EVALSHA", digest, ..] => {
                    // One that nobody has: the client then shows the script.
                    let nothing = vec![b'0'; digest.len()];
                    let called = known.get(digest).unwrap_or(&nothing);
                    let at = passed.windows(digest.len()).position(|part| part == digest);
                    let at = at.expect("the digest is in the command");
                    passed[at..at + called.len()].copy_from_slice(called);
                }
                _ => {}
            }
            far.write_all(&passed).unwrap();
            held.drain(..length);
        }
    }
    let _ = far.shutdown(Shutdown::Both);
}

fn load(redis: &mut redis::Connection, script: &str) -> Vec<u8> {
    let mut command = redis::cmd("SCRIPT");
    command.arg("LOAD").arg(script).query(redis).unwrap()
}

/// Jobs of all kinds, each by what becomes of it.
const JOBS: [&str; 8] = [
    "plain",
    "plain",
    "plain",
    "retry",
    "later",
    "rejected",
    "child",
    "deduplicated",
];

/// Fill a queue; the ids of all jobs.
fn fill(redis: &Redis, queue: &str) -> Vec<String> {
    let mut ids: Vec<String> = JOBS
        .iter()
        .map(|name| {
            let opts = match *name {
                "retry" => r#"{"attempts":3}"#,
                "later" => r#"{"attempts":3,"backoff":1}"#,
                _ => "{}",
            };
            redis.add(queue, name, r#"{"shop":7}"#, opts)
        })
        .collect();
    let set = |words: &[&str]| redis.run::<redis::Value>(words);
    // Of the others: one with a priority, one that is due, and a parent.
    for (id, place, score) in [
        ("first", "prioritized", "4294967297"),
        ("due", "delayed", "4096"),
        ("parent", "waiting-children", "1"),
    ] {
        let priority = if place == "prioritized" { "1" } else { "0" };
        redis.write_job(queue, id, "plain", priority);
        set(&["ZADD", &redis.key(queue, place), score, id]);
        ids.push(id.to_owned());
    }
    let (child, parent) = (redis.key(queue, &ids[6]), redis.key(queue, "parent"));
    let of = format!(
        r#"{{"id":"parent","queueKey":"{}:{queue}","fpof":true}}"#,
        redis.prefix()
    );
    set(&["HSET", &child, "parentKey", &parent, "parent", &of]);
    set(&["SADD", &format!("{parent}:dependencies"), &child]);
    set(&["HSET", &redis.key(queue, &ids[7]), "deid", "d"]);
    set(&["SET", &redis.key(queue, "de:d"), &ids[7]]);
    ids
}

fn outcome(attempt: &Attempt) -> Outcome {
    match attempt.job.name.as_str() {
        "retry" | "later" => retry("not yet"),
        "rejected" => Outcome::Rejected(failed("never")),
        _ => echo(attempt),
    }
}

/// A queue whose worker's script is refused its nth command, in the take or in the
/// settle after it. Whether it has that many; the ids of its jobs.
fn refuse(
    engine: &Engine,
    redis: &Redis,
    config: &config::Queue,
    key: &str,
    nth: u32,
    at_take: bool,
) -> (bool, Vec<String>) {
    let ids = fill(redis, &config.name);
    let queue: Queue = engine.shared.queue(config);
    let refuse_it = || redis.run::<()>(&["SET", key, &nth.to_string()]);
    let settle = |ends: Vec<Settlement>, take| {
        let batch = Batch::new(ends);
        engine.runtime.block_on(queue.settle(&batch, take))
    };
    if at_take {
        refuse_it();
    }
    let Ok((_, taken)) = settle(Vec::new(), 8) else {
        return (true, ids);
    };
    if !at_take {
        let ends = taken.jobs.into_iter().map(|job| {
            let attempt = Attempt::new(job, queue.clone(), taken.token.clone(), Duration::MAX);
            let outcome = outcome(&attempt);
            Settlement {
                attempt: Arc::new(attempt),
                outcome,
            }
        });
        refuse_it();
        let _ = settle(ends.collect(), 2);
    }
    (redis.run::<u64>(&["DEL", key]) == 0, ids)
}

fn any_refused_command(gated: bool) {
    let redis = Redis::shared();
    let key = format!("{}-refused", redis.prefix());
    let injector = Injector::to(redis.port(), key.clone());
    let url = format!("redis://127.0.0.1:{}", injector.port);
    let mut engine = Engine::over(&url, redis.prefix(), Duration::from_secs(2), echo);
    let of = |name: String| config::Queue {
        group: gated.then(|| Group {
            by: "shop".into(),
            concurrency: Some(4),
            limiter: Some(Limiter {
                max: 1000,
                duration: Duration::from_millis(50),
            }),
        }),
        ..config(&name, 4)
    };
    for at_take in [true, false] {
        let mut queues = Vec::new();
        for nth in 1.. {
            let config = of(format!("{}-{nth}", if at_take { "take" } else { "settle" }));
            let (refused, ids) = refuse(&engine, &redis, &config, &key, nth, at_take);
            queues.push((config, ids));
            if !refused {
                break;
            }
        }
        assert!(queues.len() > 50, "{} commands", queues.len());
        for some in queues.chunks(40) {
            some.iter()
                .for_each(|(config, _)| engine.consume(config.clone()));
            for (config, ids) in some {
                let queue = &config.name;
                let bytes = |ids: &[String]| -> Vec<Vec<u8>> {
                    ids.iter().map(|id| id.clone().into_bytes()).collect()
                };
                let (before, after) = (bytes(&ids[..5]), bytes(&ids[6..]));
                let good = [before, after].concat();
                until_ended(&redis, queue, &good, &["completed"]);
                let places = until_ended(&redis, queue, &bytes(ids), &["completed", "failed"]);
                assert_eq!(places.len(), ids.len(), "{queue}: {places:?}");
            }
            engine.stop(Duration::from_secs(5));
        }
    }
}

#[test]
fn any_refused_command_of_take_or_settle_loses_no_job() {
    any_refused_command(false);
}

#[test]
fn any_refused_command_of_take_or_settle_with_gates_loses_no_job() {
    any_refused_command(true);
}
