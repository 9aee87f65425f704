//! `runner job --server`: what is read and done is told, and ends, as over Redis.

use serde_json::{Value, json};

use super::{Far, words};
use crate::api::served;
use crate::operate::admin::fill;
use crate::support::{Ended, Redis, Runner, Setup, guest, until};

const QUEUES: &str = "[queues.work]\nplugin = \"scripted\"\n[queues.held]\n";

/// A server whose queue `held` has no worker.
fn serve(redis: &Redis, toml: &str) -> (Setup, Runner, Far) {
    let setup = served(redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let far = Far::to(redis, &runner);
    (setup, runner, far)
}

/// Four jobs in `held`: three wait, the last for an hour.
fn hold(setup: &Setup) {
    for name in ["a", "b", "a"] {
        let line = ["add", "held", name, "{\"n\": 12345678901234567890}"];
        assert_eq!(setup.cli(&line).code, Some(0));
    }
    let line = ["add", "held", "late", "{}", "--delay", "1h"];
    assert_eq!(setup.cli(&line).code, Some(0));
}

/// All that was said, but for cursors, which say when they were made.
fn said(ended: &Ended) -> (Option<i32>, String, String) {
    let lines = ended
        .stdout
        .lines()
        .map(|line| match line.split_once("\"cursor\": \"") {
            Some((before, _)) => format!("{before}\"cursor\": …"),
            None => line.to_owned(),
        });
    let lines: Vec<String> = lines.collect();
    (ended.code, lines.join("\n"), ended.stderr.clone())
}

// Long because it is one table of command lines.
#[test]
fn what_is_read_is_told_byte_by_byte_as_over_redis() {
    let redis = Redis::shared();
    let (setup, _runner, far) = serve(&redis, QUEUES);
    hold(&setup);
    let done = json!({ "log": ["one", "two"], "progress": [50], "result": { "a": 1.10 } });
    let done = redis.add("work", "ok", done.to_string(), "{}");
    let failed = json!({ "log": ["three"], "retry": "no route", "long": "x".repeat(20_000) });
    let failed = redis.add("work", "bad", failed.to_string(), "{\"attempts\":2}");
    assert_eq!(redis.until_ended("work", &done), "completed");
    assert_eq!(redis.until_ended("work", &failed), "failed");
    let lines = [
        "job get work 1",
        "job get work 2",
        "job get held 4",
        "job get work 99",
        "job get nothing 1",
        "job get wurk 1",
        "job logs work 1",
        "job logs held 1",
        "job logs work 99",
        "job list work",
        "job list held",
        "job list held --name a",
        "job list held --state delayed --state waiting",
        "job list work --limit 1",
        "job list w*",
        "job list held,work name:a",
        "job list nothing",
        "job list x*",
        "job list held state:wating",
        "job list held --limit 0",
        "job list held --scan 1 name:late",
        "job search work route",
        "job search work route --limit 1",
        "job search * id:1",
        "job search held zzz",
        "job search held name:a --scan 2",
        "job search held name:a --cursor forged",
        "job wait work 1",
        "job wait work 2",
        "job wait work 99",
        "job wait held 1 --timeout 50ms",
        "job retry work --all --dry-run",
        "job retry held --all --dry-run",
        "job retry held 1 2 99",
        "job retry work --filter error:route --state completed --dry-run",
        "job rm held --all --dry-run",
        "job rm held --all",
        "job rm held 98 99",
        "job cancel held --filter name:a --dry-run",
        "job cancel held --filter name:a",
        "job cancel work 1",
        "job promote held --all --dry-run",
        "job promote held 1 99",
        "job edit held 99 --priority 1",
        "job edit held 1 --delay 1m",
        "job edit held 1 --data {",
        "job duplicate held 99",
    ];
    for line in lines {
        for json in [&[][..], &["--json"]] {
            let line = [words(line), json.to_vec()].concat();
            let (here, there) = (setup.cli(&line), far.cli(&line));
            assert_eq!(said(&there), said(&here), "{line:?}");
            assert!(here.code.is_some_and(|code| code != 101), "{here:?}");
        }
    }
}

/// Two systems with the same jobs, one asked over Redis and one through its server.
struct Twins {
    redis: [Redis; 2],
    here: Setup,
    far: Far,
    _runner: Runner,
}

impl Twins {
    fn new(toml: &str) -> Twins {
        let redis = [Redis::shared(), Redis::shared()];
        let here = Setup::new(&redis[0], toml);
        let (other, runner, far) = serve(&redis[1], toml);
        hold(&here);
        hold(&other);
        Twins {
            redis,
            here,
            far,
            _runner: runner,
        }
    }

    /// Both end and say the same.
    #[track_caller]
    fn agree(&self, line: &[&str]) -> Ended {
        let (here, there) = (self.here.cli(line), self.far.cli(line));
        assert_eq!(said(&there), said(&here), "{line:?}");
        here
    }

    /// Both have the same jobs.
    #[track_caller]
    fn hold_the_same(&self, queue: &str) {
        let jobs = |setup: &Setup| {
            let listed = setup.cli(&["job", "list", queue, "--json"]).stdout;
            let mut jobs: Vec<Value> = serde_json::from_str(&listed).expect("a list");
            for job in &mut jobs {
                for time in ["timestamp", "finishedOn", "processedOn"] {
                    job[time] = json!(job[time].is_u64());
                }
            }
            // Those that ended within a millisecond are in any order.
            jobs.sort_by_key(|job| job["id"].to_string());
            jobs
        };
        let other = Setup::new(&self.redis[1], QUEUES);
        assert_eq!(jobs(&other), jobs(&self.here), "{queue}");
    }
}

#[test]
fn what_is_done_to_jobs_comes_to_the_same_as_over_redis() {
    let twins = Twins::new(QUEUES);
    let lines = [
        "job edit held 1 --priority 3",
        "job edit held 2 --data {\"x\":1} --json",
        "job edit held 4 --delay 2h",
        "job cancel held 3 --reason gone",
        "job duplicate held 3",
        "job promote held 4 --json",
        "job retry held 3 --reset-attempts",
        "job retry held 3",
        "job cancel held --filter name:a --yes --reason many",
        "job retry held --all --json",
        "job cancel held --all --yes --json",
        "job retry held --all --name a --dry-run",
        "job retry held --filter name:a",
        "job rm held 2 99",
        "job rm held 1 --keep-children --json",
        "job rm held --all --state failed --yes",
        "job rm held --all --state waiting --yes --json",
    ];
    for line in lines {
        twins.agree(&words(line));
        twins.hold_the_same("held");
    }
    for redis in &twins.redis {
        fill(redis, "held", "failed", 2500);
    }
    let retried = twins.agree(&words("job retry held --all"));
    assert_eq!(retried.stdout, "retried 2500 jobs\n");
    let ids: Vec<String> = (1..=2500).map(|n| format!("failed{n}")).collect();
    let ids = ids.iter().map(String::as_str);
    let line: Vec<&str> = ["job", "cancel", "held"].into_iter().chain(ids).collect();
    let cancelled = twins.agree(&line);
    assert_eq!(cancelled.stdout, "cancelled 2500 jobs\n");
    let line = words("job rm held --all --yes");
    assert_eq!(twins.agree(&line).stdout, "removed 2500 jobs\n");
}

#[test]
fn a_list_that_is_longer_than_one_call_is_told_in_one() {
    let redis = Redis::shared();
    let (setup, _runner, far) = serve(&redis, QUEUES);
    fill(&redis, "held", "failed", 2500);
    for line in [
        "job list held --limit 2400",
        "job list held --limit 5000 --json",
        "job list held name:odd --limit 1100 --scan 2300 --json",
    ] {
        let (here, there) = (setup.cli(&words(line)), far.cli(&words(line)));
        assert!(there.stdout.lines().count() > 1000, "{line}");
        assert_eq!(said(&there), said(&here), "{line}");
    }
    // A cursor is good for both.
    let line = words("job search held name:odd --limit 3 --json");
    let first: Value = serde_json::from_str(&far.cli(&line).stdout).expect("JSON");
    let cursor = first["cursor"].as_str().expect("there is more");
    let line = [line, vec!["--cursor", cursor]].concat();
    let next = |ended: Ended| -> Value { serde_json::from_str(&ended.stdout).expect("JSON") };
    let (here, there) = (next(setup.cli(&line)), next(far.cli(&line)));
    assert_eq!(there["jobs"], here["jobs"]);
    assert_ne!(there["jobs"], first["jobs"]);
}

#[test]
fn a_job_that_runs_is_stopped_and_waited_for() {
    let redis = Redis::shared();
    let (_setup, _runner, far) = serve(&redis, QUEUES);
    let started = || {
        let id = redis.add("work", "slow", "{\"sleep\": 60000}", "{}");
        redis.until_count("work", "active", 1);
        id
    };
    let first = started();
    let ended = far.cli(&["job", "cancel", "work", &first]);
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "cancelled 1 job\n"));
    assert_eq!(redis.until_ended("work", &first), "failed");
    let second = started();
    let ended = far.cli(&["job", "cancel", "work", "--all", "--yes"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "cancelled 1 job\n"));
    assert_eq!(redis.until_ended("work", &second), "failed");
}

#[test]
fn what_is_sensitive_is_covered_on_a_terminal_whoever_asks() {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let toml = format!(
        "[runtime]\ncontracts = {wit:?}\n[queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n"
    );
    let redis = Redis::shared();
    let setup = served(&redis, &toml);
    let runner = setup.serve();
    let far = Far::to(&redis, &runner);
    let data = json!({ "recipient": "+4930123456", "otp": "918273" });
    let id = redis.add("otp-queue", "whatsapp-otp", data.to_string(), "{}");
    // Without authentication, all of it may be seen.
    let full = runner
        .api()
        .get(&format!("/api/queues/otp-queue/jobs/{id}"));
    assert_eq!(full.body["data"]["otp"], "918273");
    for line in [
        format!("job get otp-queue {id}"),
        format!("job get otp-queue {id} --json"),
        "job list otp-queue --json".to_owned(),
        "job search otp-queue 918273".to_owned(),
    ] {
        let (here, there) = (setup.cli(&words(&line)), far.cli(&words(&line)));
        assert_eq!(said(&there), said(&here), "{line}");
        assert!(!there.stdout.contains("918273"), "{there:?}");
    }
}

#[test]
fn a_wait_goes_on_when_the_server_starts_again() {
    let redis = Redis::shared();
    let port = crate::support::redis::free_port();
    let toml = format!("[server]\nlisten = \"127.0.0.1:{port}\"\n[queues.held]\n");
    let setup = Setup::new(&redis, &toml);
    let mut runner = setup.serve();
    let far = Far::to(&redis, &runner);
    let id = redis.add("held", "a", "{}", "{}");
    let mut waiting = far.spawn(&["job", "wait", "held", &id]);
    until("the stream to be open", || {
        let clients: String = redis.run(&["CLIENT", "LIST"]);
        clients.contains("cmd=xread").then_some(())
    });
    runner.stop();
    let _again = setup.serve();
    assert_eq!(setup.cli(&["job", "cancel", "held", &id]).code, Some(0));
    assert_eq!(waiting.wait().code(), Some(1));
}
