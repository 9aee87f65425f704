//! `runner queue` beside npm's methods of a queue.

use serde_json::json;

use super::{
    Case, all, case, delayed, ended, equal, job, lines, parent, prioritized, queue, waiting,
};

// Long because it is one table of cases.
fn pausing() -> Vec<Case> {
    let pause = || queue("pause", json!([]));
    let resume = || queue("resume", json!([]));
    let aside = |ids: &[&str]| -> Vec<String> {
        ids.iter()
            .flat_map(|id| [job(id, ""), format!("LPUSH @paused {id}")])
            .chain(["HSET @meta paused 1".to_owned()])
            .collect()
    };
    let marked = |start: Vec<String>| all([start, lines(&["ZADD @marker 0 0"])]);
    vec![
        case("pause_empty", vec![], pause(), "queue pause @"),
        case(
            "pause_waiting",
            marked(waiting(&["1", "2"])),
            pause(),
            "queue pause @",
        ),
        case(
            "pause_prioritized",
            marked(prioritized("1")),
            pause(),
            "queue pause @",
        ),
        case(
            "pause_twice",
            all([waiting(&["1"]), lines(&["HSET @meta paused 1"])]),
            pause(),
            "queue pause @",
        ),
        Case {
            // Version 5 does not look at `wait`; nobody waits for this marker.
            versions: &[6],
            ..case(
                "resume_not_paused",
                waiting(&["1"]),
                resume(),
                "queue resume @",
            )
        },
        case(
            "resume_empty",
            lines(&["HSET @meta paused 1"]),
            resume(),
            "queue resume @",
        ),
        case(
            "resume_legacy",
            aside(&["1", "2", "3"]),
            resume(),
            "queue resume @",
        ),
        Case {
            // Version 5 would lose jobs 4 and 5 here.
            versions: &[6],
            ..case(
                "resume_legacy_and_new",
                all([aside(&["1", "2", "3"]), waiting(&["4", "5"])]),
                resume(),
                "queue resume @",
            )
        },
        case(
            "resume_delayed",
            all([delayed("1", ""), lines(&["HSET @meta paused 1"])]),
            resume(),
            "queue resume @",
        ),
        case(
            "resume_prioritized",
            all([prioritized("1"), lines(&["HSET @meta paused 1"])]),
            resume(),
            "queue resume @",
        ),
        case(
            "pause_and_resume",
            waiting(&["1", "2", "3"]),
            [pause(), resume()].concat(),
            "queue pause @ ; queue resume @",
        ),
    ]
}

// Long because it is one table of cases.
fn draining() -> Vec<Case> {
    let drain = |delayed: bool| queue("drain", json!([delayed]));
    let everything = || {
        all([
            waiting(&["1", "2"]),
            prioritized("3"),
            delayed("4", ""),
            ended("failed", "5", ""),
            lines(&["LPUSH @active 6", &job("6", "")]),
        ])
    };
    vec![
        case("drain", everything(), drain(false), "queue drain @ --yes"),
        case(
            "drain_delayed",
            everything(),
            drain(true),
            "queue drain @ --yes --delayed",
        ),
        case(
            "drain_schedulers",
            all([
                delayed("repeat:s:1700000000000", "rjk s"),
                delayed("2", ""),
                lines(&["ZADD @repeat 1700000000000 s", "HSET @repeat:s name n ic 1"]),
            ]),
            drain(true),
            "queue drain @ --yes --delayed",
        ),
        case(
            "drain_deduplicated",
            all([
                waiting(&["1", "2"]),
                lines(&[
                    "HSET @1 deid d",
                    "HSET @2 deid e",
                    "SET @de:d 1",
                    "HSET @dn:d name n",
                    "SET @de:e 7",
                ]),
            ]),
            drain(false),
            "queue drain @ --yes",
        ),
        case(
            "drain_only_child",
            all([waiting(&["1"]), parent("@", &["1"])]),
            drain(false),
            "queue drain @ --yes",
        ),
        case(
            "drain_one_child",
            all([
                waiting(&["1"]),
                parent("@", &["1"]),
                lines(&["SADD @p:dependencies @x"]),
            ]),
            drain(false),
            "queue drain @ --yes",
        ),
        case(
            "drain_children",
            all([waiting(&["1", "2"]), parent("@", &["1", "2"])]),
            drain(false),
            "queue drain @ --yes",
        ),
    ]
}

// Long because it is one table of cases.
fn cleaning() -> Vec<Case> {
    let clean = |limit: u64, state: &str| queue("clean", json!([3_600_000, limit, state]));
    let new = |id: &str| format!("HSET @{id} timestamp 4000000000000");
    let ends = |set: &'static str| {
        all([
            ended(set, "1", ""),
            ended(set, "2", ""),
            ended(set, "3", ""),
            vec![
                format!("ZADD @{set} 1600000000400 2"),
                format!("ZADD @{set} 4000000000000 3"),
            ],
        ])
    };
    vec![
        case(
            "clean_nothing",
            vec![],
            clean(0, "completed"),
            "queue clean @ --state completed --older-than 1h --yes",
        ),
        case(
            "clean_completed",
            ends("completed"),
            clean(0, "completed"),
            "queue clean @ --state completed --older-than 1h --yes",
        ),
        case(
            "clean_failed",
            ends("failed"),
            clean(1, "failed"),
            "queue clean @ --state failed --older-than 1h --limit 1 --yes",
        ),
        case(
            "clean_waiting",
            all([waiting(&["1", "2", "3", "4"]), vec![new("2"), new("4")]]),
            clean(0, "wait"),
            "queue clean @ --state waiting --older-than 1h --yes",
        ),
        case(
            "clean_waiting_some",
            waiting(&["1", "2", "3", "4"]),
            clean(2, "wait"),
            "queue clean @ --state waiting --older-than 1h --limit 2 --yes",
        ),
        case(
            "clean_active",
            all([
                vec![
                    job("1", ""),
                    job("2", ""),
                    job("3", "processedOn 4000000000000"),
                ],
                lines(&["LPUSH @active 1 2 3", "SET @1:lock t"]),
            ]),
            clean(0, "active"),
            "queue clean @ --state active --older-than 1h --yes",
        ),
        case(
            "clean_delayed",
            all([
                delayed("1", ""),
                delayed("2", ""),
                delayed("3", "processedOn 4000000000000"),
                delayed("repeat:s:1700000000000", "rjk s"),
                lines(&["ZADD @repeat 1700000000000 s"]),
                vec![new("2")],
            ]),
            clean(0, "delayed"),
            "queue clean @ --state delayed --older-than 1h --yes",
        ),
        case(
            "clean_prioritized",
            all([prioritized("1"), prioritized("2"), vec![new("2")]]),
            clean(0, "prioritized"),
            "queue clean @ --state prioritized --older-than 1h --yes",
        ),
        case(
            "clean_deduplicated_child",
            all([
                ended("completed", "1", "deid d"),
                parent("@", &["1"]),
                lines(&["SET @de:d 1", "SADD @p:dependencies @x"]),
            ]),
            clean(0, "completed"),
            "queue clean @ --state completed --older-than 1h --yes",
        ),
    ]
}

fn obliterating() -> Vec<Case> {
    let everything = || {
        all([
            waiting(&["1", "2"]),
            prioritized("3"),
            delayed("4", ""),
            ended("failed", "5", ""),
            ended("completed", "6", ""),
            delayed("repeat:s:1700000000000", "rjk s"),
            lines(&[
                "ZADD @repeat 1700000000000 s",
                "HSET @repeat:s name n",
                "SET @id 9",
                "HSET @metrics:completed count 3",
                "LPUSH @metrics:completed:data 3",
                "HSET @1 deid d",
                "SET @de:d 1",
                "XADD @events * event waiting jobId 1",
            ]),
        ])
    };
    let active = || {
        all([
            everything(),
            lines(&["LPUSH @active 7", &job("7", ""), "SET @7:lock t"]),
        ])
    };
    vec![
        case(
            "obliterate",
            everything(),
            queue("obliterate", json!([])),
            "queue obliterate @ --yes",
        ),
        case(
            "obliterate_by_force",
            active(),
            queue("obliterate", json!([{"force": true}])),
            "queue obliterate @ --yes --force",
        ),
        // It is refused, and has paused the queue.
        case(
            "obliterate_active",
            active(),
            queue("pause", json!([])),
            "queue obliterate @ --yes",
        ),
        case(
            "obliterate_parent",
            all([waiting(&["1"]), parent("@", &["1"])]),
            queue("obliterate", json!([])),
            "queue obliterate @ --yes",
        ),
    ]
}

fn bounding() -> Vec<Case> {
    let bounded = || lines(&["HSET @meta concurrency 3 max 9 duration 1000"]);
    vec![
        case(
            "concurrency",
            vec![],
            queue("setGlobalConcurrency", json!([7])),
            "queue concurrency @ 7",
        ),
        case(
            "no_concurrency",
            bounded(),
            queue("removeGlobalConcurrency", json!([])),
            "queue concurrency @ none",
        ),
        case(
            "limit",
            vec![],
            queue("setGlobalRateLimit", json!([100, 10_000])),
            "queue limit @ 100/10s",
        ),
        case(
            "no_limit",
            bounded(),
            queue("removeGlobalRateLimit", json!([])),
            "queue limit @ none",
        ),
    ]
}

#[test]
fn pause_and_resume_do_what_bullmq_does() {
    equal(pausing());
}

#[test]
fn drain_removes_what_bullmq_s_does() {
    equal(draining());
}

#[test]
fn clean_removes_what_bullmq_s_does() {
    equal(cleaning());
}

#[test]
fn obliterate_leaves_what_bullmq_s_does() {
    equal(obliterating());
}

#[test]
fn concurrency_and_limit_are_stored_as_bullmq_does() {
    equal(bounding());
}
