//! Many jobs with one request.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{DOCUMENT, serve};
use crate::support::api::Answer;

/// The verdicts of a list.
fn verdicts(answer: &Answer) -> Vec<Value> {
    let text = match &answer.body {
        Value::String(text) => text.clone(),
        one => one.to_string(),
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_line_of_a_list_has_a_verdict() {
    let served = serve();
    let list = "{\"data\":{\"a\":1}}\n\n{\"name\":\"other\",\"data\":2,\"opts\":{\"jobId\":\"x\",\"delay\":\"1h\"}}\n\
        {\"data\":{}}garbage\n{\"data\":3,\"opts\":{\"delay\":\"soon\"}}\n{\"name\":\"n\"}\n\
        {\"data\":4,\"opts\":{\"jobId\":\"x\"}}\n{\"data\":5,\"opts\":{\"jobId\":\"5\"}}";
    let answer = served.send("/api/jobs/free/bulk", list);
    assert_eq!(answer.status, 200);
    let invalid = |line: u64, detail: &str, pointer: Option<&str>| {
        let mut error = json!({ "type": "invalid-job", "detail": detail });
        if let Some(pointer) = pointer {
            error["pointer"] = pointer.into();
        }
        json!({ "line": line, "error": error })
    };
    assert_eq!(
        verdicts(&answer),
        [
            json!({ "line": 1, "jobId": "1", "state": "waiting" }),
            json!({ "line": 3, "jobId": "x", "state": "delayed" }),
            json!({ "line": 4, "error": {
                "type": "not-json",
                "detail": "the job is not JSON: trailing characters at line 1 column 12",
            } }),
            invalid(
                5,
                "invalid value: string \"soon\", expected milliseconds, or a time such as 5m",
                Some("/opts/delay"),
            ),
            invalid(6, "missing field `data`", Some("")),
            json!({ "line": 7, "jobId": "x", "instead": "known" }),
            invalid(
                8,
                "the job id \"5\" is a number; put a letter in front",
                None
            ),
        ]
    );
    let named: BTreeSet<Option<String>> = ["1", "x"]
        .iter()
        .map(|id| served.redis.field("free", id, "name"))
        .collect();
    assert_eq!(
        named,
        BTreeSet::from([Some("work".to_owned()), Some("other".to_owned())])
    );
    let array = served.send(
        "/api/jobs/document-processing/bulk",
        &format!("[{{\"data\":{DOCUMENT}}},\n{{\"data\":{{}}}}]"),
    );
    let array = verdicts(&array);
    assert_eq!(
        array[0],
        json!({ "line": 1, "jobId": "1", "state": "waiting" })
    );
    assert_eq!(array[1]["error"]["pointer"], "/data/documentId");
    assert_eq!(served.redis.count("document-processing", "wait"), 1);
}

#[test]
fn a_list_that_breaks_off_says_where() {
    let served = serve();
    let broken = verdicts(&served.send("/api/jobs/free/bulk", "[{\"data\":1},{\"data\":"));
    assert_eq!(
        broken[0],
        json!({ "line": 1, "jobId": "1", "state": "waiting" })
    );
    assert_eq!(
        broken[1],
        json!({ "line": 2, "error": { "type": "not-json", "detail": "the array has no end" } })
    );
    let empty = served.send("/api/jobs/free/bulk", " \n ");
    assert_eq!(
        (empty.status, empty.body["detail"].as_str()),
        (
            400,
            Some("the body has no jobs: send a job in each line, or an array of jobs")
        )
    );
    assert_eq!(served.redis.count("free", "wait"), 1);
}

#[test]
fn a_long_list_is_added_whole() {
    let served = serve();
    let list: String = (0..5000).map(|n| format!("{{\"data\":{n}}}\n")).collect();
    let answer = served.send("/api/jobs/free/bulk", &list);
    let verdicts = verdicts(&answer);
    assert_eq!(verdicts.len(), 5000);
    for (at, verdict) in verdicts.iter().enumerate() {
        assert_eq!(
            (verdict["line"].as_u64(), &verdict["state"]),
            (Some(at as u64 + 1), &json!("waiting"))
        );
    }
    let last = verdicts[4999]["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", last, "data").as_deref(),
        Some("4999")
    );
    assert_eq!(served.redis.count("free", "wait"), 5000);
}
