//! Instances that serve several jobs, one after the other (`reuse`): how many, after
//! what no further one, and that everything but the guest's memory is the job's own.

use std::time::Duration;

use runner::config::{JobSettings, Plugin, Secret};
use runner::outcome::{Cause, Outcome};
use runner::queue::Stop;
use serde_json::{Value, json};

use crate::support::sandbox::{Sandbox, job};
use crate::support::{Redis, Setup, guest, until};

const SHORT: Duration = Duration::from_millis(300);

fn keeps() -> Sandbox {
    Sandbox::new(&guest("keeps"))
}

fn reuse(jobs: u32) -> JobSettings {
    JobSettings {
        reuse: jobs,
        reuse_idle: Duration::from_secs(600),
        ..JobSettings::default()
    }
}

/// What a job returns that may have an instance for the hundredth time.
#[track_caller]
fn ended(sandbox: &Sandbox, name: &str, data: &str) -> Value {
    value(sandbox.start(job(name, data), reuse(100)).outcome())
}

#[track_caller]
fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Completed(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The how manieth job of its instance a job is.
#[track_caller]
fn count(sandbox: &Sandbox) -> Value {
    ended(sandbox, "count", "0")
}

#[test]
fn an_instance_serves_as_many_jobs_as_it_may() {
    let sandbox = keeps();
    let counts = |jobs, name| {
        let of = |_| value(sandbox.start(job(name, "0"), reuse(jobs)).outcome());
        (0..7).map(of).collect::<Vec<_>>()
    };
    assert_eq!(counts(1, "count"), [1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(counts(3, "count"), [1, 2, 3, 1, 2, 3, 1]);
    // What is left of it goes to a job that may have less.
    assert_eq!(counts(2, "count"), [2, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_returned_failure_is_a_return_like_any_other() {
    let sandbox = keeps();
    assert_eq!(count(&sandbox), 1);
    for name in ["retry", "reject"] {
        match sandbox.start(job(name, "0"), reuse(100)).outcome() {
            Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
                assert_eq!(failure.cause, Cause::Returned);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(count(&sandbox), 4);
}

#[test]
fn after_any_other_end_and_after_a_limit_no_job_gets_the_instance() {
    let sandbox = keeps();
    let settings = JobSettings {
        timeout: SHORT,
        max_logs: 10,
        max_result: 1000,
        ..reuse(100)
    };
    let mut expected = 1;
    for (name, data) in [
        ("panic", "0"),
        ("exit", "0"),
        ("spin", "0"),
        ("sleep", "60000"),
        ("allocate", "100000000"),
        ("lines", "10"),
        ("large", "1000"),
    ] {
        assert_eq!(count(&sandbox), expected, "before {name}");
        sandbox.start(job(name, data), settings.clone()).outcome();
        assert_eq!(count(&sandbox), 1, "after {name}");
        expected = 2;
    }
    for stop in [Stop::Shutdown, Stop::LockLost, Stop::Cancelled] {
        let running = sandbox.start(job("sleep", "60000"), reuse(100));
        running.attempt.stop(stop);
        running.outcome();
        assert_eq!(count(&sandbox), 1, "{stop:?}");
    }
}

#[test]
fn one_that_has_grown_over_half_of_its_room_is_dropped() {
    let sandbox = keeps();
    let leak = |bytes: usize| ended(&sandbox, "leak", &bytes.to_string());
    assert_eq!(leak(20 << 20), 1);
    assert_eq!(leak(20 << 20), 2);
    assert_eq!(count(&sandbox), 1);
    // A job that may have less memory gets no instance that is near it.
    assert_eq!(leak(20 << 20), 2);
    let less = JobSettings {
        memory: 24 << 20,
        ..reuse(100)
    };
    assert_eq!(
        value(sandbox.start(job("count", "0"), less.clone()).outcome()),
        1
    );
    let refused = sandbox.start(job("allocate", "30000000"), less).outcome();
    assert!(matches!(refused, Outcome::Retry { failure, .. } if failure.cause == Cause::Memory));
    assert_eq!(count(&sandbox), 3);
}

#[test]
fn lines_progress_and_budgets_are_those_of_the_job_in_hand() {
    let sandbox = keeps();
    let settings = JobSettings {
        max_logs: 4,
        ..reuse(100)
    };
    for (id, progress) in [("a", "1"), ("b", "2"), ("c", "3")] {
        let mut job = job("say", "0");
        job.id = id.into();
        let running = sandbox.start(job, settings.clone());
        assert_eq!(value(running.outcome()).to_string(), progress);
        let notes = running.attempt.take_notes();
        assert_eq!(notes.progress.as_deref(), Some(progress));
        let lines = notes
            .logs
            .iter()
            .map(|line| line.split_once(' ').unwrap().1);
        let expected = [
            format!("INFO job {id}"),
            format!("INFO logged {id}"),
            format!("WARN unfinished {id}"),
        ];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_clock_goes_on_and_directories_stay_open() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    let grants = Plugin {
        dirs: [("/shared".into(), directory.path().into())].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("keeps"), grants);
    for (jobs, written) in [(1, "one"), (2, "two")] {
        std::fs::write(&text, written).unwrap();
        assert_eq!(ended(&sandbox, "read", "0"), json!([jobs, {"Ok": written}]));
    }
    assert_eq!(ended(&sandbox, "began", "0"), true);
    assert_eq!(count(&sandbox), 4);
    // What a job has opened and not closed is not carried on.
    assert_eq!(ended(&sandbox, "hold", "0"), 5);
    assert_eq!(ended(&sandbox, "fields", "0"), 1);
    assert_eq!(count(&sandbox), 1);
}

#[test]
fn settings_and_secrets_are_those_in_force_and_changing_them_drops_instances() {
    let grants = |sender: &str, token: &str| Plugin {
        config: [("sender".into(), sender.into())].into(),
        secrets: [("TOKEN".into(), Secret(token.into()))].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&guest("keeps"), grants("a", "12"));
    let who = |id: &str| {
        let mut job = job("who", "0");
        job.id = id.into();
        value(sandbox.start(job, reuse(100)).outcome())
    };
    assert_eq!(who("7"), json!([1, "7", "a", 2]));
    assert_eq!(who("8"), json!([2, "8", "a", 2]));
    sandbox.regrant(grants("b", "123"));
    assert_eq!(who("9"), json!([1, "9", "b", 3]));
}

/// What the job returned.
#[track_caller]
fn answer(redis: &Redis, queue: &str, name: &str) -> String {
    let id = redis.add(queue, name, "0", "{}");
    assert_eq!(redis.until_ended(queue, &id), "completed");
    redis.field(queue, &id, "returnvalue").unwrap()
}

#[test]
fn instances_stay_with_their_queue_and_names_have_settings_of_their_own() {
    let redis = Redis::shared();
    let toml = "
        [queues.one]
        plugin = \"keeps\"
        reuse = 100
        reuse_idle = \"10m\"
        jobs.alone = { reuse = 1 }
        jobs.few = { reuse = 4 }
        [queues.other]
        plugin = \"keeps\"
        reuse = 3
        [queues.fresh]
        plugin = \"keeps\"
    ";
    let setup = Setup::new(&redis, toml).plugin("keeps", &guest("keeps"));
    let _runner = setup.serve();
    for (queue, name, expected) in [
        ("one", "any", "1"),
        ("other", "any", "1"),
        ("one", "any", "2"),
        ("one", "alone", "1"),
        ("one", "few", "3"),
        ("fresh", "any", "1"),
        ("fresh", "any", "1"),
        ("other", "any", "2"),
        ("one", "few", "4"),
        // Its fourth was the last of a job of this name.
        ("one", "any", "1"),
    ] {
        assert_eq!(answer(&redis, queue, name), expected, "{queue} {name}");
    }
}

#[test]
fn a_swap_drops_the_instances_of_the_version_before() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"it\"\nreuse = 1000000\nreuse_idle = \"10m\"\n";
    let setup = Setup::new(&redis, toml).plugin("it", &guest("keeps"));
    let runner = setup.serve();
    assert_eq!(answer(&redis, "work", "any"), "1");
    assert_eq!(answer(&redis, "work", "any"), "2");
    setup.install("it", &guest("noop"));
    until("the new version", || {
        (answer(&redis, "work", "any") == "null").then_some(())
    });
    setup.install("it", &guest("keeps"));
    let first = until("the old version", || {
        Some(answer(&redis, "work", "any")).filter(|answer| answer != "null")
    });
    assert_eq!(first, "1");
    drop(runner);
}

#[test]
fn an_instance_that_nobody_needs_is_dropped() {
    let sandbox = keeps();
    let settings = JobSettings {
        reuse_idle: Duration::from_millis(1),
        ..reuse(1_000_000)
    };
    let next = || value(sandbox.start(job("count", "0"), settings.clone()).outcome());
    assert_eq!(next(), 1);
    until("it to be dropped", || (next() == 1).then_some(()));
}
