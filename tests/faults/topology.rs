//! Redis as it is run in production: over a socket, behind Sentinels, as a Cluster,
//! with users and databases. Over TLS: `tls.rs`.

use std::sync::Arc;
use std::time::Duration;

use runner::queue;
use tempfile::TempDir;

use crate::support::engine::{Engine, config, echo, jobs, works};
use crate::support::redis::free_port;
use crate::support::server::{Server, cluster, cluster_url, owner, replicate, until_replicated};
use crate::support::until;

const LOCK: Duration = Duration::from_secs(30);

fn add(engine: &Engine, count: usize) {
    let queue = engine.shared.queue(&config("orders", 10));
    until("the jobs to be added", || {
        engine.runtime.block_on(queue.add(&jobs(count))).ok()
    });
}

#[test]
fn a_socket_a_database_and_a_user_are_dialled() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("redis.sock");
    let server = Server::start(
        directory.path(),
        &["--unixsocket", socket.to_str().unwrap()],
    );
    works(&format!("unix://{}?db=3", socket.display()), "bull");
    server.run::<()>(&["ACL", "SETUSER", "worker", "on", ">p@ss", "~{b}:*", "+@all"]);
    works(
        &format!("redis://worker:p%40ss@127.0.0.1:{}/2", server.port),
        "{b}",
    );
    let keys = |db: &str| server.run::<String>(&["INFO", "keyspace"]).contains(db);
    assert!(keys("db3:") && keys("db2:") && !keys("db0:"));
}

// Long because it is one story: each step needs the one before.
#[test]
fn a_failover_by_sentinel_is_followed_and_no_job_is_lost() {
    let directory = TempDir::new().unwrap();
    let mut master = Server::start(directory.path(), &[]);
    let of = ["--replicaof", "127.0.0.1", &master.port.to_string()].map(str::to_owned);
    let of: Vec<&str> = of.iter().map(String::as_str).collect();
    let replica = Server::start(directory.path(), &of);
    until("the replica to follow", || {
        let info: String = replica.run(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
    let sentinel = Server::sentinel(
        directory.path(),
        &format!(
            "sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n",
            master.port
        ),
        &[],
    );
    until("the Sentinel to know the replica", || {
        let found: Vec<redis::Value> = sentinel
            .try_run(&["SENTINEL", "REPLICAS", "mymaster"])
            .ok()?;
        (found.len() == 1).then_some(())
    });

    // The first Sentinel of the list is down, as one may be.
    let dead = free_port();
    let url = format!(
        "redis+sentinel://127.0.0.1:{dead},127.0.0.1:{}/mymaster/1",
        sentinel.port
    );
    let mut engine = Engine::over(&url, "bull", LOCK, |attempt| {
        #[expect(clippy::disallowed_methods, reason = "a job that takes a moment")]
        std::thread::sleep(Duration::from_millis(5));
        echo(attempt)
    });
    add(&engine, 400);
    until_replicated(&master);
    engine.consume(config("orders", 10));
    let queue = engine.shared.queue(&config("orders", 10));
    let completed = || {
        let counts = engine.runtime.block_on(queue.counts()).ok()?;
        Some(counts.of(runner::queue::State::Completed))
    };
    until("some jobs to complete", || completed().filter(|n| *n >= 50));
    master.process.kill();
    let left = || until("Redis to answer again", completed);
    let _ = left();
    add(&engine, 100);
    until("all jobs to complete", || {
        let counts = engine.runtime.block_on(queue.counts()).ok()?;
        let failed = counts.of(runner::queue::State::Failed);
        assert_eq!(failed, 0, "{counts:?}");
        (counts.of(runner::queue::State::Completed) >= 500).then_some(())
    });
    assert!(
        replica
            .run::<String>(&["INFO", "replication"])
            .contains("role:master")
    );
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_cluster_is_used_by_its_tag_and_a_failover_of_the_node_is_followed() {
    let directory = TempDir::new().unwrap();
    let mut servers = cluster(directory.path(), &[]);
    let owner = owner(&servers, "{bull}");
    replicate(&servers, owner);

    let url = cluster_url(&servers);
    let mut engine = Engine::over(&url, "{bull}", LOCK, echo);
    engine.consume(config("orders", 10));
    let queue = engine.shared.queue(&config("orders", 10));
    let until_completed = |engine: &Engine, count: u64| {
        until("the jobs to complete", || {
            let counts = engine.runtime.block_on(queue.counts()).ok()?;
            (counts.of(runner::queue::State::Completed) >= count).then_some(())
        });
    };
    add(&engine, 100);
    until_completed(&engine, 100);
    until_replicated(&servers[owner]);
    servers[owner].process.kill();
    add(&engine, 100);
    until_completed(&engine, 200);
    engine.stop(Duration::from_secs(5));

    // Another node of it, dialled as if it were alone.
    let other = format!("127.0.0.1:{}", servers[(owner + 1) % 3].port);
    let alone = queue::Redis::new(&format!("redis://{other}"), "{bull}").unwrap();
    let settings = queue.settings().clone();
    let alone = Arc::new(queue::Queue::new(alone, settings));
    let error = engine.runtime.block_on(alone.add(&jobs(1))).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Redis refused: {other} is a node of a Cluster: write redis+cluster://{other}")
    );
}
