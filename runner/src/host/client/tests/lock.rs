//! Nothing is sent for a job that belongs to another worker.

use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::{Error as WasiError, WasiBody, WasiHttpHooks};

use super::told::hooks;
use super::upstream::Upstream;
use super::*;
use crate::host::lost::refuse_lost;
use crate::queue::{Attempt, Job, Stop};

/// An attempt of job 42 of `otp-queue`.
fn attempt() -> Attempt {
    let job = Job {
        id: "42".into(),
        ..Job::default()
    };
    Attempt::trial(job, "otp-queue", Duration::from_secs(60))
}

#[tokio::test]
async fn after_the_lock_is_lost_both_doors_are_closed() {
    let upstream = Upstream::ok().await;
    let attempt = Arc::new(attempt());
    let mut hooks = hooks(grant(&[&upstream.origin()]), attempt.clone());
    let mut send = async || {
        let empty = Empty::new().map_err(|never| match never {});
        let request: http::Request<WasiBody> = http::Request::get(upstream.url("/"))
            .body(empty.boxed_unsync())
            .unwrap();
        let done = Box::new(async { Ok(()) });
        Box::into_pin(hooks.send_request(request, None, done)).await
    };
    assert_eq!(send().await.unwrap().0.status(), 200);
    refuse_lost(&attempt).unwrap();

    attempt.stop(Stop::LockLost);
    let refused = send().await.map(|_| ());
    assert!(
        matches!(refused, Err(WasiError::HttpRequestDenied)),
        "{refused:?}"
    );
    assert_eq!(
        refuse_lost(&attempt),
        Err("the lock of this job is lost; another worker may be running it".into())
    );
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_request_is_sent_in_the_name_of_its_job_and_ends_with_it() {
    let attempt = attempt();
    let caller = Caller::new(&attempt, Some("req-1".into()), 3, Room::default());
    assert_eq!(
        (caller.queue.as_str(), caller.job.as_str()),
        ("otp-queue", "42")
    );
    assert_eq!(
        (caller.request_id.as_deref(), caller.nth),
        (Some("req-1"), 3)
    );
    assert_eq!(caller.deadline, attempt.deadline());
}
