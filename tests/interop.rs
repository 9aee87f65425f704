//! Real npm `bullmq`, 5 and 6, as producer, reader and fellow worker.
//!
//! The measure is BullMQ's own worker: the same job goes to it and to Runner,
//! with handlers that do the same, and whatever a Node reader sees of the two
//! must be equal.

use serde_json::{Value, json};

use crate::support::{Node, Redis, Runner, Setup, guest, until};

const VERSIONS: [u8; 2] = [5, 6];

/// A runner that works on the queues `runner` and `beside` with the guest
/// `scripted`.
fn serve(redis: &Redis, concurrency: u32) -> (Setup, Runner) {
    let toml = format!(
        "[queues.runner]\nplugin = \"scripted\"\nconcurrency = {concurrency}\n\
         [queues.beside]\nplugin = \"scripted\"\n"
    );
    let setup = Setup::new(redis, &toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    (setup, runner)
}

/// What must be equal of a finished job, whoever worked on it.
fn comparable(mut job: Value) -> Value {
    if job.is_null() {
        return job;
    }
    for moment in ["timestamp", "processedOn", "finishedOn"] {
        assert!(
            job[moment].as_u64() > Some(1_700_000_000_000),
            "{moment} in {job}"
        );
    }
    assert!(
        job["processedOn"].as_u64() <= job["finishedOn"].as_u64(),
        "{job}"
    );
    let stacktrace = job["stacktrace"].as_array().map_or(0, Vec::len);
    let fields = job.as_object_mut().expect("a job is an object");
    for field in ["timestamp", "processedOn", "finishedOn", "processedBy"] {
        fields.remove(field);
    }
    // Frames differ by language; how many attempts left some must not.
    fields.insert("stacktrace".to_owned(), stacktrace.into());
    job
}

/// Events without the moments in them.
fn timeless(events: &[Value]) -> Vec<Value> {
    let mut events = events.to_vec();
    for event in &mut events {
        if event["event"] == "delayed" {
            assert!(event["delay"].as_u64() > Some(1_700_000_000_000), "{event}");
            event["delay"].take();
        }
    }
    events
}

/// Give the job to a Node worker and to Runner, and compare what Node reads.
/// Returns the job as it was under Runner.
#[track_caller]
fn same_under_both(version: u8, data: Value, options: Value) -> Value {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, version);
    let (_setup, _runner) = serve(&redis, 1);
    node.call("worker", json!({ "queue": "node" }));
    let mut views = ["node", "runner"].map(|queue| {
        let id = node.add(queue, "test", data.clone(), options.clone());
        let answer = node.finished(queue, &id);
        let events = timeless(&node.events(queue, "drained", None));
        let job = node.job(queue, &id);
        let counts = node.queue(queue, "getJobCounts", json!([]));
        let logs = node.queue(queue, "getJobLogs", json!([id]))["count"].clone();
        (answer, events, job, counts, logs)
    });
    let [node, runner] = &mut views;
    assert_eq!(
        runner.0, node.0,
        "answer of waitUntilFinished, bullmq {version}"
    );
    assert_eq!(runner.1, node.1, "events, bullmq {version}");
    let job = runner.2.clone();
    assert_eq!(
        comparable(runner.2.take()),
        comparable(node.2.take()),
        "bullmq {version}"
    );
    assert_eq!(runner.3, node.3, "counts, bullmq {version}");
    assert_eq!(runner.4, node.4, "log lines, bullmq {version}");
    job
}

#[test]
fn a_completed_job_reads_as_under_a_node_worker() {
    for version in VERSIONS {
        let result =
            json!({ "sent": true, "to": ["ä", 1.5, null], "big": 9_007_199_254_740_991_u64 });
        let job = same_under_both(version, json!({ "result": result }), json!({}));
        assert_eq!(job["returnvalue"], result);
        assert_eq!(job["state"], "completed");
        assert_eq!(job["attemptsMade"], 1);
        same_under_both(version, json!({}), json!({ "jobId": "my-id" }));
        same_under_both(version, json!({ "result": "text" }), json!({ "delay": 20 }));
        same_under_both(version, json!({ "result": 0 }), json!({ "priority": 3 }));
        same_under_both(version, json!({ "result": false }), json!({ "lifo": true }));
    }
}

#[test]
fn progress_and_logs_read_as_under_a_node_worker() {
    for version in VERSIONS {
        let data = json!({ "log": ["one", "two", "three"], "progress": [40], "sleep": 300 });
        let job = same_under_both(version, data, json!({}));
        assert_eq!(job["progress"], 40);
        same_under_both(
            version,
            json!({ "log": ["a", "b", "c"] }),
            json!({ "keepLogs": 2 }),
        );
    }
}

#[test]
fn a_rejected_job_reads_as_under_a_node_worker() {
    for version in VERSIONS {
        let data = json!({ "reject": "no such number" });
        let job = same_under_both(version, data, json!({ "attempts": 5, "backoff": 10 }));
        assert_eq!(job["failedReason"], "no such number");
        assert_eq!(job["attemptsMade"], 1);
        assert!(
            job["stacktrace"][0]
                .as_str()
                .unwrap()
                .contains("no such number"),
            "{job}"
        );
    }
}

#[test]
fn a_retried_job_reads_as_under_a_node_worker() {
    for version in VERSIONS {
        let data = json!({ "retry": "busy", "attempts": 2, "result": "at last" });
        let fixed = json!({ "attempts": 3, "backoff": { "type": "fixed", "delay": 15 } });
        let job = same_under_both(version, data.clone(), fixed);
        assert_eq!(job["attemptsMade"], 3);
        assert_eq!(job["returnvalue"], "at last");
        let exponential =
            json!({ "attempts": 3, "backoff": { "type": "exponential", "delay": 10 } });
        same_under_both(version, data.clone(), exponential);
        same_under_both(version, data, json!({ "attempts": 3 }));
    }
}

#[test]
fn a_job_out_of_attempts_reads_as_under_a_node_worker() {
    for version in VERSIONS {
        let options = json!({ "attempts": 2, "backoff": { "type": "fixed", "delay": 10 } });
        let job = same_under_both(version, json!({ "retry": "busy" }), options);
        assert_eq!(job["state"], "failed");
        assert_eq!(job["failedReason"], "busy");
        assert_eq!(job["attemptsMade"], 2);
    }
}

#[test]
fn finished_jobs_are_kept_or_removed_as_under_a_node_worker() {
    for version in VERSIONS {
        for options in [
            json!({ "removeOnComplete": { "count": 1 } }),
            json!({ "removeOnComplete": 10 }),
            json!({ "removeOnComplete": { "age": 3600, "count": 5 } }),
        ] {
            same_under_both(version, json!({}), options);
        }
        same_under_both(
            version,
            json!({ "reject": "no" }),
            json!({ "removeOnFail": { "count": 1 } }),
        );
    }
}

#[test]
fn jobs_that_ask_for_it_are_removed_when_they_end() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 4);
        node.queue(
            "runner",
            "addBulk",
            json!([[
                { "name": "a", "data": {}, "opts": { "removeOnComplete": true } },
                { "name": "b", "data": { "reject": "no" }, "opts": { "removeOnFail": true } },
                { "name": "c", "data": {} },
            ]]),
        );
        redis.until_count("runner", "completed", 1);
        until("the other two to go", || {
            let left = ["1", "2"].map(|id| redis.field("runner", id, "name"));
            (left == [None, None]).then_some(())
        });
        assert_eq!(redis.field("runner", "3", "name").as_deref(), Some("c"));
        assert_eq!(redis.count("runner", "failed"), 0);
    }
}

#[test]
fn jobs_start_in_bullmqs_order() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let mut started = Vec::new();
        let mut worker = None;
        for queue in ["node", "runner"] {
            node.queue(queue, "pause", json!([]));
            node.queue(
                queue,
                "addBulk",
                json!([[
                    { "name": "first", "data": {} },
                    { "name": "low", "data": {}, "opts": { "priority": 10 } },
                    { "name": "second", "data": {} },
                    { "name": "high", "data": {}, "opts": { "priority": 1 } },
                    { "name": "high too", "data": {}, "opts": { "priority": 1 } },
                    { "name": "front", "data": {}, "opts": { "lifo": true } },
                ]]),
            );
            match queue {
                "node" => drop(node.call("worker", json!({ "queue": queue }))),
                _ => worker = Some(serve(&redis, 1)),
            }
            node.queue(queue, "resume", json!([]));
            let order: Vec<Value> = node
                .events(queue, "drained", None)
                .into_iter()
                .filter(|event| event["event"] == "active")
                .map(|event| event["jobId"].clone())
                .collect();
            started.push(order);
        }
        assert_eq!(started[1], started[0], "bullmq {version}");
        assert_eq!(started[1], ["6", "1", "3", "4", "5", "2"]);
        drop(worker);
    }
}

#[test]
fn pause_and_resume_from_node_hold_and_release_the_queue() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 4);
        let before = node.add("runner", "before", json!({}), json!({}));
        redis.until_ended("runner", &before);
        node.queue("runner", "pause", json!([]));
        let held = node.add("runner", "held", json!({ "result": 7 }), json!({}));
        // Jobs of another queue of the same runner show that it had the time.
        for _ in 0..20 {
            let other = node.add("beside", "other", json!({}), json!({}));
            redis.until_ended("beside", &other);
        }
        assert_eq!(node.job("runner", &held)["attemptsStarted"], 0);
        node.queue("runner", "resume", json!([]));
        assert_eq!(node.finished("runner", &held), 7);
    }
}

#[test]
fn a_node_worker_and_runner_share_a_queue() {
    const JOBS: u64 = 1000;
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 5);
        node.call("worker", json!({ "queue": "runner", "concurrency": 5 }));
        let data = json!({ "sleep": 2 });
        node.call(
            "flood",
            json!({ "queue": "runner", "name": "n", "count": JOBS, "data": data }),
        );
        redis.until_count("runner", "completed", JOBS);
        let by_node = node
            .call("closeWorker", json!({ "queue": "runner" }))
            .as_u64()
            .unwrap();
        assert!(by_node > 0 && by_node < JOBS, "{by_node} of {JOBS} by Node");
        let twice = node.queue("runner", "getJobs", json!([["completed"], 0, JOBS]));
        let twice = twice
            .as_array()
            .unwrap()
            .iter()
            .filter(|job| job["attemptsStarted"] != 1);
        assert_eq!(twice.count(), 0, "jobs done twice");
        assert_eq!(redis.count("runner", "active"), 0);
    }
}

#[test]
fn node_lists_the_runner_as_a_worker() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 1);
        let workers = until("a worker in getWorkers", || {
            let workers = node.queue("runner", "getWorkers", json!([]));
            (!workers.as_array().unwrap().is_empty()).then_some(workers)
        });
        assert_eq!(workers.as_array().unwrap().len(), 1, "{workers}");
        assert_eq!(node.queue("runner", "getWorkersCount", json!([])), 1);
    }
}

#[test]
fn bull_board_reads_what_runner_wrote() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 2);
        let good = node.add(
            "runner",
            "good",
            json!({ "progress": [100], "result": { "n": 1 } }),
            json!({}),
        );
        let bad = node.add(
            "runner",
            "bad",
            json!({ "reject": "no such number" }),
            json!({}),
        );
        redis.until_ended("runner", &good);
        redis.until_ended("runner", &bad);
        let board = node.call("board", json!({ "queue": "runner", "status": "completed" }));
        assert_eq!(board["counts"]["completed"], 1);
        assert_eq!(board["counts"]["failed"], 1);
        assert_eq!(board["jobs"][0]["returnValue"], json!({ "n": 1 }));
        assert_eq!(board["jobs"][0]["progress"], 100);
        assert_eq!(board["hasWorkers"], true);
        let board = node.call("board", json!({ "queue": "runner", "status": "failed" }));
        assert_eq!(board["jobs"][0]["failedReason"], "no such number");
        assert_eq!(board["jobs"][0]["isFailed"], true);
    }
}

#[test]
fn node_retries_what_runner_failed() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let (_setup, _runner) = serve(&redis, 1);
        let id = node.add(
            "runner",
            "job",
            json!({ "retry": "busy", "attempts": 1, "result": 1 }),
            json!({}),
        );
        assert_eq!(node.finished("runner", &id), json!({ "error": "busy" }));
        node.job_call("runner", &id, "retry", json!(["failed"]));
        until("the second run to complete", || {
            (redis.until_ended("runner", &id) == "completed").then_some(())
        });
        let job = node.job("runner", &id);
        assert_eq!(job["returnvalue"], 1);
        assert!(job["failedReason"].is_null(), "{job}");
    }
}
