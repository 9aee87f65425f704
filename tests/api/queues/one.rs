//! One job: what is told of it, and changing it.

use serde_json::{Value, json};

use super::{refuses, serve};
use crate::operate::admin::fill;

const BIG: &str = r#"{"n": 12345678901234567890123, "x": 1.10, "a": "é"}"#;

#[test]
fn a_job_is_told_in_full_and_every_digit_of_it() {
    let server = serve();
    let options = r#"{"attempts":3,"custom":{"k":1}}"#;
    let id = server.redis.add("q", "n", BIG, options);
    let path = format!("/api/queues/q/jobs/{id}");
    let text = server.api.request("GET", &path).send().expect("an answer");
    let text = text.text().expect("text");
    assert!(text.contains(BIG), "{text}");
    let job: Value = serde_json::from_str(&text).expect("JSON");
    let told = (&job["state"], &job["attempts"], &job["queue"]);
    assert_eq!(told, (&json!("waiting"), &json!(3), &json!("q")));
    let stored = &job["stored"];
    assert_eq!(stored["options"]["custom"], json!({"k": 1}));
    assert_eq!(
        (&stored["priority"], &stored["children"]),
        (&json!(0), &json!(null))
    );
    let file = server.api.request("GET", &format!("{path}/data"));
    let file = file.send().expect("an answer");
    let name = file.headers()["content-disposition"]
        .to_str()
        .expect("text");
    assert_eq!(name, format!("attachment; filename=\"{id}.json\""));
    assert_eq!(file.text().expect("text"), BIG);
    refuses(
        &server.api.get("/api/queues/q/jobs/nine"),
        404,
        "unknown-job",
        "queue \"q\" has no job \"nine\"; it may have been removed when it ended \
         (removeOnComplete)",
    );
}

#[test]
fn what_is_long_is_cut_unless_all_of_it_is_asked_for() {
    let server = serve();
    let long = json!({ "text": "ö".repeat(20_000) }).to_string();
    let id = server.redis.add("q", "n", &long, "{}");
    let path = format!("/api/queues/q/jobs/{id}");
    let cut = server.api.get(&path).body;
    assert_eq!(cut["cut"], json!({ "data": long.len() }));
    let text = cut["data"].as_str().expect("the beginning is a text");
    assert!(text.len() < 17_000 && text.ends_with('…'), "{}", text.len());
    let listed = server.api.get("/api/queues/q/jobs").body;
    assert_eq!(listed["jobs"][0]["cut"], cut["cut"]);
    let full = server.api.get(&format!("{path}?full=true")).body;
    assert_eq!(full["data"].to_string(), long);
    assert_eq!(full["cut"], json!(null));
}

#[test]
fn log_lines_are_told_by_the_page_and_from_the_end() {
    let server = serve();
    let id = server.redis.add("q", "n", "{}", "{}");
    let key = server.redis.key("q", &format!("{id}:logs"));
    let lines: Vec<String> = (0..250).map(|n| format!("line {n}")).collect();
    let words: Vec<&str> = ["RPUSH", &key]
        .into_iter()
        .chain(lines.iter().map(String::as_str))
        .collect();
    server.redis.run::<()>(&words);
    let path = format!("/api/queues/q/jobs/{id}/logs");
    let page = server.api.get(&format!("{path}?start=200&limit=20")).body;
    let told = (
        &page["count"],
        &page["start"],
        &page["next"],
        &page["lines"][19],
    );
    assert_eq!(
        told,
        (&json!(250), &json!(200), &json!(220), &json!("line 219"))
    );
    let tail = server.api.get(&format!("{path}?tail=2")).body;
    assert_eq!(tail["lines"], json!(["line 248", "line 249"]));
    assert_eq!(tail["next"], json!(null));
    refuses(
        &server.api.get(&format!("{path}?limit=1001")),
        400,
        "invalid-request",
        "1001 log lines in one call; it is 1 to 1000",
    );
    refuses(
        &server.api.get(&format!("{path}?tail=1&start=3")),
        400,
        "invalid-request",
        "tail stands alone: leave out start and limit",
    );
}

#[test]
fn a_change_fits_the_contract_or_is_refused_whole() {
    let server = serve();
    let data = r#"{"recipient":"ada@example.com","otp":"123456"}"#;
    let add = ["add", "otp-queue", "email-otp", data, "--delay", "1h"];
    let id = server.setup.cli(&add).stdout.trim_end().to_owned();
    let path = format!("/api/queues/otp-queue/jobs/{id}");
    let wrong = server.send("PATCH", &path, &json!({"data": {"otp": 7}, "priority": 3}));
    assert_eq!(
        (wrong.status, &wrong.body["type"]),
        (422, &json!("/problems/invalid-job"))
    );
    let detail = wrong.body["detail"].as_str().expect("a text");
    assert!(
        detail.starts_with("the payload is not that of fundify:otp/otp-queue"),
        "{detail}"
    );
    assert_eq!(
        server.redis.field("otp-queue", &id, "priority").as_deref(),
        Some("0")
    );
    let new = json!({"recipient": "bob@example.com", "otp": "654321"});
    let change = json!({"data": new, "delay": 60_000, "priority": 3});
    let changed = server.send("PATCH", &path, &change);
    let told = json!({"queue": "otp-queue", "id": id, "changed": ["data", "delay", "priority"]});
    assert_eq!((changed.status, changed.body), (200, told));
    let job = server.api.get(&path).body;
    let told = (
        &job["data"]["recipient"],
        &job["stored"]["delay"],
        &job["stored"]["priority"],
    );
    assert_eq!(told, (&json!("bob@example.com"), &json!(60_000), &json!(3)));
}

#[test]
fn a_change_fits_the_state_of_the_job() {
    let server = serve();
    let waiting = server.redis.add("q", "n", "{}", "{}");
    let path = format!("/api/queues/q/jobs/{waiting}");
    refuses(
        &server.send("PATCH", &path, &json!({"delay": 5})),
        409,
        "wrong-state",
        &format!("job {waiting:?} is waiting; only delayed jobs can be given another delay"),
    );
    refuses(
        &server.send("PATCH", &path, &json!({})),
        400,
        "invalid-request",
        "nothing is to be changed: name data, delay or priority",
    );
    assert_eq!(
        server.send("PATCH", &path, &json!({"priority": 9})).status,
        200
    );
    assert_eq!(server.api.get(&path).body["state"], "prioritized");
    server.redis.run::<()>(&[
        "SET",
        &server.redis.key("q", &format!("{waiting}:lock")),
        "t",
    ]);
    refuses(
        &server.send("PATCH", &path, &json!({"data": 1})),
        409,
        "running",
        &format!(
            "a worker is running job {waiting:?} with the payload it has; change it when it has \
             ended, or cancel it"
        ),
    );
}

#[test]
fn a_running_job_is_cancelled_and_waited_for() {
    let server = serve();
    let id = server.redis.add("held", "n", r#"{"sleep":60000}"#, "{}");
    server.redis.until_count("held", "active", 1);
    let path = format!("/api/queues/held/jobs/{id}");
    let cancelled = server.call("POST", &format!("{path}/cancel?reason=called%20off"));
    let told = json!({"queue": "held", "cancelled": 1});
    assert_eq!((cancelled.status, cancelled.body), (200, told));
    let job = server.api.get(&path).body;
    let told = (&job["state"], &job["failedReason"]);
    assert_eq!(told, (&json!("failed"), &json!("cancelled: called off")));
    refuses(
        &server.call("POST", &format!("{path}/cancel")),
        409,
        "ended",
        &format!("job {id:?} has already failed"),
    );
}

#[test]
fn one_job_is_retried_promoted_duplicated_and_removed() {
    let server = serve();
    fill(&server.redis, "q", "failed", 1);
    fill(&server.redis, "q", "delayed", 1);
    let post = |path: &str| server.call("POST", &format!("/api/queues/q/jobs/{path}"));
    assert_eq!(
        post("failed1/retry").body,
        json!({"queue": "q", "retried": 1})
    );
    refuses(
        &post("failed1/retry"),
        409,
        "wrong-state",
        "job \"failed1\" is waiting; only completed and failed jobs can be retried",
    );
    assert_eq!(
        post("delayed1/promote").body,
        json!({"queue": "q", "promoted": 1})
    );
    let copy = post("failed1/duplicate");
    let told = (copy.status, &copy.body["of"], &copy.body["queue"]);
    assert_eq!(told, (201, &json!("failed1"), &json!("q")));
    let id = copy.body["id"].as_str().expect("an id");
    assert_eq!(
        server.api.get(&format!("/api/queues/q/jobs/{id}")).body["name"],
        "odd"
    );
    let path = "/api/queues/q/jobs/failed1";
    assert_eq!(
        server.call("DELETE", path).body,
        json!({"queue": "q", "removed": 1})
    );
    assert_eq!(server.call("DELETE", path).status, 404);
}

#[test]
fn a_flow_is_told_as_a_tree() {
    let server = serve();
    let run = |words: &[&str]| server.redis.run::<()>(words);
    let child = server.redis.add("r", "leaf", "{}", "{}");
    let gone = server.redis.key("r", "gone");
    fill(&server.redis, "q", "waiting-children", 1);
    let top = server.redis.key("q", "waiting-children1:dependencies");
    run(&["SADD", &top, &server.redis.key("r", &child), &gone]);
    let tree = server
        .api
        .get("/api/queues/q/jobs/waiting-children1/children")
        .body;
    assert_eq!(tree["state"], "waiting-children");
    let mut children = tree["children"].as_array().expect("children").clone();
    children.sort_by_key(|child| child["id"].to_string());
    assert_eq!(
        children,
        [
            json!({"queue": "r", "id": child, "name": "leaf", "state": "waiting", "children": [], "more": false}),
            json!({"queue": "r", "id": "gone", "name": null, "state": "unknown", "children": [], "more": false}),
        ]
    );
    let none = server
        .api
        .get("/api/queues/q/jobs/waiting-children1/children?depth=0")
        .body;
    assert_eq!(
        (&none["children"], &none["more"]),
        (&json!([]), &json!(true))
    );
    let job = server.api.get("/api/queues/q/jobs/waiting-children1").body;
    assert_eq!(job["stored"]["children"]["unprocessed"], 2);
    refuses(
        &server
            .api
            .get("/api/queues/q/jobs/waiting-children1/children?depth=21"),
        400,
        "invalid-request",
        "a depth of 21 generations; it is 0 to 20",
    );
}
