//! What running workers make of a queue that is operated from the command line.

use serde_json::json;

use super::{document, prints};
use crate::support::{Node, Redis, Setup, guest, until};

const QUEUES: &str = "[queues.echo]\nplugin = \"echo\"\n";

#[test]
fn a_running_worker_stops_at_a_pause_and_goes_on_after_it() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUES).plugin("echo", &guest("echo"));
    let _runner = setup.serve();
    prints(
        &setup,
        "queue pause echo",
        0,
        "paused; running jobs go on to their end",
        "",
    );
    prints(&setup, "add echo n", 0, "1", "");
    prints(
        &setup,
        "job wait echo 1 --timeout 300ms",
        124,
        "",
        "error: job 1 did not end within 300ms; it keeps running",
    );
    prints(&setup, "queue resume echo", 0, "resumed", "");
    prints(&setup, "job wait echo 1", 0, "{}", "");
}

#[test]
fn raising_the_concurrency_wakes_a_worker_that_waits() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUES).plugin("echo", &guest("echo"));
    // Somebody holds the only slot there is.
    let _: u32 = redis.run(&["LPUSH", &redis.key("echo", "active"), "other"]);
    let _: String = redis.run(&["SET", &redis.key("echo", "other:lock"), "t"]);
    prints(&setup, "queue concurrency echo 1", 0, "1", "");
    let _runner = setup.serve();
    prints(&setup, "add echo n", 0, "1", "");
    prints(&setup, "queue concurrency echo 2", 0, "2", "");
    prints(&setup, "job wait echo 1", 0, "{}", "");
}

#[test]
fn a_worker_outlives_the_queue_it_works_on() {
    let redis = Redis::shared();
    let toml = "[runtime]\nlock = \"1s\"\n[queues.q]\nplugin = \"scripted\"\n";
    let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let endless = json!({"sleep": 600_000}).to_string();
    let added = setup.cli(&["add", "q", "work", &endless, "--id", "lost"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    redis.until_count("q", "active", 1);
    let force = "queue obliterate q --yes --force";
    prints(&setup, force, 0, "removed the queue and 1 job", "");
    runner.until_logged("lost");
    assert_eq!(redis.run::<u32>(&["EXISTS", &redis.key("q", "lost")]), 0);
    assert_eq!(redis.count("q", "active"), 0);
    let again = json!({"result": "again"}).to_string();
    let ended = setup.cli(&["add", "q", "work", &again, "--wait"]);
    assert_eq!(ended.stdout, "\"again\"\n", "{ended:?}");
}

#[test]
fn node_s_workers_are_counted_as_node_counts_them() {
    for version in [5, 6] {
        let redis = Redis::shared();
        let setup = Setup::new(&redis, QUEUES).plugin("echo", &guest("echo"));
        let mut node = Node::start(&redis, version);
        node.call("worker", json!({ "queue": "echo" }));
        let _runner = setup.serve();
        let theirs = until("both workers to be seen", || {
            let count = node.queue("echo", "getWorkersCount", json!([]));
            (count == 2).then_some(count)
        });
        assert_eq!(document(&setup, "queue stats echo")["workers"], theirs);
    }
}

#[test]
fn a_job_that_failed_in_a_node_worker_is_retried_in_it() {
    for version in [5, 6] {
        let redis = Redis::shared();
        let setup = Setup::new(&redis, "");
        let mut node = Node::start(&redis, version);
        node.call("worker", json!({ "queue": "q" }));
        let data = json!({ "retry": "not yet", "attempts": 1, "result": "done" });
        let id = node.add("q", "work", data, json!({}));
        redis.until_count("q", "failed", 1);
        prints(&setup, &format!("job retry q {id}"), 0, "retried 1 job", "");
        prints(&setup, &format!("job wait q {id}"), 0, "\"done\"", "");
        // Paused and resumed under a Node worker that waits for work.
        prints(
            &setup,
            "queue pause q",
            0,
            "paused; running jobs go on to their end",
            "",
        );
        let id = node.add("q", "work", json!({ "result": "later" }), json!({}));
        let refused = format!("error: job {id} did not end within 200ms; it keeps running");
        prints(
            &setup,
            &format!("job wait q {id} --timeout 200ms"),
            124,
            "",
            &refused,
        );
        prints(&setup, "queue resume q", 0, "resumed", "");
        prints(&setup, &format!("job wait q {id}"), 0, "\"later\"", "");
    }
}
