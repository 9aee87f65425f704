//! `runner job` beside npm's methods of a job.

use serde_json::json;

use super::{
    Case, all, case, delayed, ended, equal, job, lines, of_job, parent, prioritized, queue, waiting,
};

// Long because it is one table of cases.
fn retrying() -> Vec<Case> {
    let retry = |state: &str| vec![of_job("1", "retry", json!([state]))];
    let paused = || lines(&["HSET @meta paused 1"]);
    let child = |set: &str, more: &[&str]| {
        all([
            ended(set, "1", "parentKey @p"),
            lines(&["HSET @p name p data {} opts {} timestamp 1600000000000 delay 0 priority 0"]),
            lines(more),
        ])
    };
    vec![
        case(
            "retry_failed",
            all([ended("failed", "1", ""), waiting(&["2"])]),
            retry("failed"),
            "job retry @ 1",
        ),
        case(
            "retry_completed",
            ended("completed", "1", ""),
            retry("completed"),
            "job retry @ 1",
        ),
        case(
            "retry_lifo",
            all([
                ended("failed", "1", r#"opts {"lifo":true}"#),
                waiting(&["2"]),
            ]),
            retry("failed"),
            "job retry @ 1",
        ),
        Case {
            // Version 5 forgets the priority.
            versions: &[6],
            ..case(
                "retry_priority",
                ended("failed", "1", "priority 3"),
                retry("failed"),
                "job retry @ 1",
            )
        },
        case(
            "retry_anew",
            ended("failed", "1", ""),
            vec![of_job(
                "1",
                "retry",
                json!(["failed", {"resetAttemptsMade": true, "resetAttemptsStarted": true}]),
            )],
            "job retry @ 1 --reset-attempts",
        ),
        case(
            "retry_paused",
            all([ended("failed", "1", ""), paused()]),
            retry("failed"),
            "job retry @ 1",
        ),
        case(
            "retry_two",
            all([ended("failed", "1", ""), ended("completed", "2", "")]),
            vec![
                of_job("1", "retry", json!(["failed"])),
                of_job("2", "retry", json!(["completed"])),
            ],
            "job retry @ 1 2",
        ),
        case(
            "retry_child",
            child("failed", &["ZADD @p:unsuccessful 1600000000500 @1"]),
            retry("failed"),
            "job retry @ 1",
        ),
        case(
            "retry_ignored_child",
            child("failed", &["HSET @p:failed @1 why"]),
            retry("failed"),
            "job retry @ 1",
        ),
        case(
            "retry_done_child",
            child("completed", &["HSET @p:processed @1 1"]),
            retry("completed"),
            "job retry @ 1",
        ),
        case("retry_waiting", waiting(&["1"]), vec![], "job retry @ 1"),
        case(
            "retry_all",
            all([
                ended("failed", "1", ""),
                ended("failed", "2", ""),
                ended("completed", "3", ""),
            ]),
            queue("retryJobs", json!([{"state": "failed"}])),
            "job retry @ --all",
        ),
        case(
            "retry_all_completed",
            all([ended("completed", "1", ""), ended("completed", "2", "")]),
            queue("retryJobs", json!([{"state": "completed"}])),
            "job retry @ --all --state completed",
        ),
        Case {
            // Version 5 leaves the parent without the child.
            versions: &[6],
            ..case(
                "retry_all_children",
                child("failed", &["ZADD @p:unsuccessful 1600000000500 @1"]),
                queue("retryJobs", json!([])),
                "job retry @ --all",
            )
        },
        case(
            "retry_all_named",
            all([
                ended("failed", "1", "name mail-a"),
                ended("failed", "2", ""),
                ended("failed", "3", "name mail-b"),
            ]),
            vec![
                of_job("1", "retry", json!(["failed"])),
                of_job("3", "retry", json!(["failed"])),
            ],
            "job retry @ --all --name mail-*",
        ),
    ]
}

fn promoting() -> Vec<Case> {
    let promote = |id: &str| of_job(id, "promote", json!([]));
    vec![
        case(
            "promote",
            all([delayed("1", ""), waiting(&["2"])]),
            vec![promote("1")],
            "job promote @ 1",
        ),
        case(
            "promote_priority",
            delayed("1", "priority 3"),
            vec![promote("1")],
            "job promote @ 1",
        ),
        case(
            "promote_paused",
            all([delayed("1", ""), lines(&["HSET @meta paused 1"])]),
            vec![promote("1")],
            "job promote @ 1",
        ),
        case(
            "promote_full",
            all([
                delayed("1", ""),
                lines(&["HSET @meta concurrency 1", "LPUSH @active 2", &job("2", "")]),
            ]),
            vec![promote("1")],
            "job promote @ 1",
        ),
        case(
            "promote_waiting",
            waiting(&["1"]),
            vec![],
            "job promote @ 1",
        ),
        case(
            // npm's promoteJobs forgets priorities and leaves `delay`; this is what
            // it does for each job.
            "promote_all",
            all([
                delayed("1", ""),
                delayed("2", "priority 3"),
                delayed("3", ""),
            ]),
            vec![promote("1"), promote("2"), promote("3")],
            "job promote @ --all",
        ),
    ]
}

// Long because it is one table of cases.
fn removing() -> Vec<Case> {
    let remove = || queue("remove", json!(["1"]));
    let family = || {
        all([
            waiting(&["c"]),
            ended("completed", "d", "parentKey @1"),
            ended("failed", "f", "parentKey @1"),
            ended("failed", "g", "parentKey @1"),
            lines(&[
                &job("1", ""),
                "ZADD @waiting-children 1600000000000 1",
                "HSET @c parentKey @1",
                "SADD @1:dependencies @c",
                "HSET @1:processed @d 1",
                "HSET @1:failed @f why",
                "ZADD @1:unsuccessful 1600000000500 @g",
                "SET @de:d c",
                "HSET @c deid d",
            ]),
        ])
    };
    vec![
        case(
            "remove_waiting",
            waiting(&["1", "2"]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_prioritized",
            prioritized("1"),
            remove(),
            "job rm @ 1",
        ),
        case("remove_delayed", delayed("1", ""), remove(), "job rm @ 1"),
        case(
            "remove_completed",
            ended("completed", "1", ""),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_failed",
            ended("failed", "1", ""),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_paused",
            all([lines(&[
                &job("1", ""),
                "LPUSH @paused 1",
                "HSET @meta paused 1",
            ])]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_active",
            lines(&[&job("1", ""), "LPUSH @active 1"]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_nowhere",
            lines(&[&job("1", "")]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_locked",
            lines(&[&job("1", ""), "LPUSH @active 1", "SET @1:lock t"]),
            vec![],
            "job rm @ 1",
        ),
        case("remove_unknown", waiting(&["2"]), vec![], "job rm @ 1"),
        case(
            "remove_next_run",
            all([
                delayed("repeat:s:1700000000000", "rjk s"),
                lines(&["ZADD @repeat 1700000000000 s"]),
            ]),
            vec![],
            "job rm @ repeat:s:1700000000000",
        ),
        case(
            "remove_deduplicated",
            all([
                waiting(&["1"]),
                lines(&["HSET @1 deid d", "SET @de:d 1", "HSET @dn:d name n"]),
            ]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_only_child",
            all([waiting(&["1"]), parent("@up:", &["1"])]),
            remove(),
            "job rm @ 1",
        ),
        case(
            "remove_child_of_paused",
            all([
                waiting(&["1"]),
                parent("@up:", &["1"]),
                lines(&["HSET @up:meta paused 1"]),
            ]),
            remove(),
            "job rm @ 1",
        ),
        case("remove_family", family(), remove(), "job rm @ 1"),
        case(
            "remove_parent_alone",
            family(),
            queue("remove", json!(["1", {"removeChildren": false}])),
            "job rm @ 1 --keep-children",
        ),
        case(
            "remove_family_locked",
            all([family(), lines(&["SET @c:lock t"])]),
            vec![],
            "job rm @ 1",
        ),
    ]
}

#[test]
fn retry_puts_jobs_back_as_bullmq_does() {
    equal(retrying());
}

#[test]
fn promote_puts_jobs_back_as_bullmq_does() {
    equal(promoting());
}

#[test]
fn rm_removes_what_bullmq_s_remove_does() {
    equal(removing());
}
