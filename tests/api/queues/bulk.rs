//! What is done to the jobs of some ids, or to all that a filter matches, over HTTP and
//! from the command line.

use serde_json::json;

use super::{refuses, serve};
use crate::operate::admin::fill;

#[test]
fn all_that_match_are_retried_in_bounded_parts_the_oldest_first() {
    let server = serve();
    fill(&server.redis, "q", "failed", 2500);
    let path = "/api/queues/q/jobs";
    let dry = json!({"action": "retry", "filter": "name:odd", "dryRun": true, "limit": 10_000});
    let counted = server.send("POST", path, &dry).body;
    assert_eq!(
        (&counted["matched"], &counted["retried"]),
        (&json!(1250), &json!(0))
    );
    assert_eq!(server.redis.count("q", "failed"), 2500);
    let mut retry = json!({"action": "retry", "filter": "name:odd", "limit": 500});
    let mut parts = Vec::new();
    loop {
        let part = server.send("POST", path, &retry).body;
        parts.push(part["retried"].as_u64().expect("a count"));
        match part["cursor"].as_str() {
            Some(cursor) => retry["cursor"] = json!(cursor),
            None => break,
        }
    }
    assert_eq!(parts, [500, 500, 250]);
    assert_eq!(server.redis.count("q", "failed"), 1250);
    let key = server.redis.key("q", "wait");
    let order: Vec<String> = server.redis.run(&["LRANGE", &key, "-2", "-1"]);
    assert_eq!(order, ["failed3", "failed1"]);
    retry["action"] = json!("promote");
    assert_eq!(
        server.send("POST", path, &retry).body["type"],
        "/problems/invalid-cursor"
    );
}

#[test]
fn ids_are_done_one_by_one_and_the_rest_is_named() {
    let server = serve();
    fill(&server.redis, "q", "delayed", 2);
    let act = json!({"action": "promote", "ids": ["delayed1", "nine", "delayed2"]});
    let acted = server.send("POST", "/api/queues/q/jobs", &act).body;
    assert_eq!(acted["promoted"], 2);
    assert_eq!(
        acted["refused"],
        json!([{
            "id": "nine",
            "kind": "unknown-job",
            "detail": "queue \"q\" has no job \"nine\"; it may have been removed when it ended \
                       (removeOnComplete)",
        }])
    );
    let cancel = json!({"action": "cancel", "filter": "", "reason": "no more"});
    let acted = server.send("POST", "/api/queues/q/jobs", &cancel).body;
    assert_eq!(
        (&acted["cancelled"], &acted["skipped"]),
        (&json!(2), &json!(0))
    );
    let copy = json!({"action": "duplicate", "filter": "state:failed"});
    let acted = server.send("POST", "/api/queues/q/jobs", &copy).body;
    assert_eq!(acted["duplicated"], 2);
    let remove = json!({"action": "remove", "filter": "", "states": ["failed"]});
    let acted = server.send("POST", "/api/queues/q/jobs", &remove).body;
    assert_eq!(
        (&acted["removed"], server.redis.count("q", "wait")),
        (&json!(2), 2)
    );
}

#[test]
fn what_names_no_jobs_or_too_many_is_refused() {
    let server = serve();
    fill(&server.redis, "q", "failed", 1);
    let send = |body| server.send("POST", "/api/queues/q/jobs", &body);
    refuses(
        &send(json!({"action": "retry"})),
        400,
        "invalid-request",
        "no jobs are named: give ids, or a filter; an empty filter matches all, at most 10000 in \
         one call",
    );
    refuses(
        &send(json!({"action": "retry", "filter": "", "ids": []})),
        400,
        "invalid-request",
        "ids and filter are two ways to name jobs: give one of them",
    );
    refuses(
        &send(json!({"action": "retry", "filter": "", "limit": 10_001})),
        400,
        "invalid-request",
        "a limit of 10001 jobs a call; it is 1 to 10000, and the cursor goes on",
    );
    refuses(
        &send(json!({"action": "retry", "ids": vec!["x"; 1001]})),
        400,
        "invalid-request",
        "1001 ids in one call; name at most 1000",
    );
    let unknown = send(json!({"action": "retri", "filter": ""}));
    assert_eq!(
        (unknown.status, &unknown.body["pointer"]),
        (422, &json!("/action"))
    );
}

#[test]
fn the_command_line_takes_the_same_filter_and_changes_and_copies_jobs() {
    let server = serve();
    fill(&server.redis, "q", "failed", 10);
    fill(&server.redis, "q", "delayed", 1);
    let run = |words: &[&str]| {
        let ended = server.setup.cli(words);
        (
            ended.code,
            ended.stdout.trim_end().to_owned(),
            ended.stderr.trim_end().to_owned(),
        )
    };
    let ok = |text: &str| (Some(0), text.to_owned(), String::new());
    let retry = ["job", "retry", "q", "--filter", "name:odd"];
    assert_eq!(
        run(&[&retry[..], &["--dry-run"]].concat()),
        ok("5 jobs would be retried")
    );
    assert_eq!(run(&retry), ok("retried 5 jobs"));
    assert_eq!(
        run(&["job", "rm", "q", "--all", "--state", "failed"]),
        (
            Some(2),
            String::new(),
            "error: this removes 5 jobs of queue \"q\"; add --yes to confirm".to_owned()
        )
    );
    let rm = ["job", "rm", "q", "--all", "--state", "failed", "--yes"];
    assert_eq!(run(&rm), ok("removed 5 jobs"));
    let edit = [
        "job",
        "edit",
        "q",
        "delayed1",
        "--delay",
        "1h",
        "--data",
        "{\"a\":1}",
    ];
    assert_eq!(run(&edit), ok("changed data, delay"));
    assert_eq!(
        server.redis.field("q", "delayed1", "data").as_deref(),
        Some("{\"a\":1}")
    );
    let bad = run(&["job", "edit", "q", "delayed1", "--data", "{"]);
    assert_eq!(
        bad.2,
        "error: the payload is not JSON: EOF while parsing an object at line 1 column 1"
    );
    let (code, id, _) = run(&["job", "duplicate", "q", "delayed1"]);
    assert_eq!(
        (code, server.redis.field("q", &id, "data").as_deref()),
        (Some(0), Some("{\"a\":1}"))
    );
    let cancel = ["job", "cancel", "q", "--filter", "state:delayed", "--yes"];
    assert_eq!(run(&cancel), ok("cancelled 1 job"));
}
