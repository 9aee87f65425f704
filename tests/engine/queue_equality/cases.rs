//! The start states, and the steps that lead on from them.

use serde_json::{Value, json};

/// A start state as Redis commands, in which `@` stands for the queue's base,
/// and what is done from there.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) start: Vec<String>,
    pub(super) steps: Value,
}

fn job(id: &str, options: &str, more: &str) -> String {
    format!(
        "HSET @{id} name n data {{}} opts {options} timestamp 1600000000000 delay 0 priority 0 {more}"
    )
}

fn waiting(id: &str, options: &str, more: &str) -> Vec<String> {
    vec![job(id, options, more), format!("LPUSH @wait {id}")]
}

fn prioritized(id: &str, options: &str, priority: u64) -> Vec<String> {
    vec![
        job(id, options, &format!("priority {priority}")),
        format!("ZADD @prioritized {} {id}", priority * 4_294_967_296 + 1),
        "SET @pc 1".to_owned(),
    ]
}

fn old(state: &str, ids: &[(&str, u64)]) -> Vec<String> {
    ids.iter()
        .flat_map(|(id, at)| {
            [
                job(id, "{}", "returnvalue 1"),
                format!("ZADD @{state} {at} {id}"),
            ]
        })
        .collect()
}

/// A child `c` of parent `p` in another queue, `@up:` standing for its base.
fn child(policy: &str, options: &str, parent: &[&str]) -> Vec<String> {
    let raw = format!(r#"{{"id":"p","queueKey":"@up"{policy}}}"#);
    let mut start = waiting("c", options, &format!("parentKey @up:p parent {raw}"));
    start.push(
        "HSET @up:p name p data {} opts {} timestamp 1600000000000 delay 0 priority 0".into(),
    );
    start.push("SADD @up:p:dependencies @c".into());
    start.extend(parent.iter().map(|line| (*line).to_owned()));
    start
}

fn case(name: &'static str, start: Vec<String>, steps: Value) -> Case {
    Case { name, start, steps }
}

// Long because it is one table.
pub(super) fn cases() -> Vec<Case> {
    let both = |mut a: Vec<String>, b: Vec<String>| {
        a.extend(b);
        a
    };
    let end = |step: &str| json!([["take"], [step, "r"]]);
    let held = ["ZADD @up:waiting-children 1 p"];
    let mut cases = vec![
        case("completed", waiting("1", "{}", ""), end("complete")),
        case("failed", waiting("1", "{}", ""), end("fail")),
        case("rejected", waiting("1", r#"{"attempts":5}"#, ""), end("reject")),
        case("retried", waiting("1", r#"{"attempts":2}"#, ""), end("fail")),
        case(
            "retried_behind_others",
            both(waiting("1", r#"{"attempts":2}"#, ""), waiting("2", "{}", "")),
            end("fail"),
        ),
        case(
            "retried_lifo",
            both(waiting("1", r#"{"attempts":2,"lifo":true}"#, ""), waiting("2", "{}", "")),
            end("fail"),
        ),
        case(
            "retried_later",
            waiting("1", r#"{"attempts":2,"backoff":{"type":"fixed","delay":60000}}"#, ""),
            end("fail"),
        ),
        case("retried_by_priority", prioritized("1", r#"{"attempts":2}"#, 3), end("fail")),
        case(
            "retried_after_what_is_due",
            both(waiting("1", r#"{"attempts":2}"#, ""), vec![job("2", "{}", ""), job("3", "{}", "")]),
            json!([["take"], ["due", "2"], ["due", "3"], ["fail", "r"]]),
        ),
        case(
            "retried_lifo_after_what_is_due",
            both(waiting("1", r#"{"attempts":2,"lifo":true}"#, ""), vec![job("2", "{}", "")]),
            json!([["take"], ["due", "2"], ["fail", "r"]]),
        ),
        case(
            "retried_by_priority_after_what_is_due",
            both(prioritized("1", r#"{"attempts":2}"#, 3), vec![job("2", "{}", "priority 3")]),
            json!([["take"], ["due", "2"], ["fail", "r"]]),
        ),
        case(
            "of_both_kinds_due_while_paused",
            vec![job("1", "{}", ""), job("2", "{}", "priority 3"), "HSET @meta paused 1".into()],
            json!([["due", "1"], ["due", "2"], ["take"]]),
        ),
        case(
            "due_while_full",
            both(waiting("1", "{}", ""), vec![job("2", "{}", ""), "HSET @meta concurrency 1".into()]),
            json!([["take"], ["due", "2"], ["take"]]),
        ),
        case(
            "last_attempt",
            waiting("1", r#"{"attempts":2}"#, r#"atm 1 ats 1 stacktrace ["first"]"#),
            end("fail"),
        ),
        case(
            "trace_limit",
            waiting("1", r#"{"attempts":9,"stackTraceLimit":2}"#, r#"stacktrace ["a","b"]"#),
            end("fail"),
        ),
        case("no_trace", waiting("1", r#"{"stackTraceLimit":0}"#, r#"stacktrace ["a"]"#), end("fail")),
        case("back", both(waiting("1", "{}", ""), waiting("2", "{}", "")), json!([["take"], ["back"]])),
        case("back_by_priority", prioritized("1", "{}", 3), json!([["take"], ["back"]])),
        case("later", waiting("1", "{}", ""), json!([["take"], ["later", 60000]])),
        case(
            "progress",
            waiting("1", "{}", ""),
            json!([["take"], ["progress", {"percent": 3}], ["log", "a"], ["log", "b"], ["complete", 1]]),
        ),
        case(
            "kept_logs",
            waiting("1", r#"{"kl":2}"#, ""),
            json!([["take"], ["log", "a"], ["log", "b"], ["log", "c"], ["complete", 1]]),
        ),
        case("drained_not", both(waiting("1", "{}", ""), waiting("2", "{}", "")), end("complete")),
        case(
            "two_active",
            both(waiting("1", "{}", ""), waiting("2", "{}", "")),
            json!([["take"], ["take"], ["complete", 1]]),
        ),
        case("paused", both(waiting("1", "{}", ""), vec!["HSET @meta paused 1".into()]), json!([["take"]])),
        case(
            "retried_while_paused",
            both(waiting("1", r#"{"attempts":2}"#, ""), vec![]),
            json!([["take"], ["fail", "x"]]),
        ),
        case(
            "concurrency",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                vec!["HSET @meta concurrency 1".into()],
            ),
            json!([["take"], ["take"], ["complete", 1], ["take"]]),
        ),
        case(
            "limited",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                vec!["HSET @meta max 1 duration 60000".into()],
            ),
            json!([["take"], ["take"], ["complete", 1]]),
        ),
        case(
            "due",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                "ZADD @delayed 4096000 1 4096001 2".into(),
            ],
            json!([["take"]]),
        ),
        case(
            "deduplicated",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 1".into()]),
            end("complete"),
        ),
        case(
            "deduplicated_by_another",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 7".into()]),
            end("fail"),
        ),
        case(
            "deduplicated_for_a_time",
            both(waiting("1", "{}", "deid d"), vec!["SET @de:d 1 PX 60000".into()]),
            end("complete"),
        ),
        case(
            "keep_last",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    "SET @id 1".into(),
                    r#"HSET @dn:d name m data {"x":1} opts {"de":{"id":"d","keepLastIfActive":true}}"#.into(),
                ],
            ),
            end("complete"),
        ),
        case(
            "keep_last_by_priority",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    r#"HSET @dn:d name m data {} opts {"priority":3,"de":{"id":"d"}} jid own"#.into(),
                ],
            ),
            end("fail"),
        ),
        case(
            "stalled_once",
            vec![job("1", "{}", ""), "LPUSH @active 1".into(), "SADD @stalled 1".into()],
            json!([["stalled"]]),
        ),
        case(
            "stalled_too_often",
            vec![job("1", "{}", "stc 1"), "LPUSH @active 1".into(), "SADD @stalled 1".into()],
            json!([["stalled"]]),
        ),
        case("marked_as_stalled", waiting("1", "{}", ""), json!([["take"], ["stalled"]])),
        case("deferred_failure", waiting("1", r#"{"attempts":3}"#, "defa gone"), json!([["take"]])),
        case("last_child", child("", "{}", &held), end("complete")),
        case(
            "one_child_of_two",
            child("", "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("complete"),
        ),
        case(
            "parent_by_priority",
            child("", "{}", &[held[0], "HSET @up:p priority 5"]),
            end("complete"),
        ),
        case("parent_delayed", child("", "{}", &[held[0], "HSET @up:p delay 60000"]), end("complete")),
        case("parent_paused", child("", "{}", &[held[0], "HSET @up:meta paused 1"]), end("complete")),
        case("parent_not_waiting", child("", "{}", &[]), end("complete")),
        case("removed_child", child("", r#"{"removeOnComplete":true}"#, &held), end("complete")),
        case("failed_child", child("", "{}", &held), end("fail")),
        case("failed_child_removed", child("", r#"{"removeOnFail":true}"#, &held), end("fail")),
        case("fail_parent", child(r#","fpof":true"#, "{}", &held), end("fail")),
        case(
            "fail_parent_delayed",
            child(r#","fpof":true"#, "{}", &["ZADD @up:delayed 5 p", "HSET @up:p delay 5"]),
            end("fail"),
        ),
        case("fail_parent_active", child(r#","fpof":true"#, "{}", &["LPUSH @up:active p"]), end("fail")),
        case("continue_parent", child(r#","cpof":true"#, "{}", &held), end("fail")),
        case("ignore_child", child(r#","idof":true"#, "{}", &held), end("fail")),
        case("forget_child", child(r#","rdof":true"#, "{}", &held), end("fail")),
        case(
            "fail_parent_by_priority",
            child(r#","fpof":true"#, "{}", &[held[0], "HSET @up:p priority 5"]),
            end("fail"),
        ),
        case(
            "fail_parent_paused",
            child(r#","fpof":true"#, "{}", &[held[0], "HSET @up:meta paused 1"]),
            end("fail"),
        ),
        case(
            "fail_parent_of_others",
            child(r#","fpof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("reject"),
        ),
        case(
            "continue_parent_of_others",
            child(r#","cpof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("fail"),
        ),
        case(
            "ignore_child_of_others",
            child(r#","idof":true"#, "{}", &[held[0], "SADD @up:p:dependencies other"]),
            end("fail"),
        ),
        case(
            "retried_child",
            child(r#","fpof":true"#, r#"{"attempts":2}"#, &held),
            end("fail"),
        ),
        case(
            "retried_exponentially",
            waiting(
                "1",
                r#"{"attempts":9,"backoff":{"type":"exponential","delay":60000}}"#,
                "atm 2 ats 2",
            ),
            end("fail"),
        ),
        case(
            "retried_lifo_by_priority",
            both(
                prioritized("1", r#"{"attempts":2,"lifo":true}"#, 3),
                waiting("2", "{}", ""),
            ),
            json!([["take"], ["take"], ["complete", 1], ["fail", "x"]]),
        ),
        case(
            "due_in_order",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                job("3", "{}", "delay 5 priority 2"),
                job("4", "{}", "delay 5"),
                "ZADD @delayed 4096000 1 4096001 2 4096002 3 8192000 4".into(),
            ],
            json!([["take"], ["take"], ["take"]]),
        ),
        case(
            "due_while_paused",
            vec![
                job("1", "{}", "delay 5"),
                job("2", "{}", "delay 5 priority 4"),
                "ZADD @delayed 4096000 1 4096001 2".into(),
                "HSET @meta paused 1".into(),
            ],
            json!([["take"]]),
        ),
        case(
            "stalled_by_priority",
            vec![
                job("1", "{}", "priority 3"),
                "LPUSH @active 1".into(),
                "SADD @stalled 1".into(),
            ],
            json!([["stalled"]]),
        ),
        case(
            "stalled_while_paused",
            vec![
                job("1", "{}", ""),
                "LPUSH @active 1".into(),
                "SADD @stalled 1".into(),
                "HSET @meta paused 1".into(),
            ],
            json!([["stalled"]]),
        ),
        case(
            "limited_and_concurrent",
            both(
                both(waiting("1", "{}", ""), waiting("2", "{}", "")),
                both(
                    waiting("3", "{}", ""),
                    vec!["HSET @meta concurrency 2 max 3 duration 60000".into()],
                ),
            ),
            json!([["take"], ["take"], ["take"], ["complete", 1], ["take"]]),
        ),
        case(
            "keep_last_delayed",
            both(
                waiting("1", "{}", "deid d"),
                vec![
                    "SET @de:d 1".into(),
                    "SET @id 1".into(),
                    r#"HSET @dn:d name m data {} opts {"delay":60000,"de":{"id":"d","keepLastIfActive":true}}"#.into(),
                ],
            ),
            end("complete"),
        ),
    ];
    let three = |options: [&str; 3]| {
        let [a, b, c] = options;
        both(
            waiting("1", a, ""),
            both(waiting("2", b, ""), waiting("3", c, "")),
        )
    };
    let takes = [json!(["take"]), json!(["take"]), json!(["take"])];
    let ends = |ends: [Value; 3]| Value::from([takes.clone(), ends].concat());
    cases.extend([
        case(
            "batch_completed",
            three(["{}"; 3]),
            ends([
                json!(["complete", 1]),
                json!(["complete", 2]),
                json!(["complete", 3]),
            ]),
        ),
        case(
            "batch_of_all_kinds",
            three(["{}", r#"{"attempts":2}"#, "{}"]),
            ends([
                json!(["complete", 1]),
                json!(["fail", "x"]),
                json!(["later", 60000]),
            ]),
        ),
        case(
            "batch_back",
            three(["{}"; 3]),
            ends([json!(["back"]), json!(["back"]), json!(["reject", "x"])]),
        ),
        case(
            "batch_keeps",
            three([
                r#"{"removeOnComplete":5}"#,
                r#"{"removeOnComplete":1}"#,
                r#"{"removeOnComplete":true}"#,
            ]),
            ends([
                json!(["complete", 1]),
                json!(["complete", 2]),
                json!(["complete", 3]),
            ]),
        ),
        case(
            "batch_of_waiting_and_prioritized",
            both(waiting("1", "{}", ""), prioritized("2", "{}", 1)),
            json!([["take"], ["take"], ["fail", "x"], ["complete", 2]]),
        ),
        case(
            "batch_of_children",
            both(
                child("", "{}", &[held[0], "SADD @up:p:dependencies @d"]),
                waiting(
                    "d",
                    "{}",
                    r#"parentKey @up:p parent {"id":"p","queueKey":"@up"}"#,
                ),
            ),
            json!([["take"], ["take"], ["complete", 1], ["complete", 2]]),
        ),
    ]);
    for (name, keep) in [
        ("keep_none", "true"),
        ("keep_all", "false"),
        ("keep_minus_one", "-1"),
        ("keep_one", "1"),
        ("keep_two", r#"{"count":2}"#),
        ("keep_by_age", r#"{"age":3600}"#),
        ("keep_by_age_and_count", r#"{"age":3600.5,"count":1}"#),
        ("keep_by_age_limited", r#"{"age":3600,"limit":1}"#),
    ] {
        for (set, option, step) in [
            ("completed", "removeOnComplete", "complete"),
            ("failed", "removeOnFail", "fail"),
        ] {
            let mut start = old(set, &[("8", 1_600_000_000_000), ("9", 1_600_000_000_001)]);
            start.extend(waiting("1", &format!(r#"{{"{option}":{keep}}}"#), ""));
            let name = Box::leak(format!("{name}_{set}").into_boxed_str());
            cases.push(case(name, start, end(step)));
        }
    }
    cases
}
