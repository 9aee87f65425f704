//! Ids of jobs that are names of something else.

use serde_json::{Value, json};

use super::{Served, serve};
use crate::support::api::answer;

/// Keys of every queue.
const OWN: [&str; 8] = [
    "wait",
    "active",
    "delayed",
    "meta",
    "events",
    "id",
    "marker",
    "stalled-check",
];

fn refused(id: &str) -> String {
    format!(
        "the job id \"{id}\" is the name of one of the queue's own keys; put something in front, such as \"job-{id}\""
    )
}

#[test]
fn no_job_takes_the_place_of_a_key_of_its_queue() {
    let Served { redis, api, .. } = &serve();
    for id in OWN {
        let added = api.post(&format!("/api/jobs/free?jobId={id}"), &json!({}));
        let told = (added.status, added.body["detail"].as_str().unwrap());
        assert_eq!(told, (422, &*refused(id)));
        let jobs = json!([{ "name": "a", "data": {}, "opts": { "jobId": id } }]);
        let bulk = api.post("/api/jobs/free/bulk", &jobs);
        assert!(bulk.body.to_string().contains("own keys"), "{bulk:?}");
        let flow = json!({
            "name": "pack", "queueName": "free",
            "children": [{ "name": "pick", "queueName": "free", "opts": { "jobId": id } }],
        });
        let flow = api.post("/api/flows", &flow);
        assert_eq!(flow.status, 422, "{flow:?}");
        assert!(flow.body.to_string().contains("own keys"), "{flow:?}");
    }
    assert_eq!(redis.count("free", "wait"), 0);
}

// Long because everything is tried that can be done to a job.
#[test]
fn nothing_is_done_to_what_only_has_the_name_of_a_job() {
    let Served { redis, api, .. } = &serve();
    let parent = json!({
        "name": "pack", "queueName": "free", "opts": { "jobId": "parent" },
        "children": [{ "name": "pick", "queueName": "free", "opts": { "jobId": "child" } }],
    });
    assert_eq!(api.post("/api/flows", &parent).status, 201);
    let late = api.post("/api/jobs/free?jobId=late&delay=1h", &json!({}));
    assert_eq!(late.status, 201);
    let processed = redis.key("free", "parent:processed");
    let _: u32 = redis.run(&["HSET", &processed, "bull:free:other", "1"]);
    let others = ["parent:processed", "parent:dependencies", "parent:logs"];
    let dumped = || -> Vec<Option<Vec<u8>>> {
        let keys = OWN.iter().filter(|key| **key != "events").chain(&others);
        keys.map(|key| redis.run(&["DUMP", &redis.key("free", key)]))
            .collect()
    };
    let before = dumped();
    for id in OWN.iter().chain(&others) {
        let path = format!("/api/queues/free/jobs/{id}");
        let ask = |method: &str, more: &str, body: Option<Value>| {
            let request = api.request(method, &format!("{path}{more}"));
            answer(match body {
                Some(body) => request.json(&body),
                None => request,
            })
        };
        for more in ["", "/data", "/logs", "/children", "/events"] {
            let seen = ask("GET", more, None);
            assert_eq!(seen.status, 404, "{id}{more}: {seen:?}");
        }
        assert_eq!(
            api.get(&format!("/api/jobs/status/free/{id}")).status,
            404,
            "{id}"
        );
        let edit = ask("PATCH", "", Some(json!({ "data": {}, "priority": 3 })));
        assert_eq!(edit.status, 404, "{id}: {edit:?}");
        for more in ["/promote", "/retry", "/cancel", "/duplicate"] {
            let done = ask("POST", more, None);
            assert!([404, 409].contains(&done.status), "{id}{more}: {done:?}");
        }
        let removed = ask("DELETE", "", None);
        assert_eq!(removed.status, 404, "{id}: {removed:?}");
        let found = api.request("GET", &format!("/api/search?queue=free&q=id:\"{id}\""));
        let found = answer(found.header("accept", "application/json"));
        assert_eq!(found.body["jobs"], json!([]), "{id}: {found:?}");
    }
    assert_eq!(dumped(), before);
    assert_eq!(redis.count("free", "delayed"), 1);
}
