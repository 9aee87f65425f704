//! Scratch directories: private, counted, gone with their job.

use std::path::Path;
use std::time::Duration;

use runner::config::{JobSettings, Plugin};
use runner::outcome::Outcome;
use runner::queue::Stop;

use super::{completes, granted, run};
use crate::support::sandbox::{Sandbox, job};
use crate::support::wasm::{module, program};
use crate::support::{Redis, Setup, until};

fn scratch(bytes: usize) -> Plugin {
    Plugin {
        scratch: Some(bytes),
        ..Plugin::default()
    }
}

/// How many directories of jobs there are.
fn directories(place: &Path) -> usize {
    let processes = std::fs::read_dir(place).into_iter().flatten().flatten();
    let jobs = processes.flat_map(|process| std::fs::read_dir(process.path()).unwrap());
    jobs.count()
}

#[test]
fn what_is_beyond_the_size_is_refused_as_on_a_full_disk() {
    for file in [module("program"), program("program")] {
        let sandbox = Sandbox::granted(&file, scratch(1 << 20));
        let text = completes(&sandbox, "disk", "{}");
        let text: String = serde_json::from_str(&text).unwrap();
        // In WASI 0.2 Rust's library has one kind for all errors of a stream.
        let text = text.replace("Uncategorized", "StorageFull");
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "half: ok",
                "too much: StorageFull",
                "remove: ok",
                "again: ok",
                "over it: ok",
                "rename over: ok",
                "then: ok",
                "truncate: ok",
                "append: StorageFull",
                "set size: StorageFull",
                "removed while open: ok",
                "directory: ok",
                "remove all: ok",
                "outside: NotFound",
                "up: PermissionDenied",
                "[\"half\", \"more\"]",
            ]
        );
    }
}

#[test]
fn each_job_has_its_own() {
    let sandbox = granted(scratch(1 << 20));
    for _ in 0..2 {
        assert_eq!(completes(&sandbox, "list /tmp", "{}"), "[]");
        assert_eq!(completes(&sandbox, "write /tmp/x", "text"), "\"written\"");
    }
}

#[test]
fn an_instance_with_one_serves_no_other_job() {
    let guest = crate::support::guest("reach");
    let sandbox = Sandbox::granted(&guest, scratch(1 << 20));
    let reused = || JobSettings {
        reuse: 10,
        ..JobSettings::default()
    };
    for _ in 0..3 {
        assert_eq!(
            run(&sandbox, "scratch", "{}", reused()),
            Outcome::Completed("\"written and read\"".into())
        );
    }
    // A program is run once, whatever the queue says.
    let sandbox = granted(Plugin::default());
    for data in ["1", "2"] {
        assert_eq!(
            run(&sandbox, "echo", data, reused()),
            Outcome::Completed(data.into())
        );
    }
}

#[test]
fn a_handler_can_have_one_too() {
    let guest = crate::support::guest("reach");
    let sandbox = Sandbox::granted(&guest, scratch(1 << 20));
    let written = completes(&sandbox, "scratch", "{}");
    assert_eq!(written, "\"written and read\"");
}

const TOML: &str = "[queues.work]\nplugin = \"it\"\n[plugins.it]\nscratch = \"1MiB\"\n";

/// A process with a cache of its own, and where its scratch directories are.
fn setup(redis: &Redis) -> (Setup, std::path::PathBuf) {
    let toml = format!("[runtime]\ncache = \"cache\"\n{TOML}");
    let setup = Setup::new(redis, &toml).plugin("it", &module("program"));
    let place = setup.path("cache/scratch");
    (setup, place)
}

#[test]
fn it_is_gone_with_its_job_however_that_ends() {
    let redis = Redis::shared();
    let (setup, place) = setup(&redis);
    let mut runner = setup.serve();
    for name in ["write /tmp/x", "panic", "exit 65", "flood"] {
        let id = redis.add("work", name, "{}", "{}");
        redis.until_ended("work", &id);
        assert_eq!(directories(&place), 0, "{name}");
    }
    let id = redis.add("work", "sleep", "{}", "{}");
    until("the job to run", || {
        (directories(&place) == 1).then_some(())
    });
    let cancelled = setup.cli(&["job", "cancel", "work", &id]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    until("it to be gone", || (directories(&place) == 0).then_some(()));
    runner.stop();
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn what_a_killed_process_has_left_is_removed_at_the_next_start() {
    let redis = Redis::shared();
    let (setup, place) = setup(&redis);
    let mut runner = setup.serve();
    redis.add("work", "sleep", "{}", "{}");
    until("the job to run", || {
        (directories(&place) == 1).then_some(())
    });
    runner.kill();
    assert_eq!(directories(&place), 1);
    let ended = setup.cli(&["run", "it", "{}", "--name", "list /tmp"]);
    assert_eq!(ended.stdout, "[]\n", "{ended:?}");
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn a_cancelled_attempt_leaves_nothing() {
    let sandbox = granted(scratch(1 << 20));
    for stop in [Stop::Cancelled, Stop::Shutdown, Stop::LockLost] {
        let running = sandbox.start(job("spin", "{}"), JobSettings::default());
        running.attempt.stop(stop);
        running.outcome();
    }
    let settings = crate::support::sandbox::timeout(Duration::from_millis(100));
    assert!(matches!(
        run(&sandbox, "sleep", "{}", settings),
        Outcome::Retry { .. }
    ));
}

#[test]
fn a_place_where_none_can_be_made_is_told_to_the_job() {
    let redis = Redis::shared();
    let (setup, place) = setup(&redis);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, "a file").unwrap();
    let ended = setup.cli(&["run", "it", "{}", "--name", "exit 0"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let reason = "there can be no scratch directories in \"cache/scratch\": File exists";
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);
}
