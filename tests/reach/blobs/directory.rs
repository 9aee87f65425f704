//! A directory as a store, through the host.

use std::fs;

use serde_json::{Value, json};

use super::{answers, directory, refused, sandbox};

#[test]
fn objects_are_written_read_listed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("there"), "before").unwrap();
    let sandbox = sandbox([("docs", directory(dir.path(), true))]);
    let got = answers(
        &sandbox,
        json!([
            ["put", "docs", "a/b.txt", { "text": "hello" }],
            ["get", "docs", "a/b.txt", { "offset": 1, "length": 3 }],
            ["get", "docs", "there", {}],
            ["get", "docs", "there", { "offset": 6 }],
            ["list", "docs", "", { "limit": 1 }],
            ["upload", "docs", "c", { "bytes": 3, "parts": 2 }],
            ["head", "docs", "c", {}],
            ["delete", "docs", "c", {}],
            ["delete", "docs", "c", {}],
        ]),
    );
    assert_eq!(got[1]["content"], "ell");
    assert_eq!(got[1]["object"]["size"], 5);
    assert_eq!(got[1]["object"]["etag"], got[0]);
    assert_eq!(got[2]["content"], "before");
    assert_eq!(got[3]["content"], "");
    assert_eq!(got[4]["objects"][0]["key"], "a/b.txt");
    assert!(got[4]["cursor"].is_string(), "{}", got[4]);
    assert_eq!(got[6]["size"], 6);
    assert_eq!((&got[7], &got[8]), (&json!("deleted"), &json!("deleted")));
    assert_eq!(fs::read(dir.path().join("a/b.txt")).unwrap(), b"hello");
}

#[test]
fn what_a_job_leaves_unfinished_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = sandbox([("docs", directory(dir.path(), true))]);
    let left = || -> Vec<String> {
        let names = fs::read_dir(dir.path().join(".runner-uploads")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "lock").collect()
    };
    for end in ["drop", "hold"] {
        let got = answers(
            &sandbox,
            json!([["upload", "docs", "a", { "bytes": 10, "end": end }]]),
        );
        assert!(got[0].is_string(), "{}", got[0]);
        crate::support::until("the file of the upload to go", || {
            left().is_empty().then_some(())
        });
    }
    assert!(!dir.path().join("a").exists());
}

#[test]
fn a_key_that_leads_out_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = sandbox([("docs", directory(dir.path(), true))]);
    let parts = "no part may be empty, `.` or `..`";
    assert_eq!(
        refused(&sandbox, json!(["get", "docs", "../secret", {}])),
        format!("invalid: key \"../secret\" has the part \"..\": {parts}")
    );
    assert_eq!(
        refused(&sandbox, json!(["presign", "docs", "a", {}])),
        "invalid: store \"docs\" is a directory: it has no URLs to sign"
    );
    assert_eq!(
        refused(
            &sandbox,
            json!(["put", "docs", "a", { "bytes": 8_388_609 }])
        ),
        "too-large: the call carries 8388609 bytes: at most 8388608, so write it with an upload"
    );
    let held: Vec<Value> = (0..9)
        .map(|n| json!(["upload", "docs", format!("k{n}"), { "end": "hold" }]))
        .collect();
    let got = answers(&sandbox, json!(held));
    assert_eq!(got[7], "held");
    assert_eq!(
        got[8]["error"],
        "8 uploads are open: a job may have 8 at once (max_requests), so finish or drop one first"
    );
}
