//! `runner schedule`.

use serde_json::json;

use super::{DAILY, list, run_of, setup};
use crate::support::{Node, Redis, until};

#[test]
fn an_id_that_two_queues_have_needs_the_queue() {
    let redis = Redis::shared();
    let daily = "id = \"s\"\nname = \"n\"\ncron = \"@daily\"\n";
    let schedules = format!(
        "[queues.r]\n[[schedules]]\nqueue = \"q\"\n{daily}[[schedules]]\nqueue = \"r\"\n{daily}"
    );
    let setup = setup(&redis, &schedules);
    let _runner = setup.serve();
    until("both", || (list(&setup).len() == 2).then_some(()));
    let refused = setup.cli(&["schedule", "run", "s"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: the queues q, r each have a scheduler \"s\"; pick one with --queue\n"
    );
    let added = setup.cli(&["schedule", "run", "s", "--queue", "r"]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert_eq!(redis.count("r", "wait"), 1);
    let unknown = setup.cli(&["schedule", "run", "t", "--queue", "r"]);
    assert_eq!(unknown.code, Some(3));
    assert_eq!(
        unknown.stderr,
        "error: queue \"r\" has no scheduler \"t\"; see runner schedule list\n"
    );
}

#[test]
fn a_scheduler_is_run_by_hand_and_removed() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let theirs =
        json!(["theirs", { "pattern": "0 3 * * *" }, { "name": "t", "data": { "result": 7 } }]);
    node.queue("q", "upsertJobScheduler", theirs);
    let setup = setup(&redis, DAILY);
    let _runner = setup.serve();
    let run = run_of(&redis, "q/cleanup");
    let ended = setup.cli(&["schedule", "run", "q/cleanup"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let id = ended.stdout.trim();
    assert_eq!(redis.until_ended("q", id), "completed");
    let job = node.job("q", id);
    assert_eq!(
        (&job["name"], &job["data"]),
        (&json!("cleanup"), &json!({ "days": 30 }))
    );
    assert_eq!(job["opts"]["attempts"], 4);
    assert_eq!(run_of(&redis, "q/cleanup"), run);

    let refused = setup.cli(&["schedule", "rm", "q/cleanup", "--yes"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: schedule \"q/cleanup\" is declared in queues.toml; remove it there\n"
    );
    let refused = setup.cli(&["schedule", "rm", "theirs"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: this removes the scheduler \"theirs\" and its next job; add --yes to confirm\n"
    );
    let removed = setup.cli(&["schedule", "rm", "theirs", "--yes"]);
    assert_eq!(
        (removed.code, removed.stdout.as_str()),
        (Some(0), "theirs of queue q was removed\n")
    );
    assert_eq!(node.queue("q", "getJobSchedulersCount", json!([])), 1);
    assert_eq!(redis.count("q", "delayed"), 1);
    let unknown = setup.cli(&["schedule", "run", "theirs"]);
    assert_eq!(unknown.code, Some(3));
    assert_eq!(
        unknown.stderr,
        "error: no queue has a scheduler \"theirs\"; see runner schedule list\n"
    );
    let table = setup.cli(&["schedule", "list", "q"]).stdout;
    let row: Vec<&str> = table.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!(
        row[..4],
        ["q/cleanup", "q", "cleanup", "0 3 * * * Europe/Berlin"]
    );
    assert_eq!((row[4], row[6], row[7]), ("", "0", "queues.toml"));
}
