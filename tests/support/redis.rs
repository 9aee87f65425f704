//! A private `redis-server`: one shared by all tests, each with its own key
//! prefix, or one of its own for a test that kills it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use redis::FromRedisValue;
use tempfile::TempDir;

use super::process::Process;
use super::until;

/// A Redis and a key prefix that no other test uses.
pub(crate) struct Redis {
    port: u16,
    prefix: String,
    own: Option<Own>,
}

/// Name of the socket in the server's directory.
const SOCKET: &str = "redis.sock";

/// A server that only one test uses.
struct Own {
    server: Option<Process>,
    data: TempDir,
}

impl Redis {
    /// The shared server, under a prefix of its own.
    pub(crate) fn shared() -> Redis {
        static SERVER: OnceLock<(u16, Process)> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let (port, _) = SERVER.get_or_init(|| {
            let port = free_port();
            (port, server(port, &std::env::temp_dir(), false))
        });
        Redis {
            port: *port,
            prefix: format!("test:{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            own: None,
        }
    }

    /// A server for this test alone, which keeps its data over [`Redis::kill`]
    /// and [`Redis::start`] (every write is synced).
    pub(crate) fn own() -> Redis {
        let data = TempDir::new().expect("a temporary directory");
        let port = free_port();
        Redis {
            port,
            prefix: "bull".to_owned(),
            own: Some(Own {
                server: Some(server(port, data.path(), true)),
                data,
            }),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its Unix socket; only a server of its own has one.
    pub(crate) fn socket_url(&self) -> String {
        let own = self.own.as_ref().expect("Redis::own");
        format!("unix://{}", own.data.path().join(SOCKET).display())
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// SIGKILL the test's own server.
    pub(crate) fn kill(&mut self) {
        let own = self.own.as_mut().expect("Redis::own");
        own.server.take().expect("a running server").kill();
    }

    /// Start the test's own server again, on the same port and data.
    pub(crate) fn start(&mut self) {
        let own = self.own.as_mut().expect("Redis::own");
        assert!(own.server.is_none(), "kill it first");
        own.server = Some(server(self.port, own.data.path(), true));
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url())
            .and_then(|client| client.get_connection())
            .expect("the test's Redis answers")
    }

    /// The full key: `key("otp", "wait")` is `<prefix>:otp:wait`.
    pub(crate) fn key(&self, queue: &str, suffix: &str) -> String {
        format!("{}:{queue}:{suffix}", self.prefix)
    }

    /// Run one command.
    #[track_caller]
    pub(crate) fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command
            .query(&mut self.connect())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// A field of a job's hash.
    #[track_caller]
    pub(crate) fn field(&self, queue: &str, id: &str, field: &str) -> Option<String> {
        self.run(&["HGET", &self.key(queue, id), field])
    }

    /// How many jobs a list or set of the queue holds: `wait`, `active`,
    /// `prioritized`, `delayed`, `completed`, `failed`, `paused`.
    #[track_caller]
    pub(crate) fn count(&self, queue: &str, set: &str) -> u64 {
        let key = self.key(queue, set);
        match self.run::<String>(&["TYPE", &key]).as_str() {
            "list" => self.run(&["LLEN", &key]),
            "zset" => self.run(&["ZCARD", &key]),
            _ => 0,
        }
    }

    /// Wait until so many jobs are in a set of the queue.
    #[track_caller]
    pub(crate) fn until_count(&self, queue: &str, set: &str, count: u64) {
        until(&format!("{count} jobs in {queue} {set}"), || {
            (self.count(queue, set) == count).then_some(())
        });
    }

    /// Wait until a job is in one of the sets `completed` and `failed`, and say
    /// in which.
    #[track_caller]
    pub(crate) fn until_ended(&self, queue: &str, id: &str) -> &'static str {
        until(&format!("job {id} of {queue} to end"), || {
            ["completed", "failed"].into_iter().find(|set| {
                self.run::<Option<f64>>(&["ZSCORE", &self.key(queue, set), id])
                    .is_some()
            })
        })
    }

    /// Write what a queue and its parents' queue hold before a case: `HSET @1 name x`,
    /// where `@` is the base of the queue's keys, and the meta of this version.
    #[track_caller]
    pub(crate) fn write_lines(&self, queue: &str, version: &str, lines: &[String]) {
        let base = self.key(queue, "");
        let mut connection = self.connect();
        let meta = |of: &str| {
            format!("HSET {of}meta opts.maxLenEvents 10000 version bullmq:{version}.0.0")
        };
        for line in lines.iter().chain(&[meta("@"), meta("@up:")]) {
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            let mut command = redis::cmd(words.next().unwrap());
            for word in words {
                command.arg(word.replace('@', &base));
            }
            command.query::<redis::Value>(&mut connection).unwrap();
        }
    }

    /// Write the hash of a job of shop 7 by hand, and put it nowhere.
    #[track_caller]
    pub(crate) fn write_job(&self, queue: &str, id: &str, name: &str, priority: &str) {
        let fields = format!(
            r#"name {name} data {{"shop":7}} opts {{}} timestamp 1700000000000 delay 0 priority {priority}"#
        );
        let key = self.key(queue, id);
        let words = ["HSET", &key].into_iter().chain(fields.split(' '));
        self.run::<u64>(&words.collect::<Vec<_>>());
    }

    /// Add a job as BullMQ does, without Node: for tests in which the producer
    /// does not matter. `options` is the JSON that BullMQ stores.
    #[track_caller]
    pub(crate) fn add(
        &self,
        queue: &str,
        name: &str,
        data: impl AsRef<[u8]>,
        options: &str,
    ) -> String {
        let id = self
            .run::<u64>(&["INCR", &self.key(queue, "id")])
            .to_string();
        let now = super::now().to_string();
        let mut connection = self.connect();
        redis::pipe()
            .atomic()
            .cmd("HSET")
            .arg(self.key(queue, &id))
            .arg(&["name", name, "opts", options])
            .arg("data")
            .arg(data.as_ref())
            .arg(&["timestamp", &now, "delay", "0", "priority", "0"])
            .cmd("LPUSH")
            .arg(self.key(queue, "wait"))
            .arg(&id)
            .cmd("ZADD")
            .arg(self.key(queue, "marker"))
            .arg(0)
            .arg("0")
            .query::<()>(&mut connection)
            .expect("the job is added");
        id
    }
}

/// A server that answers.
fn server(port: u16, data: &Path, durable: bool) -> Process {
    let appendonly = if durable { "yes" } else { "no" };
    let process = Process::spawn(
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", appendonly])
            .args(["--appendfsync", "always", "--dir"])
            .arg(data)
            .args(["--unixsocket", if durable { SOCKET } else { "" }])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("a valid URL");
    until("redis-server to answer", || {
        // While it loads its data it answers, with an error.
        let mut connection = client.get_connection().ok()?;
        redis::cmd("PING").query::<String>(&mut connection).ok()
    });
    process
}

/// A free port, which no other test of this process is given. Below the ports that
/// the kernel hands to outgoing connections, so that none takes it before the
/// server that is about to listen does.
pub(crate) fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 12_000..32_000;
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(std::process::id() * 97));
    PORTS
        .map(|_| next.fetch_add(1, Ordering::Relaxed) % u32::from(PORTS.end - PORTS.start))
        .map(|nth| PORTS.start + nth as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
