//! What a contract calls sensitive is in no answer to who may not see payloads.

use std::io::{BufRead, BufReader};

use serde_json::json;

use super::{guarded, secret, token};
use crate::support::api::answer;
use crate::support::{Api, Redis};

const CODE: &str = "123456";
const DATA: &str = r#"{"recipient":"+14155550123","otp":"123456","userName":"Ada"}"#;

/// What is answered to whoever shows this token.
fn ask(api: &Api, who: &str, path: &str, accept: &str) -> String {
    let request = api.request("GET", path).bearer_auth(secret(who));
    let answer = answer(request.header("accept", accept));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body.to_string()
}

/// A job of the queue that has failed, as a Node worker would say it.
fn failed(redis: &Redis, queue: &str, name: &str) -> String {
    let id = redis.add(queue, name, DATA, "{}");
    let key = redis.key(queue, &id);
    let said = "123456 is no code";
    let trace = json!([said]).to_string();
    let fields = [
        "failedReason",
        said,
        "stacktrace",
        &trace,
        "progress",
        "\"123456\"",
        "returnvalue",
        r#"{"sent":"123456"}"#,
    ];
    let _: u32 = redis.run(&[&["HSET", &key], &fields[..]].concat());
    let _: u32 = redis.run(&["RPUSH", &format!("{key}:logs"), said]);
    id
}

// Long because it is one list of what shows a job.
#[test]
fn no_answer_has_what_its_caller_may_not_see() {
    let redis = Redis::shared();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues");
    let toml = format!(
        "{}{}[runtime]\ncontracts = {wit:?}\n[queues.otp-queue]\n\
         contract = \"fundify:otp/otp-queue\"\ndead_letter = \"dead\"\n[queues.dead]\n",
        token("sees", "role = \"viewer\"\npayloads = true"),
        token("viewer", "role = \"viewer\""),
    );
    let (_setup, runner) = guarded(&redis, &toml);
    let api = runner.api();
    let (json, lines, events) = ("application/json", "*/*", "text/event-stream");
    // The name of a function of the contract, and one that is none.
    for name in ["whatsapp-otp", "whatsapp"] {
        let id = failed(&redis, "otp-queue", name);
        let letter = failed(&redis, "dead", name);
        let shown = [
            ("/api/search?queue=otp-queue&q=Ada".to_owned(), json),
            ("/api/search?queue=otp-queue&q=Ada".to_owned(), lines),
            ("/api/search?q=Ada".to_owned(), events),
            ("/api/queues/otp-queue/jobs".to_owned(), json),
            (
                "/api/queues/otp-queue/jobs?state=waiting&full=true".to_owned(),
                json,
            ),
            ("/api/queues/dead/jobs".to_owned(), json),
            (format!("/api/queues/otp-queue/jobs/{id}"), json),
            (format!("/api/queues/otp-queue/jobs/{id}/data"), json),
            (format!("/api/queues/otp-queue/jobs/{id}/logs"), json),
            ("/api/dlq/dead/letters".to_owned(), json),
            (format!("/api/dlq/dead/letters/{letter}"), json),
        ];
        for (path, accept) in shown {
            let all = ask(&api, "sees", &path, accept);
            assert!(all.contains(CODE), "{path}: {all}");
            let covered = ask(&api, "viewer", &path, accept);
            assert!(!covered.contains(CODE), "{path}: {covered}");
            let stands = ["[sensitive]", "[redacted]"];
            assert!(
                stands.iter().any(|text| covered.contains(text)),
                "{path}: {covered}"
            );
        }
        for path in [
            format!("/api/queues/otp-queue/jobs/{id}/children"),
            format!("/api/jobs/status/otp-queue/{id}"),
        ] {
            let covered = ask(&api, "viewer", &path, json);
            assert!(!covered.contains(CODE), "{path}: {covered}");
        }
    }
    // Nor does a search tell by what it finds.
    for query in ["123456", "data.otp:123456", "data.otp:1*", "error:123456"] {
        for path in [
            "/api/search?queue=otp-queue",
            "/api/queues/otp-queue/jobs?limit=9",
            "/api/dlq/dead/letters?limit=9",
        ] {
            let path = format!("{path}&q={query}");
            let found = |who: &str| ask(&api, who, &path, json).contains("whatsapp");
            assert!(found("sees"), "{path}");
            assert!(!found("viewer"), "{path}");
        }
    }
}

#[test]
fn no_event_has_what_its_listener_may_not_see() {
    let redis = Redis::shared();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues");
    let toml = format!(
        "{}{}[runtime]\ncontracts = {wit:?}\n[queues.otp-queue]\n\
         contract = \"fundify:otp/otp-queue\"\n",
        token("sees", "role = \"viewer\"\npayloads = true"),
        token("viewer", "role = \"viewer\""),
    );
    let (_setup, runner) = guarded(&redis, &toml);
    let api = runner.api();
    let id = failed(&redis, "otp-queue", "whatsapp-otp");
    let (all, one) = (
        "/api/events?queue=otp-queue".to_owned(),
        format!("/api/queues/otp-queue/jobs/{id}/events"),
    );
    let mut streams = Vec::new();
    for path in [&all, &one] {
        for who in ["sees", "viewer"] {
            let request = api.request("GET", path).bearer_auth(secret(who));
            let mut stream = BufReader::new(request.send().unwrap());
            stream.read_line(&mut String::new()).unwrap();
            streams.push((path, who, stream));
        }
    }
    let key = redis.key("otp-queue", "events");
    let tell = |fields: &[&str]| {
        let _: String = redis.run(&[&["XADD", &key, "*"], fields].concat());
    };
    tell(&["event", "progress", "jobId", &id, "data", "\"123456\""]);
    tell(&[
        "event",
        "failed",
        "jobId",
        &id,
        "failedReason",
        "123456 is no code",
    ]);
    let sent = r#"{"sent":"123456"}"#;
    tell(&["event", "completed", "jobId", &id, "returnvalue", sent]);
    tell(&["event", "paused"]);
    for (path, who, stream) in streams {
        let mut heard = String::new();
        for line in stream.lines().map_while(Result::ok) {
            heard += &line;
            heard += "\n";
            // The last of the queue; that of the job ends by itself.
            if line == "event: paused" {
                break;
            }
        }
        assert!(heard.contains("event: progress"), "{path}: {heard}");
        assert!(heard.contains("event: failed"), "{path}: {heard}");
        assert_eq!(heard.contains(CODE), who == "sees", "{path}: {heard}");
    }
}
