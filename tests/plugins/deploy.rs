//! Deploying is dropping a file: plugins change while jobs run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Node, Redis, Setup, guest, until};

const QUEUE: &str = "[queues.work]\nplugin = \"scripted\"\nconcurrency = 20\n";

/// The guest with another digest: a component may end with a custom section
/// (id 0), whose content nobody reads.
fn edition(directory: &Setup, number: u8) -> PathBuf {
    let mut bytes = std::fs::read(guest("scripted")).unwrap();
    bytes.extend([0, 3, 1, b'n', number]);
    let path = directory.path(&format!("edition-{number}.wasm"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The versions that were put into service, as the log tells.
fn served(log: &[String]) -> Vec<String> {
    log.iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "plugin loaded")
        .map(|line| line["version"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn swaps_under_load_fail_no_job() {
    const JOBS: u64 = 3000;
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = Setup::new(&redis, QUEUE).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let data = json!({ "sleep": 10 });
    let flood = json!({ "queue": "work", "name": "n", "count": JOBS, "data": data });
    let flood = node.begin("flood", flood);
    for number in 1..=5 {
        let before = redis.count("work", "completed");
        setup.install("scripted", &edition(&setup, number));
        until("the new version to serve", || {
            (served(&runner.log()).len() > usize::from(number)).then_some(())
        });
        until("jobs on the new version", || {
            (redis.count("work", "completed") > before + 50).then_some(())
        });
    }
    node.end(flood);
    redis.until_count("work", "completed", JOBS);
    assert_eq!(redis.count("work", "failed"), 0);
    let versions: BTreeSet<String> = served(&runner.log()).into_iter().collect();
    assert_eq!(versions.len(), 6, "{versions:?}");
}

#[test]
fn a_job_in_flight_ends_on_the_version_it_started_with() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let old = redis.add("work", "old", r#"{"sleep":3000,"result":"old"}"#, "{}");
    redis.until_count("work", "active", 1);
    setup.install("scripted", &edition(&setup, 1));
    until("the new version to serve", || {
        (served(&runner.log()).len() == 2).then_some(())
    });
    let new = redis.add("work", "new", r#"{"result":"new"}"#, "{}");
    assert_eq!(redis.until_ended("work", &new), "completed");
    assert_eq!(redis.until_ended("work", &old), "completed");
    let versions = served(&runner.log());
    let ran_on = |id: &str| redis.run::<Vec<String>>(&["HVALS", &redis.key("work", id)]);
    let digest = |version: &str| version.split('@').nth(1).unwrap().to_owned();
    assert!(
        ran_on(&old)
            .iter()
            .any(|value| value.contains(&digest(&versions[0])))
    );
    assert!(
        ran_on(&new)
            .iter()
            .any(|value| value.contains(&digest(&versions[1])))
    );
}

#[test]
fn a_broken_file_keeps_the_version_in_service_and_is_told_once() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let whole = std::fs::read(guest("scripted")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2..][..64].fill(0xff);
    for (name, bytes) in [
        ("truncated", &whole[..whole.len() / 3]),
        ("flipped", &flipped[..]),
        ("text", b"<html>404</html>"),
        ("empty", b""),
    ] {
        let warnings =
            |log: Vec<String>| log.iter().filter(|line| line.contains("\"WARN\"")).count();
        let before = warnings(runner.log());
        let file = setup.path(name);
        std::fs::write(&file, bytes).unwrap();
        setup.install("scripted", &file);
        until(&format!("a warning about the {name} file"), || {
            (warnings(runner.log()) > before).then_some(())
        });
        let id = redis.add("work", "job", r#"{"result":1}"#, "{}");
        assert_eq!(redis.until_ended("work", &id), "completed", "{name}");
        assert_eq!(
            warnings(runner.log()),
            before + 1,
            "{name}: {:?}",
            runner.log()
        );
    }
    assert_eq!(served(&runner.log()).len(), 1);
}

#[test]
fn a_queue_waits_for_its_plugin_and_starts_when_the_file_is_there() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE);
    let runner = setup.spawn(&["serve"]);
    let id = redis.add("work", "early", r#"{"result":1}"#, "{}");
    runner.until_logged("queue held");
    assert_eq!(redis.count("work", "wait"), 1);
    setup.install("scripted", &guest("scripted"));
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert_eq!(redis.field("work", &id, "atm").as_deref(), Some("1"));
}

#[test]
fn queues_come_and_go_with_queues_toml() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let toml = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let id = redis.add("more", "job", "{}", "{}");
    setup.write(&format!("{toml}\n[queues.more]\nplugin = \"scripted\"\n"));
    assert_eq!(redis.until_ended("more", &id), "completed");

    setup.write("[queues.work\n");
    runner.until_logged("was not reloaded");
    let id = redis.add("more", "job", "{}", "{}");
    assert_eq!(
        redis.until_ended("more", &id),
        "completed",
        "a bad edit changes nothing"
    );
}
