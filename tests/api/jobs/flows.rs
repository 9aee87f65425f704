//! Jobs that wait for each other.

use serde_json::json;

use super::serve;

#[test]
fn a_flow_is_added_whole_or_not_at_all() {
    let served = serve();
    let child = |data: i32| json!({ "name": "c", "queueName": "free", "data": data, "opts": { "failParentOnFailure": true } });
    let flow = json!({
        "name": "p", "queueName": "scripted", "data": {}, "opts": { "jobId": "p" },
        "children": [child(1), { "queueName": "free", "data": 2, "children": [child(3)] }],
    });
    let added = served.api.post("/api/flows", &flow);
    let job = |id: &str, queue: &str, name: &str, state: &str| json!({ "jobId": id, "queue": queue, "name": name, "state": state });
    let mut expected = job("p", "scripted", "p", "waiting-children");
    let mut second = job("2", "free", "work", "waiting-children");
    second["children"] = json!([job("3", "free", "c", "waiting")]);
    expected["children"] = json!([job("1", "free", "c", "waiting"), second]);
    assert_eq!((added.status, added.body), (201, expected));
    assert_eq!(served.redis.count("scripted", "waiting-children"), 1);

    let wrong = json!([{ "queueName": "free", "data": {}, "children": [
        { "queueName": "document-processing", "data": { "documentId": 7 } },
    ] }]);
    let refused = served.api.post("/api/flows", &wrong);
    assert_eq!(
        (refused.status, &refused.body["pointer"]),
        (422, &json!("/0/children/0/data/documentId"))
    );
    let unknown = json!({ "queueName": "fre", "data": {} });
    let refused = served.api.post("/api/flows", &unknown);
    assert_eq!(
        (refused.status, &refused.body["pointer"]),
        (422, &json!("/queueName"))
    );
    let parentless = json!({ "queueName": "free", "opts": { "failParentOnFailure": true } });
    let refused = served.api.post("/api/flows", &parentless);
    assert_eq!(
        (refused.status, refused.body["detail"].as_str()),
        (
            422,
            Some("the job has no parent in the flow that its failure could have an effect on")
        )
    );
    assert_eq!(served.redis.count("free", "waiting-children"), 1);
}
