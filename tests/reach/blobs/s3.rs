//! S3, against moto: what comes back, conditions, pages, signed URLs, and what a plugin is
//! told when the store refuses.

use std::time::Duration;

use runner::config::{BlobStore, Login, Secret};
use serde_json::{Value, json};

use super::{Moto, SECRET, answers, refused, sandbox};
use crate::support::redis::free_port;
use crate::support::sandbox::{Sandbox, job, timeout};

/// The store `docs` in a new bucket, below `in`.
fn docs() -> (Sandbox, String) {
    let bucket = Moto::shared().bucket();
    let store = Moto::shared().store(&bucket, "in");
    (sandbox([("docs", store)]), bucket)
}

#[test]
fn objects_are_written_read_listed_and_removed() {
    let (sandbox, bucket) = docs();
    let key = "ä/ü 1%2e+&?.txt";
    let got = answers(
        &sandbox,
        json!([
            ["put", "docs", key, { "text": "hello", "type": "text/plain" }],
            ["get", "docs", key, {}],
            ["get", "docs", key, { "offset": 1, "length": 3 }],
            ["get", "docs", key, { "offset": 3 }],
            ["get", "docs", key, { "offset": 5 }],
            ["get", "docs", key, { "offset": 1000, "length": 10 }],
            ["put", "docs", "empty", { "text": "" }],
            ["get", "docs", "empty", { "offset": 0, "length": 10 }],
            ["get", "docs", "empty", {}],
            ["head", "docs", key, {}],
            ["delete", "docs", "empty", {}],
            ["delete", "docs", "empty", {}],
            ["head", "docs", "empty", {}],
        ]),
    );
    assert_eq!(got[1]["content"], "hello", "{}", got[1]);
    assert_eq!(got[1]["object"]["etag"], got[0]);
    assert_eq!(got[1]["object"]["key"], key);
    assert_eq!(got[2]["content"], "ell", "{}", got[2]);
    assert_eq!(got[2]["object"]["size"], 5);
    assert_eq!(got[3]["content"], "lo", "{}", got[3]);
    for past in [&got[4], &got[5]] {
        assert_eq!(past["content"], "", "{past}");
        assert_eq!(past["object"]["size"], 5);
    }
    assert_eq!(
        (&got[7]["content"], &got[8]["content"]),
        (&json!(""), &json!(""))
    );
    assert_eq!(got[9]["size"], 5);
    assert_eq!(got[11], "deleted");
    assert_eq!(got[12]["error"], "store \"docs\" has no object \"empty\"");
    let listed = Moto::shared().ask("GET", &format!("/{bucket}?list-type=2"), "");
    assert!(
        listed.contains("<Key>in/ä/ü 1%2e+&amp;?.txt</Key>"),
        "{listed}"
    );
}

#[test]
fn a_list_has_pages_and_stays_below_the_prefix() {
    let (sandbox, bucket) = docs();
    let moto = Moto::shared();
    for key in ["in/b", "in/a/2", "in/a/1", "in/ab", "in2/x", "out"] {
        moto.ask("PUT", &format!("/{bucket}/{key}"), "x");
    }
    let page = |prefix: &str, cursor: Value| {
        let call = json!([["list", "docs", prefix, { "limit": 2, "cursor": cursor }]]);
        let page = answers(&sandbox, call).remove(0);
        let objects = page["objects"]
            .as_array()
            .unwrap_or_else(|| panic!("{page}"));
        let keys = objects
            .iter()
            .map(|object| object["key"].as_str().unwrap().to_owned());
        (keys.collect::<Vec<_>>(), page["cursor"].clone())
    };
    let (first, cursor) = page("", Value::Null);
    assert_eq!(first, ["a/1", "a/2"]);
    let (second, cursor) = page("", cursor);
    assert_eq!(second, ["ab", "b"]);
    assert_eq!(cursor, Value::Null);
    assert_eq!(page("a/", Value::Null).0, ["a/1", "a/2"]);
    assert_eq!(page("none", Value::Null), (vec![], Value::Null));
}

#[test]
fn conditions_hold_for_objects_of_one_call_and_of_many_parts() {
    let (sandbox, bucket) = docs();
    let part = 8_388_608;
    let got = answers(
        &sandbox,
        json!([
            ["put", "docs", "a", { "text": "1", "if": "absent" }],
            ["put", "docs", "a", { "text": "2", "if": "absent" }],
            ["upload", "docs", "a", { "if": "absent" }],
            ["upload", "docs", "large", { "bytes": part, "parts": 3, "if": "absent" }],
            ["head", "docs", "large", {}],
            ["upload", "docs", "large", { "bytes": part, "parts": 2, "if": "absent" }],
            ["put", "docs", "a", { "text": "4", "if": "\"another\"" }],
            ["put", "docs", "none", { "text": "5", "if": "\"another\"" }],
        ]),
    );
    let present = |key: &str| format!("store \"docs\" has an object {key:?} already");
    assert_eq!(got[1]["error"], present("a"));
    assert_eq!(got[2]["error"], present("a"));
    assert_eq!(got[4]["size"], 3 * part, "{} {}", got[3], got[4]);
    assert_eq!(got[5]["error"], present("large"));
    let changed = |key: &str| {
        format!("object {key:?} of store \"docs\" was changed or removed: its etag is another one")
    };
    assert_eq!(
        got[6],
        json!({ "why": "precondition", "error": changed("a") })
    );
    assert_eq!(got[7]["error"], changed("none"));
    let etag = got[0].as_str().unwrap();
    let again = answers(
        &sandbox,
        json!([
            ["put", "docs", "a", { "text": "3", "if": etag }],
            ["put", "docs", "a", { "text": "4", "if": etag }],
            ["get", "docs", "a", {}],
        ]),
    );
    assert_eq!(again[1]["error"], changed("a"));
    assert_eq!(again[2]["content"], "3");
    assert_eq!(Moto::shared().uploads(&bucket), 0);
}

#[test]
fn a_signed_url_serves_anybody_and_only_that() {
    let (sandbox, _) = docs();
    let got = answers(
        &sandbox,
        json!([
            ["put", "docs", "a", { "text": "for you" }],
            ["presign", "docs", "a", { "seconds": 60 }],
            ["presign", "docs", "b", { "access": "write", "seconds": 604_800 }],
            ["presign", "docs", "b", { "seconds": 604_801 }],
        ]),
    );
    let read = got[1].as_str().unwrap();
    assert_eq!(
        reqwest::blocking::get(read).unwrap().text().unwrap(),
        "for you"
    );
    assert!(
        read.contains("X-Amz-Signature") && !read.contains(SECRET),
        "{read}"
    );
    let put = reqwest::blocking::Client::new().put(got[2].as_str().unwrap());
    assert!(put.body("from you").send().unwrap().status().is_success());
    let back = answers(&sandbox, json!([["get", "docs", "b", {}]]));
    assert_eq!(back[0]["content"], "from you");
    assert_eq!(
        got[3]["error"],
        "seconds is 604801: a signed URL is good for 1 to 604800 (7 days)"
    );
}

#[test]
fn a_bucket_that_is_not_there_is_told_by_the_name_of_the_store() {
    let sandbox = sandbox([("docs", Moto::shared().store("no-such-bucket", ""))]);
    let got = answers(
        &sandbox,
        json!([
            ["get", "docs", "a", {}],
            ["put", "docs", "a", { "text": "x" }],
            ["list", "docs", "", {}],
            ["delete", "docs", "a", {}],
            ["upload", "docs", "a", { "bytes": 8_388_608, "parts": 2 }],
        ]),
    );
    let told = json!({
        "why": "not-found",
        "error": "the bucket of store \"docs\" is not there",
    });
    for answer in got {
        assert_eq!(answer, told);
    }
}

#[test]
fn keys_that_the_store_does_not_know_are_denied_without_being_shown() {
    let moto = Moto::start();
    let bucket = moto.bucket();
    let store = moto.store(&bucket, "");
    // From now on it checks who asks.
    moto.ask("POST", "/moto-api/reset-auth", "0");
    let sandbox = sandbox([("docs", store)]);
    for call in [
        json!(["get", "docs", "a", {}]),
        json!(["list", "docs", "", {}]),
        json!(["put", "docs", "a", { "text": "x" }]),
    ] {
        assert_eq!(
            refused(&sandbox, call),
            "denied: store \"docs\" refuses what Runner asks with its keys (InvalidAccessKeyId)"
        );
    }
    let head = refused(&sandbox, json!(["head", "docs", "a", {}]));
    assert_eq!(
        head,
        "denied: store \"docs\" refuses what Runner asks with its keys"
    );
}

#[test]
fn a_store_that_is_down_is_unavailable_and_one_that_hangs_takes_its_time() {
    let down = BlobStore {
        endpoint: Some(format!("http://127.0.0.1:{}", free_port())),
        ..Moto::shared().store("any", "")
    };
    let text = refused(&sandbox([("docs", down)]), json!(["get", "docs", "a", {}]));
    assert_eq!(
        text,
        "unavailable: store \"docs\" cannot be reached: its endpoint cannot be reached: \
         Connection refused (os error 111)"
    );
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = BlobStore {
        endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
        timeout: Duration::from_millis(200),
        ..Moto::shared().store("any", "")
    };
    let slow = sandbox([("docs", hangs.clone())]);
    assert_eq!(
        refused(&slow, json!(["get", "docs", "a", {}])),
        "timeout: store \"docs\" did not answer within 200ms, the `timeout` of the store"
    );
    let patient = sandbox([(
        "docs",
        BlobStore {
            timeout: Duration::from_secs(60),
            ..hangs
        },
    )]);
    let calls = json!({ "calls": [["get", "docs", "a", {}]] }).to_string();
    let running = patient.start(job("calls", &calls), timeout(Duration::from_millis(500)));
    let outcome = format!("{:?}", running.outcome());
    assert!(
        outcome.contains("what was left of the job's timeout") || outcome.contains("Deadline"),
        "{outcome}"
    );
}

#[test]
fn calls_stand_in_the_record_of_the_attempt_and_no_secret_does() {
    let bucket = Moto::shared().bucket();
    let store = Moto::shared().store(&bucket, "in");
    let wrong = BlobStore {
        login: Login::Keys {
            access: Secret("A".to_owned()),
            secret: Secret(SECRET.to_owned()),
            session: Some(Secret(SECRET.to_owned())),
        },
        ..store.clone()
    };
    assert!(!format!("{wrong:?}").contains(SECRET));
    let sandbox = sandbox([("docs", store)]);
    let calls = json!({ "calls": [
        ["put", "docs", "a/b", { "text": "12345" }],
        ["get", "docs", "a/b", { "offset": 1 }],
        ["get", "docs", "none", {}],
        ["get", "dox", "none", {}],
        ["presign", "docs", "a/b", {}],
        ["list", "docs", "", {}],
    ]});
    let running = sandbox.start(
        job("calls", &calls.to_string()),
        timeout(Duration::from_secs(30)),
    );
    running.outcome();
    let (calls, _) = running.attempt.cost.calls();
    let rows: Vec<_> = calls
        .iter()
        .map(|call| {
            let (kind, verb) = (call.kind.name(), &call.method);
            format!(
                "{kind} {verb} {} {} {} {}",
                call.target, call.sent, call.received, call.outcome
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "blobs put docs/a/b 5 0 ok",
            "blobs get docs/a/b 0 4 ok",
            "blobs get docs/none 0 0 not-found",
            "blobs get dox/none 0 0 denied",
            "blobs presign docs/a/b 0 0 ok",
            "blobs list docs 0 0 ok",
        ]
    );
}
