//! A Cluster on which each queue has a slot of its own, by a tag in its name, as
//! BullMQ is told to do it beside a tag in the prefix. (That one: `topology.rs`.)

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runner::queue::{self, FlowJob, NewJob, State};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::engine::{Engine, config, echo, jobs};
use crate::support::server::{Server, cluster, cluster_url, owner, replicate, until_replicated};
use crate::support::{Redis, Runner, Setup, guest, until};

const LOCK: Duration = Duration::from_secs(30);

/// A queue on each of the three masters: their tags, in the order of the masters.
fn tags(servers: &[Server]) -> [String; 3] {
    let mut found: [Option<String>; 3] = Default::default();
    for n in 0.. {
        let tag = format!("{{shop{n}}}");
        found[owner(servers, &tag)].get_or_insert(tag);
        if let [Some(a), Some(b), Some(c)] = &found {
            return [a.clone(), b.clone(), c.clone()];
        }
    }
    unreachable!("a tag for each third of the slots is found")
}

/// `queues.toml` of queues that run `scripted`.
fn toml(url: &str, queues: &[String]) -> String {
    let mut text = format!("[redis]\nurl = {url:?}\n");
    for queue in queues {
        text += &format!("\n[queues.{queue:?}]\nplugin = \"scripted\"\n");
    }
    text
}

fn serve(url: &str, queues: &[String], name: &str) -> (Setup, Runner) {
    let setup = Setup::new(&Redis::shared(), &toml(url, queues))
        .plugin("scripted", &guest("scripted"))
        .env("RUNNER_NAME", name);
    let runner = setup.serve();
    (setup, runner)
}

/// Run a command, and read what it prints.
#[track_caller]
fn json_of(setup: &Setup, words: &[&str]) -> Value {
    let ended = setup.cli(&[words, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_default()
}

#[test]
fn queues_with_tags_of_their_own_are_served_as_node_serves_them() {
    let directory = TempDir::new().unwrap();
    let servers = cluster(directory.path(), &[]);
    let mut queues = tags(&servers).to_vec();
    // Two queues of one tag are together.
    queues.push(format!("{}-mail", queues[0]));
    let mut engine = Engine::over(&cluster_url(&servers), "bull", LOCK, echo);
    for name in &queues {
        engine.consume(config(name, 2));
    }
    let output = Command::new("node")
        .arg("cluster.mjs")
        .arg(servers[0].port.to_string())
        .args(&queues)
        .current_dir(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/node"
        )))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    for name in &queues {
        assert_eq!(
            ended[name],
            json!({ "result": { "from": name }, "workers": 1 })
        );
    }

    // As seen from here.
    let found = engine
        .runtime
        .block_on(queue::queues(&engine.shared.redis))
        .unwrap();
    let mut sorted = queues.clone();
    sorted.sort();
    assert_eq!(found, sorted);
    let workers = engine
        .runtime
        .block_on(queue::workers(&engine.shared.redis))
        .unwrap();
    let workers = workers.unwrap();
    assert!(queues.iter().all(|name| workers[name] == 1), "{workers:?}");
    engine.stop(Duration::from_secs(5));
}

#[test]
fn locks_are_kept_jobs_are_cancelled_and_those_of_the_dead_go_back_in_each_slot() {
    let directory = TempDir::new().unwrap();
    let servers = cluster(directory.path(), &[]);
    let queues = tags(&servers).to_vec();
    let url = cluster_url(&servers);
    let (setup, mut first) = serve(&url, &queues, "one");
    for queue in &queues {
        for id in ["kept", "cancelled"] {
            json_of(
                &setup,
                &["add", queue, "n", r#"{"sleep": 600000}"#, "--id", id],
            );
        }
    }
    let get = |queue: &str, id: &str| json_of(&setup, &["job", "get", queue, id]);
    for queue in &queues {
        until("the jobs to run", || {
            let running = |id: &str| get(queue, id)["state"] == "active";
            (running("kept") && running("cancelled")).then_some(())
        });
        // The process is told through its mailbox in the queue's slot.
        json_of(&setup, &["job", "cancel", queue, "cancelled"]);
        until("the job to be cancelled", || {
            (get(queue, "cancelled")["state"] == "failed").then_some(())
        });
    }
    first.kill();
    let (_setup, mut second) = serve(&url, &queues, "two");
    for (n, queue) in queues.iter().enumerate() {
        let key = format!("bull:{queue}:kept");
        let field = |name: &str| servers[n].run::<Option<String>>(&["HGET", &key, name]);
        until("the job of the dead to run again", || {
            let again = field("pb").as_deref() == Some("two");
            again.then(|| assert_eq!(field("crs").as_deref(), Some("1"), "counted as a crash"))
        });
    }
    second.kill();
}

#[test]
fn one_node_may_fail_and_the_queues_of_the_others_go_on() {
    let directory = TempDir::new().unwrap();
    let mut servers = cluster(directory.path(), &[]);
    let queues = tags(&servers);
    replicate(&servers, 0);
    let mut engine = Engine::over(&cluster_url(&servers), "bull", LOCK, echo);
    for name in &queues {
        engine.consume(config(name, 2));
    }
    let rounds = std::cell::Cell::new(0);
    let all_complete = |engine: &Engine, queues: &[String]| {
        for name in queues {
            let queue = engine.shared.queue(&config(name, 2));
            until("the jobs to be added", || {
                engine.runtime.block_on(queue.add(&jobs(10))).ok()
            });
            until("the jobs to complete", || {
                let counts = engine.runtime.block_on(queue.counts()).ok()?;
                (counts.of(State::Completed) >= 10 * (rounds.get() + 1)).then_some(())
            });
        }
    };
    all_complete(&engine, &queues);
    until_replicated(&servers[0]);
    servers[0].process.kill();
    rounds.set(1);
    all_complete(
        &engine,
        &[queues[1].clone(), queues[2].clone(), queues[0].clone()],
    );
    engine.stop(Duration::from_secs(5));
}

#[test]
fn what_would_need_two_slots_at_once_is_refused() {
    let directory = TempDir::new().unwrap();
    let servers = cluster(directory.path(), &[]);
    let [one, two, _] = tags(&servers);
    let engine = Engine::over(&cluster_url(&servers), "bull", LOCK, echo);
    let job = |name: &str, parent| FlowJob {
        queue: engine.shared.queue(&config(name, 1)),
        job: NewJob {
            name: "n".into(),
            data: "1".into(),
            ..NewJob::default()
        },
        parent,
        on_failure: None,
    };
    let add = |jobs: &[FlowJob]| engine.runtime.block_on(queue::add_flow(None, jobs));
    let error = add(&[job(&one, None), job(&two, Some(0))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the queues {one:?} and {two:?} are in different slots of the Cluster; give both the \
             same {{tag}}"
        )
    );
    let together = format!("{one}-children");
    let ids = add(&[job(&one, None), job(&together, Some(0))]).unwrap();
    assert_eq!(ids.unwrap().len(), 2);

    // Somebody's key is not taken for a queue.
    let key = "bull:plain:meta";
    servers[owner(&servers, key)].run::<()>(&["HSET", key, "version", "bullmq:6"]);
    let setup = Setup::new(&Redis::shared(), &toml(&cluster_url(&servers), &[one]));
    let listed = setup.cli(&["queue", "list"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(!listed.stdout.contains("plain"), "{listed:?}");
    let scattered = setup.cli(&["queue", "stats", "plain"]);
    assert_eq!(scattered.code, Some(2), "{scattered:?}");
    assert!(
        scattered.stderr.contains(
            "queue \"plain\" has no {tag}, and neither has the prefix \"bull\": on a Cluster its \
             keys would be spread over many slots"
        ),
        "{scattered:?}"
    );
}
