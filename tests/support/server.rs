//! Any Redis-like server, with options of the test's own: another program, another
//! user, TLS, a Cluster.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use redis::FromRedisValue;

use super::process::Process;
use super::redis::free_port;
use super::until;

/// A server of the test's own making.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) process: Process,
}

impl Server {
    /// `redis-server` on a free port.
    pub(crate) fn start(directory: &Path, options: &[&str]) -> Server {
        Server::of("redis-server".as_ref(), directory, options)
    }

    /// This program, which takes the options of `redis-server`.
    pub(crate) fn of(program: &Path, directory: &Path, options: &[&str]) -> Server {
        let port = free_port();
        let process = Process::spawn(
            Command::new(program)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .args(["--save", "", "--dir"])
                .arg(directory)
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        );
        let server = Server { port, process };
        until("the server to answer", || {
            match server.try_run::<redis::Value>(&["PING"]) {
                Ok(_) => Some(()),
                Err(error) => (error.code() == Some("NOAUTH")).then_some(()),
            }
        });
        server
    }

    /// A Sentinel, with the lines of its configuration.
    pub(crate) fn sentinel(directory: &Path, lines: &str, options: &[&str]) -> Server {
        let settings = directory.join("sentinel.conf");
        std::fs::write(&settings, lines).unwrap();
        let port = free_port();
        let process = Process::spawn(
            Command::new("redis-server")
                .arg(&settings)
                .args(["--sentinel", "--port", &port.to_string()])
                .args(["--bind", "127.0.0.1"])
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        );
        Server { port, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn try_run<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut client.get_connection_with_timeout(Duration::from_secs(1))?)
    }

    #[track_caller]
    pub(crate) fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_run(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// Wait until the replica of `master` has all that was written to it. A link that
/// is up is not enough: what is written before the master takes note of the
/// replica's first answer stays with the master, and is lost with it.
#[track_caller]
pub(crate) fn until_replicated(master: &Server) {
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

/// Three masters with a third of the slots each, and one more without any.
pub(crate) fn cluster(directory: &Path, options: &[&str]) -> Vec<Server> {
    let servers: Vec<Server> = (0..4)
        .map(|n| {
            let own = directory.join(n.to_string());
            std::fs::create_dir(&own).unwrap();
            // The port of the bus is 10 000 above, if it is not said.
            let bus = free_port().to_string();
            let mut all = vec!["--cluster-enabled", "yes", "--cluster-port", &bus];
            all.extend(["--cluster-announce-ip", "127.0.0.1"]);
            all.extend(["--cluster-node-timeout", "1000"]);
            all.extend(["--cluster-require-full-coverage", "no"]);
            all.extend(options);
            Server::start(&own, &all)
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

/// The position of the master that has the slot of a key.
pub(crate) fn owner(servers: &[Server], key: &str) -> usize {
    let slot: u16 = servers[0].run(&["CLUSTER", "KEYSLOT", key]);
    usize::from(slot / 5461).min(2)
}

/// `redis+cluster://` with all of its nodes.
pub(crate) fn cluster_url(servers: &[Server]) -> String {
    let hosts: Vec<String> = servers
        .iter()
        .map(|server| format!("127.0.0.1:{}", server.port))
        .collect();
    format!("redis+cluster://{}", hosts.join(","))
}

/// Make the fourth node a replica of this one, and wait until it follows.
pub(crate) fn replicate(servers: &[Server], master: usize) {
    let id: String = servers[master].run(&["CLUSTER", "MYID"]);
    until("the replica to know the master", || {
        servers[3]
            .try_run::<()>(&["CLUSTER", "REPLICATE", &id])
            .ok()
    });
    until("the replica to follow", || {
        let info: String = servers[3].run(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
}
