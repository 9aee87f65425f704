//! A request that becomes a flow.

use serde_json::json;

use super::{request, waiting};
use crate::api::served;
use crate::support::api::answer;
use crate::support::{Node, Redis};

const TOML: &str = r#"
[queues.last]
[queues.middle]
[queues.first]

[[routes]]
path = "/hooks/flow"
queue = "last"
name = "notify"
once = "{body.id}"
payload = { of = "{body.id}" }
verify = { scheme = "token", secret = "env:TOKEN", header = "X-Token" }

[[routes.children]]
queue = "middle"
name = "analyze"
on_failure = "fail"

[[routes.children.children]]
queue = "first"
name = "process"
priority = "{body.priority?}"
"#;

#[test]
fn a_flow_is_added_whole_and_once() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = served(&redis, TOML).env("TOKEN", "hush");
    let runner = setup.serve();
    let api = runner.api();
    let token = [("X-Token".to_owned(), "hush".to_owned())].into();
    let body = r#"{"id":"d1"}"#;
    let first = answer(request(&api, "/hooks/flow", &token, body));
    assert_eq!(first.status, 202, "{:?}", first.body);
    assert_eq!(first.body["queue"], "last");
    let children = first.body["children"].as_array().unwrap();
    let names: Vec<_> = children
        .iter()
        .map(|job| (&job["queue"], &job["name"]))
        .collect();
    assert_eq!(
        names,
        [
            (&json!("middle"), &json!("analyze")),
            (&json!("first"), &json!("process"))
        ]
    );
    let again = answer(request(&api, "/hooks/flow", &token, body));
    assert_eq!(
        (again.status, again.body),
        (
            200,
            json!({ "jobId": first.body["jobId"], "queue": "last", "name": "notify", "duplicate": true })
        )
    );
    let job = |at: usize| (waiting, &children[at]["jobId"]);
    let (of, id) = job(1);
    assert_eq!(of(&mut node, "first")[0]["id"], *id);
    let parent = first.body["jobId"].as_str().unwrap();
    let parent = node.job("last", parent);
    assert_eq!(
        (&parent["state"], &parent["data"]),
        (&json!("waiting-children"), &json!({ "of": "d1" }))
    );
    // An end between the add and the note of it adds nothing twice.
    let keys: Vec<String> = redis.run(&["KEYS", &redis.key("last", "runner:webhook:*")]);
    assert_eq!(keys.len(), 1);
    redis.run::<()>(&["DEL", &keys[0]]);
    let again = answer(request(&api, "/hooks/flow", &token, body));
    assert_eq!(again.body["jobId"], first.body["jobId"]);
    assert_eq!(redis.count("first", "wait"), 1);
}
