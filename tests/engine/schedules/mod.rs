//! Schedules: what `[[schedules]]` declares and what npm schedules, kept going.

mod command;
mod declared;
mod lost;
mod next_run;
mod node;

use serde_json::Value;

use crate::support::{Redis, Runner, Setup, guest, until};

const VERSIONS: [u8; 2] = [5, 6];

/// A runner's directory: the queue `q` with the guest `scripted`, looked after
/// often, and these schedules.
fn setup(redis: &Redis, schedules: &str) -> Setup {
    Setup::new(redis, &toml(redis, schedules)).plugin("scripted", &guest("scripted"))
}

fn toml(redis: &Redis, schedules: &str) -> String {
    let (url, prefix) = (redis.url(), redis.prefix());
    format!(
        "[redis]\nurl = {url:?}\nprefix = {prefix:?}\n\
         [runtime]\nstalled_interval = \"200ms\"\n\
         [queues.q]\nplugin = \"scripted\"\nconcurrency = 2\n{schedules}"
    )
}

const DAILY: &str = "[[schedules]]\nqueue = \"q\"\nname = \"cleanup\"\ncron = \"0 3 * * *\"\n\
    timezone = \"Europe/Berlin\"\ndata = { days = 30 }\nattempts = 4\npriority = 2\n";

fn hash(redis: &Redis, id: &str) -> std::collections::BTreeMap<String, String> {
    redis.run(&["HGETALL", &redis.key("q", &format!("repeat:{id}"))])
}

/// The time of the scheduler's next run.
fn next(redis: &Redis, id: &str) -> Option<i64> {
    let score: Option<f64> = redis.run(&["ZSCORE", &redis.key("q", "repeat"), id]);
    score.map(|score| score as i64)
}

fn until_next(redis: &Redis, id: &str) -> i64 {
    until(&format!("the scheduler {id}"), || next(redis, id))
}

/// The next job of the scheduler.
fn run_of(redis: &Redis, id: &str) -> String {
    format!("repeat:{id}:{}", until_next(redis, id))
}

fn now(redis: &Redis) -> i64 {
    let (seconds, micros): (i64, i64) = redis.run(&["TIME"]);
    seconds * 1000 + micros / 1000
}

/// Ids of the scheduler's completed jobs, in order.
fn completed(redis: &Redis, id: &str) -> Vec<String> {
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    let prefix = format!("repeat:{id}:");
    ids.into_iter()
        .filter(|id| id.starts_with(&prefix))
        .collect()
}

fn times(ids: &[String]) -> Vec<i64> {
    let time = |id: &String| id.rsplit_once(':').unwrap().1.parse().unwrap();
    ids.iter().map(time).collect()
}

#[track_caller]
fn until_completed(redis: &Redis, id: &str, count: usize) -> Vec<String> {
    until(&format!("{count} runs of {id}"), || {
        Some(completed(redis, id)).filter(|ids| ids.len() >= count)
    })
}

fn list(setup: &Setup) -> Vec<Value> {
    let ended = setup.cli(&["schedule", "list", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// How often these runners said that the scheduler goes on.
fn rearmed(runners: &[&Runner], id: &str) -> usize {
    let id = format!("\"scheduler\":{id:?}");
    let told = |line: &&String| line.contains("lost its next job") && line.contains(&id);
    let logs = runners.iter().map(|runner| runner.log());
    logs.map(|log| log.iter().filter(told).count()).sum()
}

/// Wait until the guard has looked at all schedulers: one that has lost its next
/// job goes on.
fn until_guarded(redis: &Redis, runners: &[&Runner], probe: &str) {
    let later = (now(redis) + 3_600_000).to_string();
    let scheduler = redis.key("q", &format!("repeat:{probe}"));
    redis.run::<()>(&[
        "HSET", &scheduler, "name", "p", "every", "3600000", "ic", "1",
    ]);
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &later, probe]);
    until("the guard", || (rearmed(runners, probe) > 0).then_some(()));
}
