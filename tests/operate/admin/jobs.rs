//! `runner job`: the text and JSON of each command, and what each refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{bare, document, fill, prints};
use crate::support::{Redis, Setup, guest, until};

#[test]
fn list_shows_what_runs_next_first_and_bounds_what_it_looks_at() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 30);
    fill(&redis, "q", "failed", 3);
    let key = redis.key("q", "failed3");
    let _: u32 = redis.run(&["HSET", &key, "failedReason", "no\tsuch\nuser", "atm", "1"]);
    prints(
        &setup,
        "job list q --state failed --state waiting --limit 4",
        0,
        "id\tname\tstate\tattempts\tadded\tdata or reason\n\
         failed3\todd\tfailed\t1/1\t2020-09-13T12:26:40.003Z\tno such user\n\
         failed2\teven\tfailed\t0/1\t2020-09-13T12:26:40.002Z\t\n\
         failed1\todd\tfailed\t0/1\t2020-09-13T12:26:40.001Z\t\n\
         wait1\todd\twaiting\t0/1\t2020-09-13T12:26:40.001Z\t{}",
        "",
    );
    prints(
        &setup,
        "job list q --name ev* --limit 1 --scan 10",
        0,
        "id\tname\tstate\tattempts\tadded\tdata or reason\n\
         wait2\teven\twaiting\t0/1\t2020-09-13T12:26:40.002Z\t{}",
        "looked at 2 of 33 jobs",
    );
    let jobs = document(&setup, "job list q --limit 21");
    let ids: Vec<&str> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap())
        .collect();
    assert_eq!((ids[0], ids[20], ids.len()), ("wait1", "wait21", 21));
    assert_eq!(jobs[0]["data"], json!({}));
    assert_eq!(document(&setup, "job list q --state active"), json!([]));
}

#[test]
fn search_looks_into_data_name_and_reason_and_says_how_far() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 250);
    let set = |id: &str, field: &str, value: &str| {
        let _: u32 = redis.run(&["HSET", &redis.key("q", id), field, value]);
    };
    set("wait10", "data", "{\"to\":\"Ada@example.com\"}");
    set("wait120", "name", "ada");
    fill(&redis, "q", "failed", 1);
    set("failed1", "failedReason", "ADA is unknown");
    let found = document(&setup, "job search q ada");
    // All states are walked at once: which comes first is not said.
    let jobs = found["jobs"].as_array().unwrap().iter();
    let ids: BTreeSet<&str> = jobs.map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["failed1", "wait10", "wait120"].into());
    assert_eq!(
        (&found["lookedAt"], &found["total"]),
        (&json!(251), &json!(251))
    );
    let ended = setup.cli(&["job", "search", "q", "ada", "--scan", "100"]);
    assert_eq!(ended.stdout.lines().count(), 3, "{ended:?}");
    assert_eq!(ended.stderr.trim_end(), "looked at 100 of 251 jobs");
    prints(
        &setup,
        "job search q nobody --state failed",
        0,
        "id\tname\tstate\tattempts\tadded\tdata or reason",
        "looked at all 1 jobs",
    );
}

#[test]
fn retry_promote_and_rm_do_what_they_can_and_name_the_rest() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 1);
    fill(&redis, "q", "failed", 2);
    fill(&redis, "q", "delayed", 2);
    prints(
        &setup,
        "job retry q failed1 wait1 nine",
        1,
        "retried 1 job",
        "error: job \"wait1\" is waiting; only completed and failed jobs can be retried\n\
         queue \"q\" has no job \"nine\"; it may have been removed when it ended (removeOnComplete)",
    );
    prints(
        &setup,
        "job promote q delayed1 failed2",
        1,
        "promoted 1 job",
        "error: job \"failed2\" is failed; only delayed jobs can be promoted",
    );
    let _: String = redis.run(&["SET", &redis.key("q", "wait1:lock"), "t"]);
    prints(
        &setup,
        "job rm q wait1 failed2",
        1,
        "removed 1 job",
        "error: a worker is running job \"wait1\" or one of its children; remove it when it has ended",
    );
    let _: u32 = redis.run(&["HSET", &redis.key("q", "repeat:s:5"), "rjk", "s"]);
    let _: u32 = redis.run(&["ZADD", &redis.key("q", "repeat"), "5", "s"]);
    prints(
        &setup,
        "job rm q repeat:s:5",
        1,
        "removed 0 jobs",
        "error: job \"repeat:s:5\" is the next run of a scheduler, which is removed with: \
         runner schedule rm s --queue q",
    );
    prints(
        &setup,
        "job rm q nine",
        3,
        "removed 0 jobs",
        "error: queue \"q\" has no job \"nine\"; it may have been removed when it ended (removeOnComplete)",
    );
    assert_eq!(
        document(&setup, "job promote q delayed2"),
        json!({"queue": "q", "promoted": 1})
    );
    assert_eq!(
        document(&setup, "job rm q delayed2"),
        json!({"queue": "q", "removed": 1})
    );
    assert_eq!(
        document(&setup, "job retry q --all"),
        json!({"queue": "q", "retried": 0})
    );
}

#[test]
fn retry_needs_ids_or_all() {
    let (redis, setup) = bare();
    fill(&redis, "q", "failed", 1);
    let ended = setup.cli(&["job", "retry", "q"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.stderr,
        "error: the following required arguments were not provided:\n  <IDS|--all|--filter <QUERY>>\n\n\
         Usage: runner job retry [OPTIONS] <QUEUE> <ID>...\n       \
         runner job retry [OPTIONS] <QUEUE> --all\n       \
         runner job retry [OPTIONS] <QUEUE> --filter <QUERY>\n\nFor more information, try '--help'.\n"
    );
    let ended = setup.cli(&["job", "retry", "q", "failed1", "--all"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(redis.count("q", "failed"), 1);
}

#[test]
fn wait_follows_a_job_that_is_there_and_tells_how_it_ended() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.q]\nplugin = \"scripted\"\n")
        .plugin("scripted", &guest("scripted"));
    let script = |value: Value| value.to_string();
    let add = |data: String| {
        setup
            .cli(&["add", "q", "work", &data])
            .stdout
            .trim_end()
            .to_owned()
    };
    let good = add(script(json!({"log": ["one"], "result": {"a": 1}})));
    let bad = add(script(json!({"reject": "no such user"})));
    let _runner = setup.serve();
    let ended = setup.cli(&["job", "wait", "q", &good]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "{\"a\":1}\n")
    );
    assert!(
        ended.stderr.trim_end().ends_with("INFO one"),
        "{}",
        ended.stderr
    );
    prints(
        &setup,
        &format!("job wait q {bad}"),
        1,
        "",
        &format!("error: job {bad} failed: no such user"),
    );
    prints(
        &setup,
        "job wait q 99",
        3,
        "",
        "error: queue \"q\" has no job \"99\"; it may have been removed when it ended (removeOnComplete)",
    );
}

#[test]
fn wait_ends_when_the_job_is_gone_however_it_went() {
    let commands = [
        "job rm q own",
        "queue drain q --delayed --yes",
        "queue clean q --state delayed --yes",
        "queue obliterate q --yes",
        "add q n --dedup-id once --dedup-replace --delay 1h",
    ];
    for command in commands {
        let redis = Redis::shared();
        let setup = Setup::new(&redis, "[queues.q]\n");
        let add = "add q n --id own --dedup-id once --delay 1h";
        prints(&setup, add, 0, "own", "");
        let mut wait = setup.spawn(&["job", "wait", "q", "own"]);
        let events = redis.key("q", "events");
        let progress = ["XADD", &events, "*", "event", "progress", "jobId", "own"];
        let progress = [&progress[..], &["data", "1"]].concat();
        until("the job to be followed", || {
            let _: String = redis.run(&progress);
            wait.log()
                .iter()
                .any(|line| line == "progress 1")
                .then_some(())
        });
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(setup.cli(&words).code, Some(0), "{command}");
        let status = until("the command to end", || wait.ended());
        assert_eq!(status.code(), Some(1), "{command}");
        wait.until_logged("error: job own was removed or moved to another queue before it ended");
    }
}

#[test]
fn what_is_no_job_stops_no_command() {
    let (redis, setup) = bare();
    fill(&redis, "q", "failed", 3);
    fill(&redis, "q", "wait", 2);
    // An id without a job, and a key that is not a hash.
    let _: u32 = redis.run(&["DEL", &redis.key("q", "failed1"), &redis.key("q", "wait1")]);
    for id in ["failed2", "wait2"] {
        let _: u32 = redis.run(&["DEL", &redis.key("q", id)]);
        let _: String = redis.run(&["SET", &redis.key("q", id), "broken"]);
    }
    let listed = document(&setup, "job list q");
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let missing = |id: &str| {
        format!(
            "error: queue \"q\" has no job \"{id}\"; \
             it may have been removed when it ended (removeOnComplete)"
        )
    };
    prints(
        &setup,
        "job retry q failed2",
        3,
        "retried 0 jobs",
        &missing("failed2"),
    );
    prints(&setup, "job retry q --all", 0, "retried 1 job", "");
    prints(&setup, "job rm q failed2", 0, "removed 1 job", "");
    prints(&setup, "queue drain q --yes", 0, "removed 3 jobs", "");
    prints(
        &setup,
        "queue clean q --state failed --yes",
        0,
        "removed 1 failed job",
        "",
    );
    assert_eq!(
        (redis.count("q", "wait"), redis.count("q", "failed")),
        (0, 0)
    );
    prints(&setup, "job get q failed1", 3, "", &missing("failed1"));
}

#[test]
fn list_goes_through_both_lists_of_a_paused_queue() {
    let (redis, setup) = bare();
    fill(&redis, "q", "paused", 130);
    fill(&redis, "q", "wait", 30);
    let jobs = document(&setup, "job list q --state waiting --limit 200");
    let ids = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    let paused = (1..=130).map(|n| format!("paused{n}"));
    let waiting = (1..=30).map(|n| format!("wait{n}"));
    assert_eq!(ids, paused.chain(waiting).collect::<Vec<_>>());
}

#[test]
fn on_a_terminal_rows_are_aligned_and_times_are_relative() {
    let (redis, setup) = bare();
    let id = redis.add("q", "a-long-name", "{}", "{}");
    redis.add("q", "n", "{}", "{}");
    let key = redis.key("q", &id);
    let now = redis.run::<Vec<u64>>(&["TIME"])[0] * 1000;
    let day = (now - 86_400_000).to_string();
    let _: u32 = redis.run(&["HSET", &key, "timestamp", &day]);
    let command = format!("{} --color never job list q", env!("CARGO_BIN_EXE_runner"));
    let output = std::process::Command::new("script")
        .current_dir(setup.path("."))
        .args(["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    assert!(
        lines[1].starts_with("1   a-long-name  waiting  0/1       1d ago"),
        "{printed}"
    );
    assert!(lines[1].ends_with(" ago  {}"), "{printed}");
    assert!(
        lines[2].starts_with("2   n            waiting  0/1       "),
        "{printed}"
    );
}
