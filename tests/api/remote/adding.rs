//! `runner add --server`: jobs are added, refused and followed as over Redis.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::{Far, words};
use crate::api::served;
use crate::support::{Ended, Redis, Runner, Setup, guest};

const QUEUES: &str = "[queues.work]\nplugin = \"scripted\"\n[queues.held]\n";

/// Two systems, one asked over Redis and one through its server.
struct Twins {
    redis: [Redis; 2],
    here: Setup,
    far: Far,
    _runners: [Runner; 2],
}

fn twins() -> Twins {
    let redis = [Redis::shared(), Redis::shared()];
    let setups = redis
        .each_ref()
        .map(|redis| served(redis, QUEUES).plugin("scripted", &guest("scripted")));
    let runners = setups.each_ref().map(Setup::serve);
    let far = Far::to(&redis[1], &runners[1]);
    let [here, _] = setups;
    Twins {
        redis,
        here,
        far,
        _runners: runners,
    }
}

impl Twins {
    #[track_caller]
    fn agree(&self, line: &[&str]) -> Ended {
        let (here, there) = (self.here.cli(line), self.far.cli(line));
        let said = |ended: &Ended| (ended.code, ended.stdout.clone(), untimed(&ended.stderr));
        assert_eq!(said(&there), said(&here), "{line:?}");
        there
    }

    /// A file that both have.
    fn write(&self, name: &str, text: &str) {
        for setup in [&self.here, &self.far.setup] {
            std::fs::write(setup.path(name), text).expect("a writable directory");
        }
    }

    /// What is stored of a job, but for its time.
    #[track_caller]
    fn store_the_same(&self, queue: &str, id: &str) {
        let stored = self.redis.each_ref().map(|redis| {
            ["name", "data", "opts", "delay", "priority", "atm"]
                .map(|field| redis.field(queue, id, field))
        });
        assert_eq!(stored[0], stored[1], "{queue} {id}");
        assert!(stored[0][0].is_some(), "{queue} {id}");
    }
}

/// Log lines without their time, in any order: progress and logs come on two ways.
fn untimed(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| match line.split_once("Z ") {
        Some((_, text)) => text,
        None => line,
    });
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn a_job_is_added_with_its_options_or_refused_as_over_redis() {
    let twins = twins();
    let lines = [
        "add held a",
        "add held a [1,2] --json",
        "add held a {} --id x",
        "add held a {} --id x",
        "add held a {} --id x --json",
        "add held a {} --delay 90m --id late",
        "add held a {} --priority 3 --lifo --attempts 4 --backoff exponential:2h --size-limit 1000 --id all",
        "add held a {} --dedup-id d --dedup-ttl 1h --dedup-extend --id first",
        "add held a {} --dedup-id d --dedup-ttl 1h",
        "add held a {} --dedup-id e --delay 1h --dedup-replace --id replaced",
        "add held a {} --dedup-id e --delay 2h --dedup-replace --dedup-reschedule --id replacing",
        "add held a {} --dedup-id f --dedup-keep-last --json --id kept",
        "add held a {} --size-limit 1",
        "add held a {} --id 42",
        "add held a {} --id a:b",
        "add held a {",
        "add held a @absent.json",
        "add helt a",
        "add zzz a",
        "add held a {} --id x --wait --timeout 50ms",
        "add held b {} --wait --timeout 50ms --id waited",
    ];
    for line in lines {
        twins.agree(&words(line));
    }
    for id in [
        "1",
        "x",
        "late",
        "all",
        "first",
        "replacing",
        "kept",
        "waited",
    ] {
        twins.store_the_same("held", id);
    }
}

#[test]
fn a_job_is_followed_to_its_end_as_over_redis() {
    let twins = twins();
    let script = json!({ "log": ["one", "two"], "progress": [50], "result": { "a": 1.10 } });
    let ended = twins.agree(&["add", "work", "x", &script.to_string(), "--wait"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "{\"a\":1.1}\n"));
    assert_eq!(untimed(&ended.stderr).lines().count(), 3, "{ended:?}");
    let ended = twins.agree(&["add", "work", "x", "{\"reject\":\"no\"}", "--wait"]);
    assert_eq!(
        (ended.code, &*ended.stderr),
        (Some(1), "error: job 2 failed: no\n")
    );
    twins.agree(&["add", "work", "x", "{\"result\":7}", "--wait", "--id", "x"]);
    let again = ["add", "work", "x", "{\"result\":8}", "--wait", "--id", "x"];
    assert_eq!(twins.agree(&again).code, Some(1));
}

#[test]
fn a_result_is_heard_of_a_job_that_goes_with_its_end() {
    let redis = Redis::shared();
    let toml = format!("{QUEUES}[queues.work.defaults]\nremove_on_complete = true\n");
    let setup = served(&redis, &toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let far = Far::to(&redis, &runner);
    for n in 0..20 {
        let script = format!("{{\"result\":{n}}}");
        let ended = far.cli(&["add", "work", "x", &script, "--wait"]);
        assert_eq!((ended.code, ended.stdout), (Some(0), format!("{n}\n")));
    }
    assert_eq!(redis.count("work", "completed"), 0);
}

// Long because it is one table of files.
#[test]
fn the_jobs_of_a_file_have_their_verdicts_as_over_redis() {
    let twins = twins();
    let files = [
        "{\"data\":{\"to\":\"ada\"}}\n{\"name\":\"other\",\"data\":1,\"opts\":{\"jobId\":\"a\"}}\n\n\
         {\"data\":1,\"opts\":{\"jobId\":\"a\"}}\n{\"data\":\n{\"data\":1,\"opts\":{\"delai\":1}}\n",
        "[\n  {\"data\": {\n    \"to\": \"ada\"\n  }},\n  {\"data\": 2}\n]\n",
        "[{\"data\":1},{\"data\":2}",
        "[{\"data\":1}] {}",
        "",
        "\n \n",
        "{\"data\":1}",
    ];
    for text in files {
        twins.write("jobs.ndjson", text);
        for line in [
            "add held x --from jobs.ndjson",
            "add held --from jobs.ndjson",
            "add held x --from jobs.ndjson --json",
        ] {
            twins.agree(&words(line));
        }
    }
    for line in [
        "add helt x --from jobs.ndjson",
        "add zzz --from jobs.ndjson",
        "add held --from absent.ndjson",
    ] {
        twins.agree(&words(line));
    }
    let many: String = (1..=4200).map(|n| format!("{{\"data\":{n}}}\n")).collect();
    twins.write("jobs.ndjson", &format!("{many}{{\"data\"\n"));
    let ended = twins.agree(&words("add held many --from jobs.ndjson"));
    assert_eq!(ended.stdout.lines().count(), 4200);
    let end = "line 4201: the job is not JSON: EOF while parsing an object at line 1 column 7\n\
               error: 4200 added, 0 not new, 1 refused\n";
    assert_eq!(ended.stderr, end);
}

#[test]
fn jobs_are_added_while_more_may_come() {
    let redis = Redis::shared();
    let setup = served(&redis, QUEUES).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let far = Far::to(&redis, &runner);
    let mut child = far
        .setup
        .command()
        .args(["--server", &far.url, "add", "held", "x", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"{\"data\":1}\n").expect("it reads");
    redis.until_count("held", "wait", 1);
    input.write_all(b"{\"data\":2}\n").expect("it reads");
    redis.until_count("held", "wait", 2);
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n");
}
