//! What is told of whole queues, and done to them.

use serde_json::json;

use super::{refuses, serve};
use crate::operate::admin::fill;

#[test]
fn queues_are_listed_by_the_order_and_the_filter_that_are_asked_for() {
    let server = serve();
    fill(&server.redis, "q", "failed", 3);
    fill(&server.redis, "r", "failed", 7);
    assert_eq!(server.call("POST", "/api/queues/r/pause").status, 200);
    let names = |path: &str| {
        let listed = server.api.get(path).body;
        let listed = listed.as_array().expect("a list").iter();
        let names = listed.map(|queue| queue["queue"].as_str().expect("a name").to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("/api/queues"), ["held", "otp-queue", "q", "r"]);
    assert_eq!(names("/api/queues?sort=-failed")[..2], ["r", "q"]);
    assert_eq!(names("/api/queues?paused=true"), ["r"]);
    assert_eq!(names("/api/queues?name=o*&declared=true"), ["otp-queue"]);
    refuses(
        &server.api.get("/api/queues?sort=faild"),
        400,
        "invalid-request",
        "queues are not sorted by \"faild\"; did you mean \"failed\"?",
    );
    let one = server.api.get("/api/queues/r").body;
    let told = (&one["queue"], &one["paused"], &one["counts"]["failed"]);
    assert_eq!(told, (&json!("r"), &json!(true), &json!(7)));
    assert_eq!(one["explained"], json!(null));
    let held = server.api.get("/api/queues/held").body;
    let settings = held["explained"]["settings"].as_array().expect("a list");
    let plugin = settings.iter().find(|setting| setting["key"] == "plugin");
    let plugin = plugin.expect("it has a plugin");
    let origin = plugin["origin"].as_str().expect("a text");
    assert!(origin.contains("queues.toml:"), "{plugin}");
    let prefix = server.redis.prefix();
    refuses(
        &server.api.get("/api/queues/helt"),
        404,
        "unknown-queue",
        &format!(
            "queue \"helt\" is neither declared in queues.toml nor in Redis under the prefix \
             {prefix:?}; did you mean \"held\"?"
        ),
    );
}

#[test]
fn pausing_and_bounding_say_what_is_and_was() {
    let server = serve();
    let paused = server.call("POST", "/api/queues/held/pause").body;
    let told = json!({"queue": "held", "paused": true, "wasPaused": false});
    assert_eq!(paused, told);
    let resumed = server.call("POST", "/api/queues/held/resume").body;
    let told = json!({"queue": "held", "paused": false, "wasPaused": true});
    assert_eq!(resumed, told);
    let path = "/api/queues/held/concurrency";
    let set = server.send("PUT", path, &json!({"concurrency": 7}));
    assert_eq!(set.body, json!({"queue": "held", "concurrency": 7}));
    refuses(
        &server.send("PUT", path, &json!({"concurrency": 0})),
        400,
        "invalid-request",
        "a concurrency of 0 lets nothing start; to stop a queue, pause it",
    );
    let lifted = server.call("DELETE", path).body;
    assert_eq!(lifted, json!({"queue": "held", "concurrency": null}));
    let path = "/api/queues/held/limit";
    let limit = json!({"max": 10, "duration": 1000});
    let set = server.send("PUT", path, &limit).body;
    assert_eq!(set, json!({"queue": "held", "limit": limit}));
    assert_eq!(server.api.get(path).body, set);
    assert_eq!(server.call("DELETE", path).body["limit"], json!(null));
    refuses(
        &server.send("PUT", path, &json!({"max": 0, "duration": 1000})),
        400,
        "invalid-request",
        "a limit of 0 jobs, or of jobs in 0 ms, lets nothing start; to stop a queue, pause it",
    );
}

#[test]
fn a_sweep_does_a_bounded_part_and_its_cursor_the_rest() {
    let server = serve();
    fill(&server.redis, "q", "wait", 12_000);
    let drain = "/api/queues/q/drain";
    let counted = server.call("POST", &format!("{drain}?dryRun=true")).body;
    assert_eq!(
        counted,
        json!({"queue": "q", "removed": 0, "matched": 12_000})
    );
    let part = server.call("POST", drain).body;
    assert_eq!(part["removed"], 10_000);
    let cursor = part["cursor"].as_str().expect("there is more");
    refuses(
        &server.call("POST", &format!("{drain}?delayed=true&cursor={cursor}")),
        400,
        "invalid-cursor",
        "the cursor is not one of this question: it was changed, or made for another queue or \
         filter; begin without a cursor",
    );
    let rest = server
        .call("POST", &format!("{drain}?cursor={cursor}"))
        .body;
    assert_eq!(rest, json!({"queue": "q", "removed": 2000}));
    fill(&server.redis, "q", "failed", 30);
    let clean = "/api/queues/q/clean?state=failed&olderThan=1h";
    let some = server.call("POST", &format!("{clean}&limit=20")).body;
    assert_eq!(
        some,
        json!({"queue": "q", "state": "failed", "removed": 20})
    );
    refuses(
        &server.call("POST", "/api/queues/q/clean?state=fialed"),
        400,
        "invalid-request",
        "the state \"fialed\" is unknown; did you mean \"failed\"?",
    );
    refuses(
        &server.call("POST", "/api/queues/q/clean?state=failed&olderThan=old"),
        400,
        "invalid-request",
        "olderThan=\"old\" is no age; write 30m or 7d",
    );
    refuses(
        &server.call("POST", "/api/queues/q/obliterate"),
        400,
        "invalid-request",
        "this removes the queue \"q\" with all its jobs, schedulers and settings; add confirm=q \
         to confirm, or dryRun=true to count",
    );
    let gone = server
        .call("POST", "/api/queues/q/obliterate?confirm=q")
        .body;
    assert_eq!(gone, json!({"queue": "q", "removed": 10}));
    assert_eq!(server.api.get("/api/queues/q").status, 404);
}
