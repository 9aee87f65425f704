//! A changed contract waits for the jobs that it would make fail.

use std::path::Path;

use crate::support::{Redis, Runner, Setup, guest};

const QUEUE: &str = "[queues.work]\nplugin = \"typed\"\ncontract = \"test:typed/jobs\"\n";
const TWO: &str = r#"{"firstName":"Ada"}"#;

/// The guest with another name for what it requires: no job fits both.
fn renamed() -> Vec<u8> {
    let mut bytes = std::fs::read(guest("typed")).unwrap();
    let mut renamed = 0;
    for at in 0..bytes.len() - 10 {
        if bytes[at..].starts_with(b"first-name") {
            bytes[at..at + 5].copy_from_slice(b"given");
            renamed += 1;
        }
    }
    assert!(renamed > 0);
    bytes
}

fn wit() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/wit/typed.wit");
    std::fs::read_to_string(file).unwrap()
}

/// A queue that is paused, with one job.
fn waiting(redis: &Redis, setup: &Setup, name: &str, data: &str) -> (Runner, String) {
    let runner = setup.serve();
    let paused = setup.cli(&["queue", "pause", "work"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    let id = redis.add("work", name, data, "{}");
    (runner, id)
}

fn resume(setup: &Setup) {
    let resumed = setup.cli(&["queue", "resume", "work"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn a_plugin_waits_for_the_jobs_that_its_own_contract_would_make_fail() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("typed", &guest("typed"));
    let (runner, id) = waiting(&redis, &setup, "two", TWO);
    // A job that fits neither holds nothing back.
    redis.add("work", "two", "{}", "{}");
    std::fs::write(setup.path("plugins/typed.wasm"), renamed()).unwrap();
    let line = runner.until_logged("plugin refused");
    let reason = format!(
        "it changes its contract and is held back: 1 of the jobs that are to run in work \
         would fail by it (such as {id}): the payload is not that of test:typed/jobs#two: \
         data.givenName: is missing; expected a string (`swap_check = \\\"off\\\"` on the queue \
         lets it in)"
    );
    assert!(line.contains(&reason), "{line}");
    resume(&setup);
    assert_eq!(redis.until_ended("work", &id), "completed");
    runner.until_logged("\"previous\":\"typed@");
    let new = redis.add("work", "two", r#"{"givenName":"Ada"}"#, "{}");
    assert_eq!(redis.until_ended("work", &new), "completed");
}

#[test]
fn a_plugin_does_not_wait_when_it_is_told_so() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, &format!("{QUEUE}swap_check = \"off\"\n"))
        .plugin("typed", &guest("typed"));
    let (runner, id) = waiting(&redis, &setup, "two", TWO);
    std::fs::write(setup.path("plugins/typed.wasm"), renamed()).unwrap();
    let line = runner
        .until_logged("the contract has changed, jobs may not fit: runner check --against-redis");
    assert!(line.contains("\"contract\":\"test:typed/jobs\""), "{line}");
    runner.until_logged("\"previous\":\"typed@");
    resume(&setup);
    assert_eq!(redis.until_ended("work", &id), "failed");
}

#[test]
fn a_sample_is_the_first_hundred_and_all_are_all() {
    for (check, line) in [
        ("sample", "contracts were reloaded"),
        ("all", "held back: 1 of the jobs that are to run in work"),
    ] {
        let redis = Redis::shared();
        let toml = QUEUE.replace("\"typed\"", "\"echo\"");
        let setup = Setup::new(&redis, &format!("{toml}swap_check = \"{check}\"\n"));
        let setup = setup.plugin("echo", &guest("echo"));
        std::fs::create_dir(setup.path("wit")).unwrap();
        std::fs::write(setup.path("wit/typed.wit"), wit()).unwrap();
        let (runner, _) = waiting(&redis, &setup, "two", TWO);
        for _ in 1..100 {
            redis.add("work", "two", TWO, "{}");
        }
        redis.add("work", "two", r#"{"firstName":"Ada","howMany":300}"#, "{}");
        let edited = wit().replace("how-many: option<u16>", "how-many: option<u8>");
        std::fs::write(setup.path("wit/typed.wit"), edited).unwrap();
        runner.until_logged(line);
    }
}

#[test]
fn an_edited_contract_waits_for_the_jobs_that_it_would_make_fail() {
    let redis = Redis::shared();
    let setup =
        Setup::new(&redis, &QUEUE.replace("\"typed\"", "\"echo\"")).plugin("echo", &guest("echo"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/typed.wit"), wit()).unwrap();
    let (runner, id) = waiting(&redis, &setup, "two", TWO);

    let edited = wit().replace("two: func(first-name", "two: func(given-name");
    std::fs::write(setup.path("wit/typed.wit"), &edited).unwrap();
    let line = runner.until_logged("queues.toml changes a contract");
    let reason = format!(
        "queues.toml changes a contract and is held back: 1 of the jobs that are to run in \
         work would fail by it (such as {id}): the payload is not that of test:typed/jobs#two: \
         data.givenName: is missing; expected a string (`swap_check = \\\"off\\\"` on the queue \
         lets it in)"
    );
    assert!(line.contains(&reason), "{line}");
    resume(&setup);
    assert_eq!(redis.until_ended("work", &id), "completed");
    runner.until_logged("queue uses its changed settings");
    let old = redis.add("work", "two", TWO, "{}");
    assert_eq!(redis.until_ended("work", &old), "failed");
}
