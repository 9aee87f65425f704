//! Flows: parents and children over queues, from npm's `FlowProducer` and from
//! guests, worked on by Runner and by Node workers. The measure is what Node
//! workers make of the same flow.

use runner::queue::{FlowJob, NewJob, add_flow};
use serde_json::{Value, json};

use crate::support::engine::{Engine, config, echo};
use crate::support::{Node, Redis, Runner, Setup, guest, until};

const VERSIONS: [u8; 2] = [5, 6];

/// Parents in the queue `runner`, children in `beside`; `node` is declared and
/// left to Node workers.
fn serve(redis: &Redis) -> (Setup, Runner) {
    let toml = "[queues.runner]\nplugin = \"flows\"\n[queues.beside]\nplugin = \"scripted\"\n\
                [queues.node]\n";
    let setup = Setup::new(redis, toml)
        .plugin("flows", &guest("flows"))
        .plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    (setup, runner)
}

/// A node of a flow in the queue `beside`.
fn child(id: &str, data: Value, options: Value) -> Value {
    let mut options = options;
    options["jobId"] = id.into();
    json!({ "name": "child", "queueName": "beside", "data": data, "opts": options })
}

/// The text with the queues of the Node run named as those of the other.
fn renamed(text: &str) -> Value {
    let text = text
        .replace(":node-beside:", ":beside:")
        .replace(":node:", ":runner:")
        .replace(":node-beside\"", ":beside\"")
        .replace(":node\"", ":runner\"");
    serde_json::from_str(&text).unwrap()
}

/// What readers see of a flow that has ended; moments, frames and who did it
/// left out.
fn view(node: &mut Node, parent: &str, children: &str, ids: &[&str]) -> Value {
    let answer = node.finished(parent, "parent-1");
    let mut jobs = Vec::new();
    for (queue, id) in [(parent, "parent-1")]
        .into_iter()
        .chain(ids.iter().map(|id| (children, *id)))
    {
        let mut job = node.job(queue, id);
        if let Some(fields) = job.as_object_mut() {
            for field in [
                "timestamp",
                "processedOn",
                "finishedOn",
                "processedBy",
                "stacktrace",
            ] {
                fields.remove(field);
            }
        }
        jobs.push(job);
    }
    let counts = [parent, children].map(|queue| node.queue(queue, "getJobCounts", json!([])));
    renamed(&json!({ "answer": answer, "jobs": jobs, "counts": counts }).to_string())
}

/// Give the flow to Node workers and to Runner; what became of the parent is
/// returned when all readers see the same.
#[track_caller]
fn same_under_both(version: u8, data: Value, children: &[Value], ids: &[&str]) -> Value {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, version);
    let (_setup, _runner) = serve(&redis);
    for queue in ["node", "node-beside"] {
        node.call("worker", json!({ "queue": queue }));
    }
    let flow = json!({
        "name": "parent", "queueName": "runner", "data": data, "children": children,
        "opts": { "jobId": "parent-1" },
    });
    let there = flow
        .to_string()
        .replace("\"beside\"", "\"node-beside\"")
        .replace("\"runner\"", "\"node\"");
    let there: Value = serde_json::from_str(&there).unwrap();
    node.call("flow", json!({ "flow": there }));
    node.call("flow", json!({ "flow": flow }));
    let expected = view(&mut node, "node", "node-beside", ids);
    let mut seen = view(&mut node, "runner", "beside", ids);
    assert_eq!(seen, expected, "bullmq {version}");
    seen["answer"].take()
}

#[test]
fn a_parent_reads_what_its_children_returned() {
    for version in VERSIONS {
        let mut middle = child("a", json!({ "result": { "n": 1 } }), json!({}));
        middle["children"] = json!([child("deep", json!({}), json!({}))]);
        let gone = json!({ "removeOnComplete": true });
        let two = child("b", json!({ "result": "two" }), gone);
        let answer = same_under_both(version, json!({}), &[middle, two], &["a", "b", "deep"]);
        assert_eq!(answer["counts"], json!([2, 0, 0, 0]));
        let values: Vec<&Value> = answer["values"].as_object().unwrap().values().collect();
        assert_eq!(values, [&json!({ "n": 1 }), &json!("two")]);
    }
}

#[test]
fn a_child_that_fails_does_to_its_parent_what_its_policy_says() {
    for version in VERSIONS {
        let failing =
            |policy: &str| child("bad", json!({ "reject": "torn" }), json!({ policy: true }));
        let good = child("good", json!({ "result": 1 }), json!({}));

        let answer = same_under_both(
            version,
            json!({}),
            &[failing("failParentOnFailure")],
            &["bad"],
        );
        assert!(
            answer["error"].as_str().unwrap().ends_with(":bad failed"),
            "{answer}"
        );

        let continued = [failing("continueParentOnFailure")];
        let answer = same_under_both(version, json!({}), &continued, &["bad"]);
        assert_eq!(answer["counts"], json!([0, 0, 0, 1]), "{answer}");

        let ignored = [failing("ignoreDependencyOnFailure"), good.clone()];
        let answer = same_under_both(version, json!({}), &ignored, &["bad", "good"]);
        assert_eq!(answer["counts"], json!([1, 0, 0, 1]), "{answer}");
        let reasons: Vec<&Value> = answer["ignored"].as_object().unwrap().values().collect();
        assert_eq!(reasons, ["torn"]);

        let removed = [failing("removeDependencyOnFailure"), good];
        let answer = same_under_both(version, json!({}), &removed, &["bad", "good"]);
        assert_eq!(answer["counts"], json!([1, 0, 0, 0]), "{answer}");
    }
}

#[test]
fn a_parent_that_continues_on_a_failure_removes_its_other_children() {
    for version in VERSIONS {
        let policy = json!({ "continueParentOnFailure": true });
        let bad = child("bad", json!({ "reject": "torn" }), policy);
        let mut late = child("late", json!({}), json!({}));
        late["children"] = json!([child("deep", json!({}), json!({ "delay": 3_600_000 }))]);
        let alone = json!({ "alone": true });
        let ids = ["bad", "late", "deep"];
        let answer = same_under_both(version, alone, &[bad, late], &ids);
        assert_eq!(answer["counts"], json!([0, 0, 0, 1]), "{answer}");
    }
}

#[test]
fn a_failure_climbs_through_every_level_that_lets_it() {
    for version in VERSIONS {
        let mut middle = child("middle", json!({}), json!({ "failParentOnFailure": true }));
        let policy = json!({ "failParentOnFailure": true });
        middle["children"] = json!([child("deep", json!({ "reject": "torn" }), policy)]);
        let answer = same_under_both(version, json!({}), &[middle], &["middle", "deep"]);
        assert!(
            answer["error"]
                .as_str()
                .unwrap()
                .ends_with(":middle failed"),
            "{answer}"
        );
    }
}

#[test]
fn a_parent_waits_for_a_failed_child_until_that_was_retried() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis);
        let data = json!({ "retry": "not yet", "attempts": 1, "result": 5 });
        let flow = json!({
            "name": "parent", "queueName": "runner", "data": {},
            "children": [child("c", data, json!({}))], "opts": { "jobId": "parent-1" },
        });
        node.call("flow", json!({ "flow": flow }));
        assert_eq!(redis.until_ended("beside", "c"), "failed");
        assert_eq!(node.job("runner", "parent-1")["state"], "waiting-children");
        node.job_call("beside", "c", "retry", json!([]));
        let answer = node.finished("runner", "parent-1");
        let values: Vec<&Value> = answer["values"].as_object().unwrap().values().collect();
        assert_eq!(values, [5]);
    }
}

#[test]
fn a_guest_adds_children_and_waits_for_them() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let (_setup, _runner) = serve(&redis);
    let id = node.add("runner", "wait", json!({ "requestId": "r-7" }), json!({}));
    let answer = node.finished("runner", &id);
    assert_eq!(answer["counts"], json!([2, 0, 0, 0]), "{answer}");
    assert_eq!(answer["attempt"], 1, "waiting spends no attempt");
    let values: Vec<&Value> = answer["values"].as_object().unwrap().values().collect();
    assert_eq!(values, [1, 2]);
    let children = node.queue("beside", "getJobs", json!([["completed"]]));
    let children = children.as_array().unwrap();
    assert_eq!(children.len(), 2);
    for job in children {
        assert_eq!(job["data"]["requestId"], "r-7", "{job}");
        assert_eq!(job["opts"]["parent"]["id"], json!(id), "{job}");
    }
    assert_eq!(node.job("runner", &id)["attemptsMade"], 1);
}

#[test]
fn a_job_that_waits_for_children_it_never_had_fails_and_says_so() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let (_setup, _runner) = serve(&redis);
    let id = node.add("runner", "childless", json!({}), json!({}));
    assert_eq!(
        node.finished("runner", &id)["error"],
        "wait-children: the job has no children; add them before"
    );
}

#[test]
fn a_flow_added_by_a_guest_is_finished_by_node_workers() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis);
        let id = node.add("runner", "flow", json!({}), json!({}));
        let root = node.finished("runner", &id);
        let root = root.as_str().unwrap().to_owned();
        assert_eq!(node.job("runner", &root)["state"], "waiting-children");
        node.call("worker", json!({ "queue": "node" }));
        let answer = node.finished("runner", &root);
        let values: Vec<&Value> = answer["values"].as_object().unwrap().values().collect();
        assert_eq!(values, ["sum"], "{answer}");
        let ignored: Vec<&Value> = answer["ignored"].as_object().unwrap().values().collect();
        assert_eq!(ignored, ["torn"], "{answer}");
        assert_eq!(answer["counts"], json!([1, 0, 0, 1]));
    }
}

/// A queue in which a flow finds a job that has completed, one that waits, and one
/// whose parent has gone.
fn found(redis: &Redis) {
    let job = |id: &str, more: &[&str]| {
        let key = redis.key("q", id);
        let all = [
            &["HSET", &key, "name", "n", "data", "{}", "opts", "{}"],
            &["timestamp", "1600000000000", "delay", "0", "priority", "0"][..],
            more,
        ];
        redis.run::<()>(&all.concat());
    };
    let wait = redis.key("q", "wait");
    let completed = redis.key("q", "completed");
    for id in ["done", "too"] {
        job(id, &["returnvalue", "7", "finishedOn", "1600000000000"]);
        redis.run::<()>(&["ZADD", &completed, "1600000000000", id]);
    }
    job("waits", &[]);
    let (gone, queue) = (redis.key("q", "gone"), redis.key("q", ""));
    let parent = json!({ "id": "gone", "queueKey": queue.trim_end_matches(':') });
    job(
        "orphan",
        &["parentKey", &gone, "parent", &parent.to_string()],
    );
    redis.run::<()>(&["LPUSH", &wait, "waits", "orphan"]);
}

/// Where each job is and whose child, and who waits for whom.
fn places(redis: &Redis) -> std::collections::BTreeMap<String, Vec<String>> {
    let base = redis.key("q", "");
    let mut all = super::queue_equality::state(redis, "q");
    all.retain(|key, value| {
        // Of a job its parent only; options are compared elsewhere.
        value.retain(|text| !text.contains('=') || text.starts_with("parent"));
        !value.is_empty() && key != "@id" && key != "@meta"
    });
    for text in all.values_mut().flatten() {
        *text = text.replace(base.trim_end_matches(':'), "@");
    }
    all
}

#[test]
fn a_flow_attaches_what_it_finds_and_releases_its_parents_when_all_is_in_as_npm_does() {
    let flows: [(&str, &[&str]); 4] = [
        ("all-done", &["done"]),
        ("one-done", &["too", "fresh"]),
        ("adopts", &["orphan", "waits"]),
        ("adopts", &["orphan"]),
    ];
    let (theirs, mine) = (Redis::shared(), Redis::shared());
    let mut node = Node::start(&theirs, 6);
    found(&theirs);
    found(&mine);
    mine.run::<()>(&["HSET", &mine.key("q", "meta"), "version", "bullmq:6.7.0"]);
    let engine = Engine::new(&mine, echo);
    let queue = engine.shared.queue(&config("q", 1));
    let new = |id: &str, parent| FlowJob {
        queue: queue.clone(),
        job: NewJob {
            id: Some(id.to_owned()),
            name: "n".to_owned(),
            data: "{}".to_owned(),
            ..NewJob::default()
        },
        parent,
        on_failure: None,
    };
    for (parent, children) in flows {
        let of = |id: &&str| json!({ "name": "n", "queueName": "q", "data": {}, "opts": { "jobId": id } });
        let mut flow = of(&parent);
        flow["children"] = children.iter().map(of).collect();
        node.call("flow", json!({ "flow": flow }));
        let mut jobs = vec![new(parent, None)];
        jobs.extend(children.iter().map(|id| new(id, Some(0))));
        engine.runtime.block_on(add_flow(None, &jobs)).unwrap();
        assert_eq!(places(&mine), places(&theirs), "{parent}");
    }
    // npm adds the rest and leaves the parent waiting for ever.
    let taken = engine
        .runtime
        .block_on(add_flow(None, &[new("late", None), new("waits", Some(0))]));
    let error = taken.unwrap_err().to_string();
    let (child, parent) = (mine.key("q", "waits"), mine.key("q", "adopts"));
    assert_eq!(
        error,
        format!("the job {child} is a child of {parent} already")
    );
    assert_eq!(mine.field("q", "late", "name"), None);
}

#[test]
fn a_guest_limits_its_queue_for_every_worker() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (setup, mut runner) = serve(&redis);
        let limited = node.add("runner", "limit", json!({ "limit": 3_600_000 }), json!({}));
        until("the queue to be limited", || {
            let left: i64 = redis.run(&["PTTL", &redis.key("runner", "limiter")]);
            (left > 3_500_000).then_some(())
        });
        runner.stop();
        drop(runner);
        assert_eq!(node.job("runner", &limited)["attemptsMade"], 0);
        assert_eq!(
            redis.count("runner", "wait"),
            1,
            "it went back to the front"
        );

        // Neither a Node worker nor another runner without a limiter starts one.
        let limiter = json!({ "max": 100, "duration": 1000 });
        node.call("worker", json!({ "queue": "runner", "limiter": limiter }));
        let second = setup.serve();
        second.until_ready();
        let next = node.add("runner", "child", json!({ "result": 2 }), json!({}));
        let beside = node.add("beside", "child", json!({ "result": 1 }), json!({}));
        assert_eq!(node.finished("beside", &beside), 1);
        assert_eq!(redis.count("runner", "wait"), 2);
        assert_eq!(redis.count("runner", "active"), 0);

        // When the limit ends both go on.
        let _: i64 = redis.run(&["PEXPIRE", &redis.key("runner", "limiter"), "20"]);
        node.call("closeWorker", json!({ "queue": "runner" }));
        let third = setup.serve();
        assert_eq!(node.finished("runner", &next), 2);
        drop((second, third));
    }
}
