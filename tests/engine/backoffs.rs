//! Backoffs that producers name: a Node worker has code for them, Runner `[backoff]`. A
//! delay that is missing never means "at once".

use crate::support::{Redis, Setup, guest, until};

const FAILS: &str = r#"{"retry":"down"}"#;

fn setup(redis: &Redis, toml: &str) -> Setup {
    let toml = format!("{toml}\n[queues.work]\nplugin = \"scripted\"\n");
    Setup::new(redis, &toml).plugin("scripted", &guest("scripted"))
}

/// What a failing job with this backoff waits after each of its failures, in
/// milliseconds: each wait is read and the job promoted.
fn waits(redis: &Redis, setup: &Setup, backoff: &str, attempts: u32) -> Vec<u64> {
    let options = format!(r#"{{"attempts":{attempts},"backoff":{backoff}}}"#);
    let id = redis.add("work", "hook", FAILS, &options);
    let mut waits = Vec::new();
    for _ in 1..attempts {
        let wait = until("the job to be delayed", || {
            redis.run::<Option<f64>>(&["ZSCORE", &redis.key("work", "delayed"), &id])?;
            redis.field("work", &id, "delay")
        });
        waits.push(wait.parse().unwrap());
        let promoted = setup.cli(&["job", "promote", "work", &id]);
        assert_eq!(promoted.code, Some(0), "{promoted:?}");
        until("the job to leave", || {
            let score = redis.run::<Option<f64>>(&["ZSCORE", &redis.key("work", "delayed"), &id]);
            let again = redis.field("work", &id, "delay") != Some("0".to_owned());
            (score.is_none() || again).then_some(())
        });
    }
    assert_eq!(redis.until_ended("work", &id), "failed");
    waits
}

#[test]
fn a_strategy_waits_as_it_is_declared() {
    let redis = Redis::shared();
    let toml = "[backoff.webhook]\nwaits = [\"20s\", \"5m\"]\n\
                [backoff.crm]\ntype = \"exponential\"\ndelay = \"30s\"\nmax = \"45s\"\n\
                [backoff.default]\ntype = \"fixed\"\ndelay = \"7s\"\n";
    let setup = setup(&redis, toml);
    let _runner = setup.serve();
    let waits = |backoff| waits(&redis, &setup, backoff, 4);
    assert_eq!(waits(r#"{"type":"webhook"}"#), [20_000, 300_000, 300_000]);
    assert_eq!(
        waits(r#"{"type":"crm","delay":1}"#),
        [30_000, 45_000, 45_000]
    );
    assert_eq!(waits(r#"{"type":"else"}"#), [7_000; 3]);
    assert_eq!(waits(r#"{"type":"fixed","delay":9000}"#), [9_000; 3]);
}

#[test]
fn what_nobody_has_declared_spends_attempts_slowly_and_is_told_once() {
    let redis = Redis::shared();
    let setup = setup(&redis, "");
    let runner = setup.serve();
    let waits = |backoff| waits(&redis, &setup, backoff, 4);
    assert_eq!(waits(r#"{"type":"custom"}"#), [1_000, 2_000, 4_000]);
    assert_eq!(waits(r#"{"type":"custom"}"#), [1_000, 2_000, 4_000]);
    assert_eq!(waits(r#"{"type":"known","delay":300}"#), [300; 3]);
    assert_eq!(waits(r#"{"type":"exponential"}"#), [1_000, 2_000, 4_000]);
    let text = "the backoff of a job does not say how long it waits";
    let told: Vec<String> = runner.log();
    let told: Vec<serde_json::Value> = told
        .iter()
        .filter(|line| line.contains(text))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|line| ["backoff", "waits", "declare"].map(|key| line[key].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            [
                Some("custom"),
                Some("1s, doubled each time up to 1h"),
                Some("[backoff.\"custom\"]")
            ],
            [
                Some("known"),
                Some("its delay each time"),
                Some("[backoff.\"known\"]")
            ],
            [Some("exponential"), Some("as with a delay of 1s"), None],
        ]
    );
}
