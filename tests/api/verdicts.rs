//! The verdict on a queue where something stands against its jobs, in `GET /api/queues` and
//! `runner doctor`.

use serde_json::{Value, json};

use super::served;
use crate::support::server::Server;
use crate::support::{Api, Redis, Setup, guest, until};

/// The queue of this name in the list.
fn listed(api: &Api, name: &str) -> Value {
    let list = api.get("/api/queues");
    assert_eq!(list.status, 200, "{list:?}");
    let list = list.body.as_array().expect("a list").iter();
    let mut named = list.filter(|queue| queue["queue"] == name);
    named.next().cloned().unwrap_or_default()
}

// Long because it reads a queue of each kind.
#[test]
fn the_list_says_how_each_queue_fares_and_which_plugin_runs_its_jobs() {
    let redis = Redis::shared();
    let toml =
        "[queues.work]\nplugin = \"scripted\"\n[queues.held]\n[queues.lost]\nplugin = \"none\"\n";
    let setup = served(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.spawn(&["serve"]);
    let api = runner.api();
    let setup = Setup::new(&redis, "");
    assert_eq!(setup.cli(&["queue", "pause", "other"]).code, Some(3));
    redis.run::<()>(&[
        "HSET",
        &redis.key("other", "meta"),
        "version",
        "bullmq:6.0.0",
    ]);
    let work = until("the plugin to serve", || {
        let work = listed(&api, "work");
        (work["verdict"]["state"] == "ok").then_some(work)
    });
    let counts = json!({"active": 0, "waiting": 0, "prioritized": 0, "delayed": 0,
        "waiting-children": 0, "failed": 0, "completed": 0});
    let told = (
        &work["declared"],
        &work["paused"],
        &work["workers"],
        &work["counts"],
    );
    assert_eq!(told, (&json!(true), &json!(false), &json!(1), &counts));
    let verdict = json!({
        "queue": "work",
        "state": "ok",
        "flow": { "state": "ok", "cause": "nothing waits" },
        "execution": { "state": "ok", "cause": "no job has ended in the last 5m" },
        "liveness": { "state": "ok", "cause": "1 worker" },
    });
    assert_eq!(work["verdict"], verdict);
    let plugin = &work["plugins"][0];
    let version = plugin["version"].as_str().expect("it serves");
    assert!(version.starts_with("scripted@"), "{plugin}");
    assert_eq!(
        (&plugin["name"], &plugin["reason"]),
        (&json!("scripted"), &Value::Null)
    );
    let lost = listed(&api, "lost");
    assert_eq!(lost["verdict"]["liveness"]["state"], "failing", "{lost}");
    assert_eq!(lost["plugins"][0]["version"], Value::Null);
    let reason = lost["plugins"][0]["reason"].as_str().expect("a reason");
    let cause = lost["verdict"]["liveness"]["cause"]
        .as_str()
        .expect("a cause");
    assert_eq!(cause, format!("plugin none refused: {reason}"));
    assert_eq!(listed(&api, "held")["plugins"], json!([]));
    // One that is not declared has no verdict.
    let other = until("the queue that is only in Redis", || {
        let other = listed(&api, "other");
        other.is_object().then_some(other)
    });
    assert_eq!(
        (&other["declared"], &other["verdict"]),
        (&json!(false), &Value::Null)
    );
}

#[test]
fn the_list_does_not_walk_through_all_keys_each_time() {
    let redis = Redis::own();
    let queues: String = (0..150).map(|n| format!("[queues.q{n}]\n")).collect();
    let setup = served(&redis, &queues);
    let runner = setup.serve();
    let api = runner.api();
    let calls = || {
        let stats: String = redis.run(&["INFO", "commandstats"]);
        let of = |name: &str| {
            let line = stats.lines().find(|line| line.starts_with(name));
            let line = line.and_then(|line| line.split_once("calls="));
            let count = line.and_then(|(_, rest)| rest.split(',').next()?.parse::<u64>().ok());
            count.unwrap_or_default()
        };
        (of("cmdstat_scan:"), of("cmdstat_evalsha:"))
    };
    assert_eq!(
        api.get("/api/queues").body.as_array().map(Vec::len),
        Some(150)
    );
    let (scans, scripts) = calls();
    for _ in 0..5 {
        assert_eq!(api.get("/api/queues").status, 200);
    }
    let (after, ran) = calls();
    assert_eq!(after, scans);
    // Seventy queues to a script, whatever else the server does meanwhile.
    assert!(ran - scripts < 5 * 150, "{}", ran - scripts);
}

#[test]
fn a_queue_whose_limiter_holds_it_says_for_how_long() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"scripted\"\nlimiter = { max = 1, duration = \"1h\" }\n";
    let setup = served(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    redis.add("work", "x", "{}", "{}");
    redis.until_count("work", "completed", 1);
    redis.add("work", "x", "{}", "{}");
    let flow = until("the limit to hold", || {
        let flow = listed(&api, "work")["verdict"]["flow"].clone();
        (flow["state"] == "warning").then_some(flow)
    });
    let cause = flow["cause"].as_str().expect("a cause");
    let left = cause
        .strip_prefix("rate limited for ")
        .and_then(|rest| rest.strip_suffix(" s more; 1 job waits"))
        .and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(
        left.is_some_and(|left| (3500..=3600).contains(&left)),
        "{cause}"
    );
    assert_eq!(flow["next"], "wait, or raise its limiter");
    let told = setup.cli(&["doctor"]);
    let said = format!(
        "  warning work flow: {}",
        &cause[.."rate limited for ".len()]
    );
    assert!(told.stdout.contains(&said), "{}", told.stdout);
}

#[test]
fn a_redis_without_memory_is_said_to_refuse_writes() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let server = Server::start(directory.path(), &[]);
    let toml = format!("[redis]\nurl = {:?}\n[queues.held]\n", server.url());
    let setup = served(&Redis::shared(), &toml);
    let runner = setup.serve();
    let api = runner.api();
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1mb"]);
    // It is so, and not only said.
    let refused = server.try_run::<()>(&["SET", "key", "value"]);
    let refused = refused.expect_err("there is no memory").to_string();
    assert!(refused.contains("OOM"), "{refused}");
    let flow = &listed(&api, "held")["verdict"]["flow"];
    let expected = json!({
        "state": "failing",
        "cause": "Redis refuses writes: OOM: it uses all of its maxmemory",
        "next": "runner doctor says what to change in Redis",
    });
    assert_eq!(*flow, expected);
    let ended = setup.cli(&["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in [
        "  failing held flow: Redis refuses writes: OOM: it uses all of its maxmemory\n",
        "          → raise maxmemory, or keep fewer jobs (removeOnComplete, removeOnFail, runner \
         queue clean)\n",
    ] {
        assert!(ended.stdout.contains(said), "{said}\n{}", ended.stdout);
    }
}

#[test]
fn names_that_nothing_handles_are_named() {
    let redis = Redis::shared();
    let toml = "[queues.work]\njobs.\"known-*\" = { plugin = \"scripted\" }\n";
    let setup = served(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    for name in ["y", "x", "y", "known-1"] {
        redis.add("work", name, "{}", "{}");
    }
    redis.until_count("work", "failed", 3);
    let liveness = &listed(&api, "work")["verdict"]["liveness"];
    let expected = json!({
        "state": "warning",
        "cause": "no worker for names x, y",
        "next": "give them a plugin: [queues.work.jobs.\"…\"] plugin = \"…\"",
    });
    assert_eq!(*liveness, expected);
    let ended = setup.cli(&["doctor"]);
    let said = "  warning work liveness: no worker for names x, y\n          → give them a plugin: \
                [queues.work.jobs.\"…\"] plugin = \"…\"\n";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn letters_and_jobs_that_nobody_takes_are_told_apart() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"scripted\"\ndead_letter = \"dead\"\n\
                [queues.dead]\n[queues.held]\n";
    let setup = served(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    redis.add("held", "x", "{}", "{}");
    redis.add("work", "x", "{\"reject\":\"no\"}", "{}");
    redis.until_count("dead", "wait", 1);
    let liveness = |name: &str| listed(&api, name)["verdict"]["liveness"].clone();
    let letters = json!({
        "state": "warning",
        "cause": "1 dead letter to look at",
        "next": "runner dlq list dead",
    });
    assert_eq!(liveness("dead"), letters);
    let jobs = json!({
        "state": "warning",
        "cause": "1 job waits, and no worker takes jobs of the queue",
        "next": "start the program that consumes it, or give [queues.held] a plugin",
    });
    assert_eq!(liveness("held"), jobs);
}
