//! What is wrong with a job, and where.

use super::{DOCUMENT, serve};

#[test]
fn what_is_wrong_with_a_job_is_said_with_its_place() {
    let served = serve();
    let queue = "/api/jobs/document-processing";
    let wrong = DOCUMENT.replace("1024000", "-1");
    served.refuses(
        queue,
        &wrong,
        422,
        "the payload is not that of docs:jobs/document-processing#process-document: \
         data.fileSize: -1 is out of range for u64",
        Some("/fileSize"),
    );
    served.refuses(
        queue,
        "{",
        422,
        "the payload is not JSON: EOF while parsing an object at line 1 column 1",
        Some(""),
    );
    assert_eq!(served.redis.count("document-processing", "wait"), 0);
}

#[test]
fn a_job_needs_a_queue_and_a_name() {
    let served = serve();
    served.refuses(
        "/api/jobs/otp-queue",
        "{}",
        422,
        "the job has no name, and queue \"otp-queue\" has several and no default_job: \
         whatsapp-otp, email-otp",
        None,
    );
    served.refuses(
        "/api/jobs/scripted",
        "{}",
        422,
        "the job has no name, and queue \"scripted\" has no default_job: give it a name",
        None,
    );
    served.refuses(
        "/api/jobs/document-procesing",
        DOCUMENT,
        404,
        "queue \"document-procesing\" is not declared in queues.toml; did you mean \
         \"document-processing\"?",
        None,
    );
}

#[test]
fn what_the_query_says_wrong_is_quoted() {
    let served = serve();
    served.refuses(
        "/api/jobs/free?jobId=7",
        "{}",
        422,
        "the job id \"7\" is a number; put a letter in front",
        None,
    );
    served.refuses(
        "/api/jobs/free?dedupExtend=true",
        "{}",
        400,
        "dedupExtend has no effect without dedupId",
        None,
    );
    for (query, word) in [
        ("delay=soon", "soon"),
        ("piority=1", "piority"),
        ("backoff=linear:1s", "linear:1s"),
    ] {
        let answer = served.send(&format!("/api/jobs/free?{query}"), "{}");
        let detail = answer.body["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            answer.status == 400 && detail.contains(word),
            "{query}: {} {detail}",
            answer.status
        );
    }
}

#[test]
fn what_is_no_job_is_not_found() {
    let served = serve();
    let missing = served.api.get("/api/jobs/status/free/nobody");
    assert_eq!(
        (missing.status, missing.body["detail"].as_str()),
        (
            404,
            Some("queue \"free\" has no job \"nobody\"; it may have been removed when it ended")
        )
    );
    // Keys of the queue that are no jobs.
    for key in ["wait", "events", "meta", "id"] {
        assert_eq!(
            served
                .api
                .get(&format!("/api/jobs/status/free/{key}"))
                .status,
            404,
            "{key}"
        );
    }
}
