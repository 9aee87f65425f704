//! Uploads that nobody finishes: the store is told to forget them.

use std::time::Duration;

use serde_json::json;

use super::{Moto, answers, sandbox};
use crate::support::sandbox::{job, timeout};
use crate::support::until;

/// Two parts, so that the store has begun one.
const PARTS: u64 = 2;

#[test]
fn an_upload_that_is_given_up_leaves_no_parts() {
    let moto = Moto::shared();
    let bucket = moto.bucket();
    let sandbox = sandbox([("docs", moto.store(&bucket, ""))]);
    let upload = |end: &str| json!(["upload", "docs", "a", { "bytes": 8_388_608, "parts": PARTS, "end": end }]);
    let forgotten = |what: &str| {
        until(what, || (moto.uploads(&bucket) == 0).then_some(()));
    };
    // Dropped by the guest, and by the end of its job.
    for end in ["drop", "hold"] {
        let got = answers(&sandbox, json!([upload(end)]));
        assert!(got[0].is_string(), "{}", got[0]);
        forgotten(end);
    }
    // A trap.
    let data = json!({ "calls": [upload("hold")], "panic": true }).to_string();
    let outcome = format!("{:?}", sandbox.run("calls", &data));
    assert!(outcome.contains("with uploads open"), "{outcome}");
    forgotten("the upload of a job that panicked to go");
    // The deadline, while the upload is open.
    let data = json!({ "calls": [upload("hold")], "insist": true }).to_string();
    let running = sandbox.start(job("calls", &data), timeout(Duration::from_secs(4)));
    until("the upload to begin", || {
        (moto.uploads(&bucket) == 1).then_some(())
    });
    let outcome = format!("{:?}", running.outcome());
    assert!(outcome.contains("Deadline"), "{outcome}");
    forgotten("the upload of a job that took too long to go");
    let got = answers(&sandbox, json!([["head", "docs", "a", {}]]));
    assert_eq!(got[0]["why"], "not-found");
}
