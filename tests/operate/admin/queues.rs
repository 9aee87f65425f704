//! `runner queue`: the text and JSON of each command, what each refuses, and that
//! a large queue is worked on in many small calls.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::{bare, document, fill, left, prints};
use crate::support::{Node, Redis, Setup, guest, until};

const QUEUES: &str = "[queues.orders]\n[queues.echo]\nplugin = \"echo\"\n";

#[test]
fn list_shows_declared_queues_and_those_in_redis_with_their_workers() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUES).plugin("echo", &guest("echo"));
    let mut node = Node::start(&redis, 6);
    node.add("others", "sent", json!({}), json!({}));
    node.add("others", "sent", json!({}), json!({"delay": 60_000}));
    node.queue("others", "pause", json!([]));
    let _runner = setup.serve();
    let listed = until("the worker to be seen", || {
        let listed = document(&setup, "queue list");
        (listed[0]["workers"] == 1).then_some(listed)
    });
    let none = json!({
        "active": 0, "waiting": 0, "prioritized": 0, "delayed": 0,
        "waiting-children": 0, "failed": 0, "completed": 0,
    });
    let mut some = none.clone();
    some["waiting"] = 1.into();
    some["delayed"] = 1.into();
    assert_eq!(
        listed,
        json!([
            {"queue": "echo", "declared": true, "paused": false, "workers": 1, "counts": none},
            {"queue": "orders", "declared": true, "paused": false, "workers": 0, "counts": none},
            {"queue": "others", "declared": false, "paused": true, "workers": 0, "counts": some},
        ])
    );
    prints(
        &setup,
        "queue list",
        0,
        "queue\tactive\twaiting\tprioritized\tdelayed\twaiting-children\tfailed\tcompleted\tworkers\t\n\
         echo\t0\t0\t0\t0\t0\t0\t0\t1\t\n\
         orders\t0\t0\t0\t0\t0\t0\t0\t0\t\n\
         others\t0\t1\t0\t1\t0\t0\t0\t0\tpaused, not declared",
        "",
    );
}

#[test]
fn no_queue_is_an_empty_list() {
    let (_redis, setup) = bare();
    prints(&setup, "queue list --json", 0, "[]", "");
}

#[test]
fn commands_need_no_configuration_but_an_address() {
    let redis = Redis::shared();
    redis.add("found", "n", "{}", "{}");
    let _: u32 = redis.run(&[
        "HSET",
        &redis.key("found", "meta"),
        "version",
        "bullmq:6.0.0",
    ]);
    let setup = Setup::new(&redis, "");
    std::fs::remove_file(setup.path("queues.toml")).unwrap();
    let setup = setup
        .env("REDIS_URL", &redis.url())
        .env("REDIS_PREFIX", redis.prefix());
    assert_eq!(document(&setup, "queue list")[0]["queue"], "found");
    prints(&setup, "job rm found 1", 0, "removed 1 job", "");
}

#[test]
fn an_unknown_queue_is_not_found_and_a_near_one_is_named() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUES);
    fill(&redis, "receipts", "wait", 1);
    let prefix = redis.prefix();
    for command in [
        "queue stats",
        "queue pause",
        "job list",
        "queue drain --yes",
    ] {
        prints(
            &setup,
            &format!("{command} recepts"),
            3,
            "",
            &format!(
                "error: queue \"recepts\" is neither declared in queues.toml nor in Redis \
                 under the prefix {prefix:?}; did you mean \"receipts\"?"
            ),
        );
    }
    prints(
        &setup,
        "job get zzz 1",
        3,
        "",
        &format!(
            "error: queue \"zzz\" is neither declared in queues.toml nor in Redis \
             under the prefix {prefix:?}; known queues are echo, orders, receipts"
        ),
    );
}

#[test]
fn pause_and_resume_say_what_they_found() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 1);
    prints(
        &setup,
        "queue pause q",
        0,
        "paused; running jobs go on to their end",
        "",
    );
    prints(&setup, "queue pause q", 0, "was already paused", "");
    assert_eq!(
        document(&setup, "queue resume q"),
        json!({"queue": "q", "paused": false, "wasPaused": true})
    );
    prints(&setup, "queue resume q", 0, "was not paused", "");
    prints(
        &setup,
        "queue pause q",
        0,
        "paused; running jobs go on to their end",
        "",
    );
    prints(&setup, "queue resume q", 0, "resumed", "");
}

#[test]
fn bounds_are_shown_set_and_lifted() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 1);
    prints(&setup, "queue concurrency q", 0, "none", "");
    prints(&setup, "queue concurrency q 5", 0, "5", "");
    assert_eq!(
        document(&setup, "queue concurrency q"),
        json!({"queue": "q", "concurrency": 5})
    );
    prints(&setup, "queue concurrency q none", 0, "none", "");
    prints(&setup, "queue limit q", 0, "none", "");
    prints(&setup, "queue limit q 90/1m30s", 0, "90/1m30s", "");
    assert_eq!(
        document(&setup, "queue limit q"),
        json!({"queue": "q", "limit": {"max": 90, "duration": 90_000}})
    );
    prints(&setup, "queue limit q none", 0, "none", "");
    prints(
        &setup,
        "queue concurrency q 0",
        2,
        "",
        "error: invalid value '0' for '[N|none]': write a number, at least 1, or none; \
         to stop a queue, use runner queue pause\n\nFor more information, try '--help'.",
    );
    prints(
        &setup,
        "queue limit q 100",
        2,
        "",
        "error: invalid value '100' for '[MAX/DURATION|none]': write a number of jobs and a time, \
         like 100/10s, or none\n\nFor more information, try '--help'.",
    );
}

#[test]
fn what_cannot_be_undone_is_counted_and_refused_without_yes() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 3);
    fill(&redis, "q", "delayed", 2);
    fill(&redis, "q", "failed", 1);
    let before = left(&redis, "q");
    for (command, what) in [
        ("queue drain q", "removes 3 waiting jobs of queue \"q\""),
        (
            "queue drain q --delayed",
            "removes 2 delayed and 3 waiting jobs of queue \"q\"",
        ),
        (
            "queue clean q --state failed --older-than 1h",
            "removes 1 failed job of queue \"q\"",
        ),
        (
            "queue clean q --state delayed --limit 1",
            "removes at most 1 delayed job of queue \"q\"",
        ),
        (
            "queue obliterate q",
            "removes queue \"q\" with 6 jobs, its schedulers, its settings and what plugins keep in it",
        ),
    ] {
        let refusal = format!("error: this {what}; add --yes to confirm");
        prints(&setup, command, 2, "", &refusal);
    }
    assert_eq!(left(&redis, "q"), before);
}

#[test]
fn on_a_terminal_the_queue_s_name_is_asked_for() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 3);
    let answer = |typed: &str| {
        let command = format!("{} queue drain q", env!("CARGO_BIN_EXE_runner"));
        let mut child = std::process::Command::new("script")
            .current_dir(setup.path("."))
            .args(["-qec", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{typed}").unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let refused = answer("yes");
    assert!(
        refused.contains("this removes 3 waiting jobs of queue \"q\""),
        "{refused}"
    );
    assert!(
        refused.contains("type the queue's name to continue: "),
        "{refused}"
    );
    assert!(
        refused.contains("that is not the name: nothing was changed"),
        "{refused}"
    );
    assert_eq!(redis.count("q", "wait"), 3);
    let done = answer("q");
    assert!(done.contains("removed 3 jobs"), "{done}");
    assert_eq!(redis.count("q", "wait"), 0);
}

#[test]
fn removing_says_how_many_were_removed() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 3);
    fill(&redis, "q", "failed", 2);
    prints(&setup, "queue drain q --yes", 0, "removed 3 jobs", "");
    assert_eq!(
        document(&setup, "queue clean q --state failed --limit 1 --yes"),
        json!({"queue": "q", "state": "failed", "removed": 1})
    );
    prints(
        &setup,
        "queue clean q --state failed --yes",
        0,
        "removed 1 failed job",
        "",
    );
    fill(&redis, "q", "completed", 1);
    prints(
        &setup,
        "queue obliterate q --yes",
        0,
        "removed the queue and 1 job",
        "",
    );
    assert_eq!(left(&redis, "q"), Vec::<String>::new());
    prints(
        &setup,
        "queue clean q --state waiting-children --yes",
        2,
        "",
        "error: invalid value 'waiting-children' for '--state <STATE>'\n  \
         [possible values: active, waiting, prioritized, delayed, failed, completed]\n\n  \
         tip: a similar value exists: 'waiting'\n\nFor more information, try '--help'.",
    );
}

#[test]
fn obliterate_refuses_a_queue_with_active_jobs_and_takes_all_with_force() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 2);
    fill(&redis, "q", "waiting-children", 1);
    let _: u32 = redis.run(&["LPUSH", &redis.key("q", "active"), "wait2"]);
    let _: u32 = redis.run(&["SADD", &redis.key("q", "runner:own"), "1"]);
    prints(
        &setup,
        "queue obliterate q --yes",
        1,
        "",
        "error: queue \"q\" has active jobs: it was paused, and nothing was removed; \
         wait for them, or force it",
    );
    assert_eq!(redis.count("q", "wait"), 2);
    let ended = setup.cli(&["queue", "obliterate", "q", "--yes", "--force"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Runner's own keys go too; BullMQ would leave the parent whose children are elsewhere.
    assert_eq!(left(&redis, "q"), Vec::<String>::new());
}

#[test]
fn a_parent_elsewhere_goes_on_when_its_last_child_is_drained() {
    let (redis, setup) = bare();
    fill(&redis, "q", "wait", 1);
    fill(&redis, "up", "waiting-children", 1);
    let (child, parent) = (
        redis.key("q", "wait1"),
        redis.key("up", "waiting-children1"),
    );
    let _: u32 = redis.run(&["HSET", &child, "parentKey", &parent]);
    let _: u32 = redis.run(&["SADD", &format!("{parent}:dependencies"), &child]);
    prints(&setup, "queue drain q --yes", 0, "removed 1 job", "");
    assert_eq!(redis.count("up", "wait"), 1);
    assert_eq!(redis.count("up", "waiting-children"), 0);
    // BullMQ moves it without a word.
    let events: Vec<(String, Vec<String>)> =
        redis.run(&["XRANGE", &redis.key("up", "events"), "-", "+"]);
    let words = [
        "event",
        "waiting",
        "jobId",
        "waiting-children1",
        "prev",
        "waiting-children",
    ];
    assert_eq!(events[0].1, words);
}

/// 2 500 jobs are three calls of a thousand.
#[test]
fn a_parent_that_goes_with_its_last_child_leaves_no_deduplication() {
    let (redis, setup) = bare();
    let key = |suffix: &str| redis.key("q", suffix);
    for (id, more) in [("p", ["deid", "once"]), ("c", ["parentKey", &key("p")])] {
        let hash = ["name", "n", "data", "{}", "opts", "{}", "timestamp", "1"];
        redis.run::<()>(&[&["HSET", &key(id)], &hash[..], &more].concat());
    }
    redis.run::<()>(&["ZADD", &key("waiting-children"), "1", "p"]);
    redis.run::<()>(&["SADD", &key("p:dependencies"), &key("c")]);
    redis.run::<()>(&["SET", &key("de:once"), "p"]);
    redis.run::<()>(&["LPUSH", &key("wait"), "c"]);
    let drained = setup.cli(&["queue", "drain", "q", "--yes"]);
    assert_eq!(drained.code, Some(0), "{drained:?}");
    let left: u32 = redis.run(&["EXISTS", &key("p"), &key("c"), &key("de:once")]);
    assert_eq!(left, 0);
}

// Long because it is one table of commands on one large queue.
#[test]
fn large_queues_are_worked_on_in_small_calls() {
    let redis = Redis::own();
    let setup = Setup::new(&redis, "");
    fill(&redis, "q", "failed", 2500);
    prints(
        &setup,
        "job retry q --all --name odd",
        0,
        "retried 1250 jobs",
        "",
    );
    assert_eq!(
        (redis.count("q", "wait"), redis.count("q", "failed")),
        (1250, 1250)
    );
    let order: Vec<String> = redis.run(&["LRANGE", &redis.key("q", "wait"), "-2", "-1"]);
    assert_eq!(order, ["failed3", "failed1"], "the oldest runs first");
    prints(&setup, "job retry q --all", 0, "retried 1250 jobs", "");
    let _: String = redis.run(&["CONFIG", "RESETSTAT"]);
    prints(&setup, "queue drain q --yes", 0, "removed 2500 jobs", "");
    let stats: String = redis.run(&["INFO", "commandstats"]);
    // Three for `wait`, one each to see that nothing else waits.
    assert!(stats.contains("cmdstat_evalsha:calls=5,"), "{stats}");

    fill(&redis, "q", "delayed", 2500);
    prints(&setup, "job promote q --all", 0, "promoted 2500 jobs", "");
    let order: Vec<String> = redis.run(&["LRANGE", &redis.key("q", "wait"), "-2", "-1"]);
    assert_eq!(order, ["delayed2", "delayed1"]);

    // Every third is too new.
    let renew = "for i = 3, 2500, 3 do
        redis.call('HSET', KEYS[1] .. 'delayed' .. i, 'timestamp', 4000000000000) end return 1";
    let _: u32 = redis.run(&["EVAL", renew, "1", &redis.key("q", "")]);
    prints(
        &setup,
        "queue clean q --state waiting --older-than 1h --limit 1500 --yes",
        0,
        "removed 1500 waiting jobs",
        "",
    );
    prints(
        &setup,
        "queue clean q --state waiting --older-than 1h --yes",
        0,
        "removed 167 waiting jobs",
        "",
    );
    let order: Vec<String> = redis.run(&["LRANGE", &redis.key("q", "wait"), "-2", "-1"]);
    assert_eq!(order, ["delayed6", "delayed3"]);
    assert_eq!(redis.count("q", "wait"), 833);

    fill(&redis, "q", "completed", 2500);
    prints(
        &setup,
        "queue obliterate q --yes",
        0,
        "removed the queue and 3333 jobs",
        "",
    );
    assert_eq!(left(&redis, "q"), Vec::<String>::new());
}

#[test]
fn resuming_keeps_the_order_of_thousands_of_jobs_of_both_layouts() {
    let (redis, setup) = bare();
    fill(&redis, "q", "paused", 2500);
    fill(&redis, "q", "wait", 2);
    let meta = redis.key("q", "meta");
    let _: u32 = redis.run(&["HSET", &meta, "paused", "1", "version", "bullmq:5.81.0"]);
    // What came to `wait` meanwhile goes behind the others.
    prints(&setup, "queue pause q", 0, "was already paused", "");
    assert_eq!(
        (redis.count("q", "paused"), redis.count("q", "wait")),
        (2502, 0)
    );
    fill(&redis, "q", "wait", 2);
    prints(&setup, "queue resume q", 0, "resumed", "");
    let all: Vec<String> = redis.run(&["LRANGE", &redis.key("q", "wait"), "0", "-1"]);
    assert_eq!(all.len(), 2504);
    assert_eq!(all[..5], ["wait2", "wait1", "wait2", "wait1", "paused2500"]);
    assert_eq!(all[2503], "paused1");
}

#[test]
fn a_unix_socket_is_as_good_an_address() {
    let redis = Redis::own();
    let setup = Setup::new(&redis, "");
    fill(&redis, "q", "wait", 3);
    let drain = format!("queue drain q --yes --redis {}", redis.socket_url());
    prints(&setup, &drain, 0, "removed 3 jobs", "");
    assert_eq!(redis.count("q", "wait"), 0);
}
