//! What collectors, scalers and people with a question read: `/metrics`, `/queue/health`,
//! `/queue/metrics`, `/autoscale`, and what attempts have cost.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::served;
use crate::support::{Api, Redis, Runner, Setup, guest, until};

const QUEUES: &str = "[queues.scripted]\nplugin = \"scripted\"\ndead_letter = \"dead\"\n\
    trace_fields = [\"shopId\"]\n[queues.dead]\n";

fn started(redis: &Redis) -> (Setup, Runner, Api) {
    let setup = served(redis, QUEUES).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    (setup, runner, api)
}

fn add(redis: &Redis, payload: &str) -> String {
    redis.add("scripted", "work", payload, "{}")
}

fn page(api: &Api, accept: &str) -> (String, String) {
    let request = api.request("GET", "/metrics").header("accept", accept);
    let response = request.send().unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap();
    (kind.to_owned(), response.text().unwrap())
}

/// Whether the page has this line.
#[track_caller]
fn has(page: &str, line: &str) {
    assert!(page.lines().any(|it| it == line), "no {line}\n{page}");
}

#[test]
fn metrics_are_right_for_every_declared_queue_and_promtool_accepts_them() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = started(&redis);
    let (_, empty) = page(&api, "");
    for (name, queue) in [
        ("queue_depth", "scripted"),
        ("queue_depth", "dead"),
        ("dlq_messages_total", "scripted"),
        ("dlq_messages_total", "dead"),
        ("consumer_count", "dead"),
    ] {
        has(&empty, &format!("{name}{{queue=\"{queue}\"}} 0"));
    }
    add(&redis, "{}");
    add(&redis, "{\"reject\":\"no\"}");
    redis.until_count("scripted", "completed", 1);
    redis.until_count("scripted", "failed", 1);
    let (kind, page_of) = page(&api, "text/plain");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    has(&page_of, "consumer_count{queue=\"scripted\"} 1");
    has(&page_of, "queue_depth{queue=\"dead\"} 1");
    has(&page_of, "dlq_messages_total{queue=\"scripted\"} 1");
    has(
        &page_of,
        "bullmq_job_count{queue=\"scripted\",state=\"completed\"} 1",
    );
    let of = "queue=\"scripted\",name=\"work\",plugin=\"scripted\"";
    has(
        &page_of,
        &format!("runner_attempts_total{{{of},outcome=\"completed\"}} 1"),
    );
    has(&page_of, &format!("runner_job_cpu_seconds_count{{{of}}} 2"));
    has(
        &page_of,
        "runner_failures_total{queue=\"scripted\",plugin=\"scripted\",cause=\"returned\"} 1",
    );
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool; tests/setup installs it");
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(page_of.as_bytes()).unwrap();
    drop(input);
    let checked = promtool.wait_with_output().unwrap();
    // It reads the page. Of two names, which others chose, it has its own opinion.
    let said = String::from_utf8_lossy(&checked.stderr);
    let lint = "non-histogram and non-summary metrics should not have \"_count\" suffix";
    let opinion = ["bullmq_job_count", "consumer_count"].map(|name| format!("{name} {lint}"));
    assert_eq!(said.lines().collect::<Vec<_>>(), opinion, "{page_of}");

    let (kind, page_of) = page(&api, "application/openmetrics-text; version=1.0.0");
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(page_of.ends_with("# EOF\n"), "{page_of}");
    has(&page_of, "# TYPE dlq_messages counter");
}

#[test]
fn health_says_how_each_queue_fares_and_what_to_do() {
    let redis = Redis::shared();
    let (setup, _runner, api) = started(&redis);
    let healthy = api.get("/queue/health");
    assert_eq!(
        (healthy.status, &healthy.body["status"]),
        (200, &json!("ok"))
    );
    assert_eq!(
        healthy.body["queues"][1],
        json!({
            "queue": "scripted",
            "state": "ok",
            "flow": { "state": "ok", "cause": "nothing waits" },
            "execution": { "state": "ok", "cause": "no job has ended in the last 5m" },
            "liveness": { "state": "ok", "cause": "1 worker" },
        })
    );
    assert_eq!(setup.cli(&["queue", "pause", "scripted"]).code, Some(0));
    add(&redis, "{}");
    let paused = api.get("/queue/health");
    assert_eq!(
        (paused.status, &paused.body["status"]),
        (200, &json!("warning"))
    );
    let flow = &paused.body["queues"][1]["flow"];
    let cause = flow["cause"].as_str().unwrap();
    assert!(cause.starts_with("paused by operator since 20"), "{cause}");
    assert!(cause.ends_with("Z; 1 job waits"), "{cause}");
    assert_eq!(flow["next"], "runner queue resume scripted");
    assert_eq!(setup.cli(&["queue", "resume", "scripted"]).code, Some(0));
    for _ in 0..3 {
        add(&redis, "{\"reject\":\"the shop is closed\"}");
    }
    redis.until_count("scripted", "failed", 3);
    let failing = api.get("/queue/health");
    assert_eq!(failing.status, 503);
    let execution = &failing.body["queues"][1]["execution"];
    assert_eq!(execution["state"], "failing");
    let cause = execution["cause"].as_str().unwrap();
    let start = "3 of 4 jobs failed in the last 5m, mostly by returned in scripted@";
    assert!(cause.starts_with(start), "{cause}");
    assert!(cause.ends_with(": the shop is closed"), "{cause}");
}

#[test]
fn a_queue_whose_plugin_is_refused_is_said_to_be_so() {
    let redis = Redis::shared();
    let setup = served(&redis, QUEUES);
    std::fs::write(setup.path("plugins/scripted.wasm"), "no wasm").unwrap();
    let runner = setup.spawn(&["serve"]);
    let api = runner.api();
    let liveness = until("the refusal", || {
        let health = api.get("/queue/health");
        let liveness = health.body["queues"][1]["liveness"].clone();
        (health.status == 503).then_some(liveness)
    });
    assert_eq!(
        liveness["cause"],
        "plugin scripted refused: this is not a WebAssembly file; was it written to the end?"
    );
    let next = liveness["next"].as_str().unwrap();
    assert!(next.starts_with("put a file that fits at "), "{next}");
    has(&page(&api, "").1, "consumer_count{queue=\"scripted\"} 0");
    let doctor = setup.cli(&["doctor"]);
    assert_eq!(doctor.code, Some(1), "{}", doctor.stdout);
    let said = "  failing scripted liveness: plugin scripted refused: this is not a WebAssembly";
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
}

#[test]
fn queue_metrics_have_the_shape_that_services_read() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = started(&redis);
    add(&redis, "{}");
    redis.until_count("scripted", "completed", 1);
    let metrics = api.get("/queue/metrics");
    assert_eq!(
        metrics.body,
        json!({
            "redis": true,
            "workers": {
                "workerCount": 1,
                "workers": [{ "name": "scripted", "isRunning": true }],
            },
            "queues": {
                "dead": { "waiting": 0, "active": 0, "completed": 0, "failed": 0 },
                "scripted": { "waiting": 0, "active": 0, "completed": 1, "failed": 0 },
            },
        })
    );
}

#[test]
fn autoscale_is_always_a_number() {
    let redis = Redis::shared();
    let (setup, _runner, api) = started(&redis);
    let idle = api.get("/autoscale");
    assert_eq!(idle.body["slots"], 0);
    assert_eq!(idle.body["queues"]["scripted"]["runSeconds"], 1.0);
    assert_eq!(setup.cli(&["queue", "pause", "scripted"]).code, Some(0));
    add(&redis, "{}");
    let one = api.get("/autoscale?queue=scripted");
    assert_eq!(
        (&one.body["slots"], &one.body["depth"]),
        (&json!(0), &json!(1))
    );
    let unknown = api.get("/autoscale?queue=scriptet");
    assert_eq!(unknown.status, 404);
    let detail = unknown.body["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean \"scripted\"?"), "{detail}");
}

#[test]
fn what_attempts_cost_is_kept_with_the_job() {
    let redis = Redis::shared();
    let (setup, runner, _) = started(&redis);
    let id = add(&redis, "{}");
    redis.until_count("scripted", "completed", 1);
    let shown = setup.cli(&["job", "get", "scripted", &id, "--json"]);
    let job: Value = serde_json::from_str(&shown.stdout).unwrap();
    let spent = &job["stored"]["spent"][0];
    assert_eq!(
        (&spent["attempt"], &spent["outcome"], &spent["calls"]),
        (&json!(1), &json!("completed"), &json!([]))
    );
    assert!(spent["cpuMs"].as_f64().unwrap() > 0.0, "{spent}");
    assert!(spent["peakMemory"].as_u64().unwrap() >= 65536, "{spent}");
    let plugin = spent["plugin"].as_str().unwrap();
    assert!(plugin.starts_with("scripted@"), "{plugin}");
    let shown = setup.cli(&["job", "get", "scripted", &id]).stdout;
    assert!(shown.contains("cost       attempt 1: "), "{shown}");

    let attempts = runner
        .api()
        .get(&format!("/api/queues/scripted/jobs/{id}/attempts"));
    assert_eq!(
        attempts.body,
        json!({"queue": "scripted", "id": id, "attemptsMade": 1, "attempts": 1, "spent": [spent]})
    );
    let missing = runner.api().get("/api/queues/scripted/jobs/99/attempts");
    assert_eq!(
        (missing.status, &missing.body["type"]),
        (404, &json!("/problems/unknown-job"))
    );

    let id = redis.add(
        "scripted",
        "work",
        "{\"retry\":\"later\"}",
        "{\"attempts\":2}",
    );
    redis.until_count("scripted", "failed", 1);
    let shown = setup.cli(&["job", "get", "scripted", &id, "--json"]);
    let job: Value = serde_json::from_str(&shown.stdout).unwrap();
    let spent = job["stored"]["spent"].as_array().unwrap();
    let ends: Vec<_> = spent
        .iter()
        .map(|spent| (spent["attempt"].clone(), spent["outcome"].clone()))
        .collect();
    let returned = json!("returned");
    assert_eq!(ends, [(json!(1), returned.clone()), (json!(2), returned)]);
    assert_eq!(
        redis.field("scripted", &id, "cause").as_deref(),
        Some("returned")
    );
}

#[test]
fn the_end_of_a_job_has_a_line_with_what_is_traced() {
    let redis = Redis::shared();
    let (_setup, runner, _) = started(&redis);
    let id = add(
        &redis,
        "{\"requestId\":\"req_1\",\"shopId\":\"a.myshopify.com\"}",
    );
    let line: Value = serde_json::from_str(&runner.until_logged("Job completed")).unwrap();
    assert_eq!(
        (
            &line["level"],
            &line["message"],
            &line["jobId"],
            &line["queue"]
        ),
        (
            &json!("INFO"),
            &json!("Job completed"),
            &json!(id),
            &json!("scripted")
        )
    );
    assert_eq!(
        (&line["requestId"], &line["shopId"]),
        (&json!("req_1"), &json!("a.myshopify.com"))
    );
    assert!(line["duration"].is_u64(), "{line}");
    add(&redis, "{\"reject\":\"no\",\"shopId\":7}");
    let line: Value = serde_json::from_str(&runner.until_logged("Job failed")).unwrap();
    assert_eq!(
        (
            &line["level"],
            &line["error"],
            &line["cause"],
            &line["shopId"]
        ),
        (&json!("WARN"), &json!("no"), &json!("returned"), &json!(7))
    );
}
