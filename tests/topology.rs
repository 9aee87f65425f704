//! Redis as it is run in production: behind Sentinels, as a Cluster, over a socket,
//! over TLS with a private authority, with users and databases.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use redis::FromRedisValue;
use runner::queue::{self, NewJob};
use tempfile::TempDir;

use crate::support::engine::{Engine, config, echo};
use crate::support::process::Process;
use crate::support::redis::free_port;
use crate::support::{Redis, Setup, until};

const LOCK: Duration = Duration::from_secs(30);

/// A `redis-server` of the test's own making.
struct Server {
    port: u16,
    process: Process,
}

impl Server {
    fn start(directory: &Path, port: u16, options: &[&str]) -> Server {
        let process = Process::spawn(
            Command::new("redis-server")
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .args(["--save", "", "--dir"])
                .arg(directory)
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        );
        let server = Server { port, process };
        until("redis-server to answer", || {
            server.try_run::<redis::Value>(&["PING"]).ok()
        });
        server
    }

    fn try_run<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut client.get_connection_with_timeout(Duration::from_secs(1))?)
    }

    #[track_caller]
    fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_run(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// Wait until the replica of `master` has all that was written to it. A link that
/// is up is not enough: what is written before the master takes note of the
/// replica's first answer stays with the master, and is lost with it.
#[track_caller]
fn until_replicated(master: &Server) {
    until("the replica to have it all", || {
        let info: String = master.run(&["INFO", "replication"]);
        let after = |mark: &str| {
            let (_, rest) = info.split_once(mark)?;
            rest.split([',', '\r']).next().map(str::to_owned)
        };
        let online = info.contains("state=online,");
        (online && after("online,offset=")? == after("master_repl_offset:")?).then_some(())
    });
}

fn jobs(count: usize) -> Vec<NewJob> {
    let job = |n: usize| NewJob {
        name: "n".into(),
        data: n.to_string(),
        ..NewJob::default()
    };
    (0..count).map(job).collect()
}

fn add(engine: &Engine, count: usize) {
    let queue = engine.shared.queue(&config("orders", 10));
    until("the jobs to be added", || {
        engine.runtime.block_on(queue.add(&jobs(count))).ok()
    });
}

/// A worker at `url` completes ten jobs.
#[track_caller]
fn works(url: &str, prefix: &str) {
    let mut engine = Engine::over(url, prefix, LOCK, echo);
    let queue = engine.shared.queue(&config("orders", 10));
    engine.runtime.block_on(queue.add(&jobs(10))).unwrap();
    engine.consume(config("orders", 10));
    until("ten jobs to complete", || {
        let counts = engine.runtime.block_on(queue.counts()).ok()?;
        (counts.of(runner::queue::State::Completed) == 10).then_some(())
    });
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_socket_a_database_and_a_user_are_dialled() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("redis.sock");
    let server = Server::start(
        directory.path(),
        free_port(),
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

#[test]
fn tls_with_a_private_authority_is_dialled_and_without_it_refused() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let server_key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .signed_by(&server_key, &issuer)
        .unwrap();
    let write = |name: &str, kind: &str, der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
        std::fs::write(file(name), pem).unwrap();
    };
    write("ca.pem", "CERTIFICATE", ca.der());
    write("cert.pem", "CERTIFICATE", certificate.der());
    write("key.pem", "PRIVATE KEY", &server_key.serialize_der());
    let tls = free_port();
    let _server = Server::start(
        directory.path(),
        free_port(),
        &[
            "--tls-port",
            &tls.to_string(),
            "--tls-cert-file",
            &file("cert.pem"),
            "--tls-key-file",
            &file("key.pem"),
            "--tls-ca-cert-file",
            &file("ca.pem"),
            "--tls-auth-clients",
            "no",
        ],
    );
    works(
        &format!("rediss://127.0.0.1:{tls}?ca={}", file("ca.pem")),
        "bull",
    );

    let engine = Engine::over(&format!("rediss://127.0.0.1:{tls}"), "bull", LOCK, echo);
    let error = engine
        .runtime
        .block_on(engine.shared.redis.ping())
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with(&format!(
            "Redis at 127.0.0.1:{tls} (TLS) cannot be reached: "
        )),
        "{error}"
    );
    assert!(error.contains("UnknownIssuer"), "{error}");

    // They are read at the start, which is said when they change.
    let url = format!("rediss://127.0.0.1:{tls}?ca={}", file("ca.pem"));
    let setup = Setup::new(&Redis::shared(), &format!("[redis]\nurl = {url:?}\n"));
    let runner = setup.serve();
    write("ca.pem", "CERTIFICATE", certificate.der());
    runner.until_logged("the certificates of Redis have changed: they need a restart");
}

#[test]
fn a_failover_by_sentinel_is_followed_and_no_job_is_lost() {
    let directory = TempDir::new().unwrap();
    let mut master = Server::start(directory.path(), free_port(), &[]);
    let of = ["--replicaof", "127.0.0.1", &master.port.to_string()].map(str::to_owned);
    let of: Vec<&str> = of.iter().map(String::as_str).collect();
    let replica = Server::start(directory.path(), free_port(), &of);
    until("the replica to follow", || {
        let info: String = replica.run(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
    let settings = directory.path().join("sentinel.conf");
    std::fs::write(
        &settings,
        format!(
            "sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n",
            master.port
        ),
    )
    .unwrap();
    let port = free_port();
    let sentinel = Server {
        port,
        process: Process::spawn(
            Command::new("redis-server")
                .arg(&settings)
                .args(["--sentinel", "--port", &port.to_string()])
                .args(["--bind", "127.0.0.1"])
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        ),
    };
    until("the Sentinel to know the replica", || {
        let found: Vec<redis::Value> = sentinel
            .try_run(&["SENTINEL", "REPLICAS", "mymaster"])
            .ok()?;
        (found.len() == 1).then_some(())
    });

    // The first Sentinel of the list is down, as one may be.
    let dead = free_port();
    let url = format!("redis+sentinel://127.0.0.1:{dead},127.0.0.1:{port}/mymaster/1");
    let mut engine = Engine::over(&url, "bull", LOCK, |attempt| {
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

/// Three masters with a third of the slots each, and a replica of the one that
/// has the slot of `{bull}`.
fn cluster(directory: &Path) -> Vec<Server> {
    let servers: Vec<Server> = (0..4)
        .map(|n| {
            let own = directory.join(n.to_string());
            std::fs::create_dir(&own).unwrap();
            // The port of the bus is 10 000 above, if it is not said.
            let bus = free_port().to_string();
            Server::start(
                &own,
                free_port(),
                &[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    "1000",
                    "--cluster-require-full-coverage",
                    "no",
                ],
            )
        })
        .collect();
    let bounds = ["0", "5460", "5461", "10922", "10923", "16383"];
    for (server, range) in servers.iter().zip(bounds.chunks(2)) {
        server.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]);
    }
    for (epoch, server) in servers.iter().enumerate() {
        let epoch = (epoch + 1).to_string();
        server.run::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }
    for server in &servers[1..] {
        let to: Vec<String> = servers[0].run(&["CONFIG", "GET", "cluster-port"]);
        let port = servers[0].port.to_string();
        server.run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &to[1]]);
    }
    until("the Cluster to be whole", || {
        servers
            .iter()
            .all(|server| {
                let info: String = server.run(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:4")
            })
            .then_some(())
    });
    servers
}

#[test]
fn a_cluster_is_used_by_its_tag_and_a_failover_of_the_node_is_followed() {
    let directory = TempDir::new().unwrap();
    let mut servers = cluster(directory.path());
    let slot: u16 = servers[0].run(&["CLUSTER", "KEYSLOT", "{bull}"]);
    let owner = usize::from(slot / 5461).min(2);
    let id: String = servers[owner].run(&["CLUSTER", "MYID"]);
    until("the replica to know the master", || {
        servers[3]
            .try_run::<()>(&["CLUSTER", "REPLICATE", &id])
            .ok()
    });
    until("the replica to follow", || {
        let info: String = servers[3].run(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });

    let hosts: Vec<String> = servers
        .iter()
        .map(|server| format!("127.0.0.1:{}", server.port))
        .collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
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
    let other = &hosts[(owner + 1) % 3];
    let alone = queue::Redis::new(&format!("redis://{other}"), "{bull}").unwrap();
    let settings = queue.settings().clone();
    let alone = Arc::new(queue::Queue::new(alone, settings));
    let error = engine.runtime.block_on(alone.add(&jobs(1))).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Redis refused: {other} is a node of a Cluster: write redis+cluster://{other}")
    );
}
