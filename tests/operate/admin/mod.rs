//! Operating queues and jobs from the command line.

mod equality;
mod jobs;
mod queues;
mod stats;
mod workers;

use serde_json::Value;

use crate::support::{Redis, Setup};

/// Nothing declared: every queue is one found in Redis.
fn bare() -> (Redis, Setup) {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    (redis, setup)
}

/// The command prints exactly this.
#[track_caller]
fn prints(setup: &Setup, command: &str, code: i32, stdout: &str, stderr: &str) {
    let arguments: Vec<&str> = command.split(' ').collect();
    let ended = setup.cli(&arguments);
    let got = (ended.code, ended.stdout.trim_end(), ended.stderr.trim_end());
    assert_eq!(got, (Some(code), stdout, stderr), "{command}");
}

#[track_caller]
fn document(setup: &Setup, command: &str) -> Value {
    let mut arguments: Vec<&str> = command.split(' ').collect();
    arguments.push("--json");
    let ended = setup.cli(&arguments);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{command}"
    );
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Fill a list or set of a queue with so many jobs, all within Redis.
pub(crate) fn fill(redis: &Redis, queue: &str, key: &str, count: u32) {
    let script = "local base = KEYS[1]
        for i = 1, tonumber(ARGV[2]) do
          local id = ARGV[1] .. i
          redis.call('HSET', base .. id, 'name', i % 2 == 0 and 'even' or 'odd', 'data', '{}', 'opts', '{}',
            'timestamp', 1600000000000 + i, 'delay', 0, 'priority', 0)
          if ARGV[1] == 'wait' or ARGV[1] == 'paused' then
            redis.call('LPUSH', base .. ARGV[1], id)
          else
            redis.call('ZADD', base .. ARGV[1], 1600000000000 + i, id)
          end
        end
        redis.call('HSET', base .. 'meta', 'opts.maxLenEvents', 10000)
        return 1";
    let base = redis.key(queue, "");
    let _: u32 = redis.run(&["EVAL", script, "1", &base, key, &count.to_string()]);
}

fn left(redis: &Redis, queue: &str) -> Vec<String> {
    let mut keys: Vec<String> = redis.run(&["KEYS", &redis.key(queue, "*")]);
    keys.sort();
    keys
}

#[test]
fn completions_know_the_commands_and_the_states() {
    let (_redis, setup) = bare();
    for shell in ["bash", "zsh", "fish"] {
        let script = setup.cli(&["completions", shell]).stdout;
        for word in ["obliterate", "promote", "waiting-children"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
