//! Redis that refuses writes: calls are spaced, told once and again when it is over,
//! in Redis' own words; and what frees memory works without any to spare.

use std::time::{Duration, Instant};

use super::complaints;
use crate::support::{Redis, Setup, guest, until};

fn setup(redis: &Redis) -> Setup {
    Setup::new(redis, "[queues.q]\nplugin = \"noop\"\n").plugin("noop", &guest("noop"))
}

/// Scripts that Redis has refused so far.
fn refused(redis: &Redis) -> u64 {
    let info: String = redis.run(&["INFO", "commandstats"]);
    let line = info
        .lines()
        .find(|line| line.starts_with("cmdstat_evalsha:"));
    let count = line.and_then(|line| line.rsplit_once("failed_calls="));
    count.map_or(0, |(_, count)| count.trim().parse().unwrap())
}

#[test]
fn refused_writes_are_spaced_and_told_once_and_when_they_are_over() {
    let redis = Redis::own();
    let setup = setup(&redis);
    let mut runner = setup.serve();
    // Only the worker is refused: a producer still adds.
    redis.run::<String>(&["ACL", "SETUSER", "default", "-xadd"]);
    let began = Instant::now();
    redis.add("q", "x", "{}", "{}");
    runner.until_logged("jobs could not be settled or taken");
    let first = refused(&redis);
    until("eight refused calls more", || {
        (refused(&redis) >= first + 8).then_some(())
    });
    // At least the halves of the pauses of 50, 100, 200 … ms.
    assert!(
        began.elapsed() > Duration::from_millis(700),
        "{:?}",
        began.elapsed()
    );
    let complaints = complaints(&runner);
    let about = |line: &&String| line.contains("could not be settled");
    let told: Vec<&String> = complaints.iter().filter(about).collect();
    assert_eq!(told.len(), 1, "{complaints:?}");
    assert!(
        told[0].contains("cannot serve: ERR The user executing the script can't run this command"),
        "{}",
        told[0]
    );
    assert!(!told[0].contains("script: "), "{}", told[0]);
    redis.run::<String>(&["ACL", "SETUSER", "default", "+xadd"]);
    redis.until_count("q", "completed", 1);
    runner.until_logged("Redis takes writes again, after ");
    assert!(runner.stop().success());
}

#[test]
fn a_refused_wait_for_work_is_spaced_too() {
    let redis = Redis::own();
    let setup = setup(&redis);
    redis.run::<String>(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let runner = setup.serve();
    let rejected = || {
        let stats: String = redis.run(&["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.contains("_bzpopmin:"))?;
        let (_, count) = line.split_once("rejected_calls=")?;
        count.split(',').next()?.parse::<u64>().ok()
    };
    until("the first wait", || rejected().filter(|count| *count > 0));
    let began = Instant::now();
    until("five waits more", || rejected().filter(|count| *count > 5));
    // At least the halves of the pauses of 50, 100, 200, 400 ms.
    assert!(
        began.elapsed() > Duration::from_millis(300),
        "{:?}",
        began.elapsed()
    );
    let line = runner.until_logged("waiting for work is interrupted");
    assert!(
        line.contains("NOREPLICAS Not enough good replicas to write."),
        "{line}"
    );
    redis.run::<String>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    let id = redis.add("q", "x", "{}", "{}");
    assert_eq!(redis.until_ended("q", &id), "completed");
}

/// A Redis that has no memory to spare any more, and jobs.
fn full() -> (Redis, Setup) {
    let redis = Redis::own();
    let script = "local base = KEYS[1]
        for i = 1, 40 do
          local set = ({ 'completed', 'failed', 'wait', 'delayed' })[i % 4 + 1]
          redis.call('HSET', base .. i, 'name', 'x', 'data', '{}', 'opts', '{}', 'timestamp', i, 'delay', 0,
            'priority', 0, 'finishedOn', i)
          if set == 'wait' then
            redis.call('LPUSH', base .. set, i)
          else
            redis.call('ZADD', base .. set, i, i)
          end
        end
        redis.call('HSET', base .. 'meta', 'opts.maxLenEvents', 10000)
        return 1";
    redis.run::<u64>(&["EVAL", script, "1", &redis.key("q", "")]);
    redis.run::<String>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.run::<String>(&["CONFIG", "SET", "maxmemory", "1"]);
    let setup = setup(&redis);
    (redis, setup)
}

#[test]
fn an_operator_frees_memory_when_there_is_none_to_spare() {
    let (redis, setup) = full();
    let said = |command: &str| {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ended = setup.cli(&arguments);
        assert_eq!(
            (ended.code, ended.stderr.trim()),
            (Some(0), ""),
            "{command}"
        );
        ended.stdout.trim().to_owned()
    };
    let clean = said("queue clean q --state completed --older-than 0s --limit 5 --yes");
    assert_eq!(clean, "removed 5 completed jobs");
    let events: Vec<redis::Value> = redis.run(&["XRANGE", &redis.key("q", "events"), "-", "+"]);
    assert_eq!(events.len(), 1, "it is told");
    said("job rm q 38");
    said("job retry q 5");
    said("queue pause q");
    said("queue resume q");
    said("queue drain q --yes");
    assert_eq!(redis.count("q", "wait"), 0);
    said("queue obliterate q --yes");
    assert_eq!(redis.run::<u64>(&["EXISTS", &redis.key("q", "failed")]), 0);
}

#[test]
fn what_redis_refuses_is_said_in_its_own_words() {
    let (redis, setup) = full();
    let ended = setup.cli(&["add", "q", "x", "{}"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let words = format!(
        "error: Redis at 127.0.0.1:{} cannot serve: OOM command not allowed when used memory > 'maxmemory'.\n",
        redis.port()
    );
    assert_eq!(ended.stderr, words);
    redis.run::<String>(&["CONFIG", "SET", "maxmemory", "0"]);
    redis.run::<u64>(&["DEL", &redis.key("q", "events")]);
    redis.run::<String>(&["SET", &redis.key("q", "events"), "x"]);
    let ended = setup.cli(&["queue", "drain", "q", "--yes"]);
    assert_eq!(
        ended.stderr,
        "error: Redis refused: WRONGTYPE the key bull:q:events is a string, not a stream: rename it or remove it\n"
    );
    assert_eq!(redis.count("q", "wait"), 10, "nothing was done");
}
