//! Handlers that are run at once.

use serde_json::json;

use super::serve;

#[test]
fn a_handler_is_run_at_once_with_the_limits_of_its_queue() {
    let served = serve();
    let done = served.send(
        "/api/invoke/scripted/work",
        r#"{"result":{"n":1.10},"log":["hello"]}"#,
    );
    assert_eq!(
        (done.status, &done.body["state"]),
        (200, &json!("completed"))
    );
    assert_eq!(done.body["returnvalue"], json!({ "n": 1.10 }));
    assert_eq!(
        done.body["logs"].as_array().map(Vec::len),
        Some(1),
        "{}",
        done.body
    );
    assert!(
        done.body["plugin"]
            .as_str()
            .is_some_and(|ran| ran.starts_with("scripted@"))
    );
    let failed = served.send("/api/invoke/scripted/work", r#"{"reject":"no"}"#);
    assert_eq!(
        (
            failed.status,
            &failed.body["state"],
            &failed.body["failedReason"],
            &failed.body["cause"]
        ),
        (200, &json!("failed"), &json!("no"), &json!("returned"))
    );
    assert_eq!(
        served.api.get("/api/jobs/stats/scripted").body["completed"],
        0
    );
    served.refuses(
        "/api/invoke/free/work",
        "{}",
        422,
        "no plugin here handles jobs named \"work\" of queue \"free\"",
        None,
    );
    served.refuses(
        "/api/invoke/scripted/work",
        "nonsense",
        422,
        "the payload is not JSON: expected ident at line 1 column 2",
        None,
    );
}
