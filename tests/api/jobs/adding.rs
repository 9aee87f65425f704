//! Adding jobs, and asking after them.

use serde_json::{Value, json};

use super::{DOCUMENT, serve, serve_on};
use crate::support::Redis;
use crate::support::api::answer;

#[test]
fn the_routes_of_the_document_service_work_as_written() {
    let served = serve();
    let added = served.send("/api/jobs/document-processing", DOCUMENT);
    let expected = json!({
        "jobId": "1", "queue": "document-processing", "name": "process-document",
        "state": "waiting",
    });
    assert_eq!((added.status, added.body), (201, expected));
    let notification =
        r#"{"userId":"u-1","type":"email","subject":"Document Processed","message":"Done"}"#;
    let added = served.send("/api/jobs/notifications", notification);
    assert_eq!(
        (added.status, added.body["name"].as_str()),
        (201, Some("send-notification"))
    );
    let analysis = r#"{"documentId":"d-1","userId":"u-1","documentPath":"/documents/doc.pdf","mimeType":"application/pdf","complianceFrameworks":["GDPR","SOX"]}"#;
    let added = served.send("/api/jobs/compliance-analysis", analysis);
    assert_eq!(
        (added.status, added.body["name"].as_str()),
        (201, Some("analyze-compliance"))
    );

    let stored = served.redis.field("document-processing", "1", "data");
    assert_eq!(
        stored.as_deref(),
        Some(DOCUMENT),
        "the payload is stored as it came"
    );
    let status = served.api.get("/api/jobs/status/document-processing/1");
    assert_eq!(status.status, 200);
    let Value::Object(mut fields) = status.body else {
        panic!()
    };
    assert!(fields.remove("timestamp").is_some_and(|at| at.is_u64()));
    assert_eq!(
        Value::Object(fields),
        json!({
            "jobId": "1", "queue": "document-processing", "name": "process-document",
            "state": "waiting", "progress": null, "attemptsMade": 0, "attempts": 1,
            "processedOn": null, "finishedOn": null, "returnvalue": null, "failedReason": null,
        })
    );
    let counts = json!({
        "waiting": 1, "active": 0, "completed": 0, "failed": 0, "delayed": 0, "prioritized": 0,
        "waiting-children": 0, "paused": false,
    });
    let stats = served.api.get("/api/jobs/stats/document-processing");
    assert_eq!((stats.status, &stats.body), (200, &counts));
    let all = served.api.get("/api/jobs/stats");
    assert_eq!(
        (all.status, &all.body["document-processing"]),
        (200, &counts)
    );
    assert_eq!(all.body["free"]["waiting"], 0);
}

#[test]
fn options_stand_in_the_query() {
    let served = serve();
    let query =
        "name=n&delay=1h&attempts=4&backoff=exponential:2s&removeOnComplete=7&removeOnFail=true";
    let added = served.send(&format!("/api/jobs/free?jobId=a&{query}"), "{}");
    assert_eq!(
        (added.status, added.body["state"].as_str()),
        (201, Some("delayed"))
    );
    let options = served.redis.field("free", "a", "opts").unwrap();
    let options: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(
        options,
        json!({
            "attempts": 4, "jobId": "a", "delay": 3_600_000, "removeOnComplete": 7,
            "removeOnFail": true, "backoff": { "type": "exponential", "delay": 2000 },
        })
    );
    let added = served.send("/api/jobs/free?priority=3", "");
    assert_eq!(
        (added.status, added.body["state"].as_str()),
        (201, Some("prioritized"))
    );
    let id = added.body["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", id, "data").as_deref(),
        Some("{}")
    );
}

#[test]
fn numbers_stay_as_they_were_written() {
    let served = serve();
    let data = r#"{"n":12345678901234567890123,"x":1.10,"y":1e400}"#;
    let added = served.send("/api/jobs/free", data);
    let id = added.body["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", id, "data").as_deref(),
        Some(data)
    );
    let line = format!("{{\"data\":{data}}}");
    let bulk = served.send("/api/jobs/free/bulk", &line);
    let id = serde_json::from_str::<Value>(&bulk.body.to_string()).unwrap()["jobId"].clone();
    assert_eq!(
        served
            .redis
            .field("free", id.as_str().unwrap(), "data")
            .as_deref(),
        Some(data)
    );
}

#[test]
fn what_is_there_instead_of_a_new_job_is_said() {
    let served = serve();
    let add = |query: &str| served.send(&format!("/api/jobs/free?{query}"), "{}");
    assert_eq!(add("jobId=a").status, 201);
    let known = add("jobId=a&delay=1h");
    assert_eq!(
        (known.status, known.body),
        (
            200,
            json!({ "jobId": "a", "queue": "free", "name": "work", "state": "waiting", "instead": "known" })
        )
    );
    let first = add("dedupId=d");
    assert_eq!(first.status, 201);
    let second = add("dedupId=d");
    assert_eq!(
        (second.status, &second.body["instead"]),
        (200, &json!("deduplicated"))
    );
    assert_eq!(second.body["jobId"], first.body["jobId"]);
}

#[test]
fn an_idempotency_key_adds_once_and_is_not_used_for_something_else() {
    let served = serve();
    let add = |key: &str, query: &str, body: &str| {
        let request = served
            .api
            .request("POST", &format!("/api/jobs/free?{query}"));
        let request = request.header("Idempotency-Key", key).body(body.to_owned());
        answer(request.header("Content-Type", "application/json"))
    };
    let first = add("order-7", "", r#"{"a":1}"#);
    assert_eq!(
        (first.status, first.body["jobId"].as_str()),
        (201, Some("idem-order-7"))
    );
    let again = add("\"order-7\"", "", r#"{"a":1}"#);
    assert_eq!(
        (again.status, again.body["instead"].as_str()),
        (200, Some("known"))
    );
    for other in [
        add("order-7", "", r#"{"a":2}"#),
        add("order-7", "name=other", r#"{"a":1}"#),
    ] {
        assert_eq!(
            (other.status, other.body["type"].as_str()),
            (422, Some("/problems/key-reused"))
        );
        assert_eq!(
            other.body["detail"],
            "the Idempotency-Key was used before with another name or payload: job \
             \"idem-order-7\" of queue \"free\" has it"
        );
    }
    let both = add("k", "jobId=j", "{}");
    assert_eq!(
        (both.status, both.body["detail"].as_str()),
        (
            422,
            Some(
                "the job has a jobId and an Idempotency-Key, which would be its id, too: leave one out"
            )
        )
    );
    assert_eq!(served.redis.count("free", "wait"), 1);
}

#[test]
fn a_request_id_goes_on_with_the_job() {
    let served = serve();
    let add = |body: &str| {
        let request = served.api.request("POST", "/api/jobs/free");
        let request = request
            .header("X-Request-Id", "req_1")
            .body(body.to_owned());
        let added = answer(request.header("Content-Type", "application/json"));
        let id = added.body["jobId"].as_str().unwrap().to_owned();
        served.redis.field("free", &id, "data").unwrap()
    };
    assert_eq!(add(r#"{"a":1}"#), r#"{"requestId":"req_1","a":1}"#);
    assert_eq!(add(r#"{"requestId":"own"}"#), r#"{"requestId":"own"}"#);
    assert_eq!(add("[1]"), "[1]");
}

#[test]
fn adds_of_concurrent_requests_share_calls() {
    let served = serve_on(Redis::own());
    let calls = || {
        let stats: String = served.redis.run(&["INFO", "commandstats"]);
        let line = stats
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        line.map_or(0, |rest| {
            rest.split(',').next().unwrap().parse::<u64>().unwrap()
        })
    };
    assert_eq!(served.send("/api/jobs/free", "{}").status, 201);
    let before = calls();
    // Redis takes nothing for a while, so all but the first come while a call is away.
    let _: () = served.redis.run(&["CLIENT", "PAUSE", "300", "WRITE"]);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(served.send("/api/jobs/free", "{}").status, 201));
        }
    });
    assert_eq!(served.redis.count("free", "wait"), 51);
    let shared = calls() - before;
    assert!(shared < 25, "{shared} calls for 50 adds");
}

#[test]
fn a_request_waits_for_the_result_of_its_job() {
    let served = serve();
    let add = |query: &str, body: &str| {
        served.send(&format!("/api/jobs/scripted?name=work&{query}"), body)
    };
    let done = add(
        "wait=30s&removeOnComplete=true",
        r#"{"sleep":50,"result":{"n":1.10}}"#,
    );
    assert_eq!(
        (done.status, &done.body["state"]),
        (200, &json!("completed")),
        "{}",
        done.body
    );
    assert_eq!(done.body["returnvalue"], json!({ "n": 1.10 }));
    let failed = add("wait=30s&jobId=f", r#"{"reject":"no"}"#);
    assert_eq!(
        (
            failed.status,
            &failed.body["state"],
            &failed.body["failedReason"]
        ),
        (200, &json!("failed"), &json!("no"))
    );
    let again = add("wait=30s&jobId=f", "{}");
    assert_eq!(
        (
            again.status,
            &again.body["instead"],
            &again.body["failedReason"]
        ),
        (200, &json!("known"), &json!("no"))
    );
    let late = add("wait=20&delay=1h", "{}");
    assert_eq!((late.status, &late.body["state"]), (202, &json!("delayed")));
    let long = add("wait=6m", "{}");
    assert_eq!(
        (long.status, long.body["detail"].as_str()),
        (
            400,
            Some("wait=360000 is longer than 5m, the longest; ask for the job's status instead")
        )
    );
}

#[test]
fn the_trace_of_a_caller_goes_on_with_its_job() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let served = serve();
    for (parent, stored) in [
        (PARENT, json!(format!("{{\"traceparent\":\"{PARENT}\"}}"))),
        ("none", Value::Null),
    ] {
        let request = served
            .api
            .request("POST", "/api/jobs/free")
            .header("traceparent", parent);
        let added = answer(request.json(&json!({})));
        assert_eq!(added.status, 201, "{:?}", added.body);
        let options = served
            .redis
            .field("free", added.body["jobId"].as_str().unwrap(), "opts");
        let options: Value = serde_json::from_str(&options.unwrap()).unwrap();
        assert_eq!(options["tm"], stored);
    }
}
