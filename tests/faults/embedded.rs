//! The embedded Redis: found by the commands beside it, adopted after a crash,
//! stopped after the jobs were handed back.

use std::path::Path;

use redis::Connection;

use crate::support::{Redis, Runner, Setup, guest, until};

/// A directory in which `runner dev` may run. Dropped: its Redis is stopped, for
/// that outlives a killed runner.
struct Dev(Setup);

const QUEUE: &str = "[queues.greetings]\nplugin = \"faults\"\n";

impl Dev {
    /// The file names a Redis that nobody answers on: `dev` must not ask there.
    fn new() -> Dev {
        let toml = format!("[redis]\nurl = \"redis://127.0.0.1:1\"\n{QUEUE}");
        Dev(Setup::new(&Redis::shared(), &toml).plugin("faults", &guest("faults")))
    }

    fn start(&self) -> Runner {
        let runner = self.0.spawn(&["dev"]);
        runner.until_ready();
        runner
    }

    fn url(&self) -> Option<String> {
        let port = std::fs::read_to_string(self.0.path("data/redis/port")).ok()?;
        Some(format!("redis://127.0.0.1:{port}"))
    }

    /// A connection to this directory's server, when it is ready. Another test's
    /// server may have got the port since.
    fn connect(&self) -> Option<Connection> {
        let client = redis::Client::open(self.url()?).ok()?;
        let mut connection = client.get_connection().ok()?;
        let (_, directory): (String, String) = redis::cmd("CONFIG")
            .arg(&["GET", "dir"])
            .query(&mut connection)
            .ok()?;
        redis::cmd("PING").query::<String>(&mut connection).ok()?;
        let ours = self.0.path("data/redis").canonicalize().ok()?;
        (Path::new(&directory) == ours).then_some(connection)
    }

    /// What identifies this very server process.
    fn run_id(&self) -> String {
        let mut connection = self.connect().unwrap();
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query(&mut connection)
            .unwrap();
        let id = info.lines().find(|line| line.starts_with("run_id:"));
        id.unwrap().to_owned()
    }

    fn count(&self, list: &str) -> u64 {
        let key = format!("bull:greetings:{list}");
        let length = self
            .connect()
            .map(|mut connection| redis::cmd("LLEN").arg(key).query(&mut connection).unwrap());
        length.unwrap_or(0)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connect() {
            // It closes the connection instead of answering.
            let _ = redis::cmd("SHUTDOWN")
                .arg("NOSAVE")
                .query::<()>(&mut connection);
        }
    }
}

#[test]
fn commands_beside_dev_use_its_redis_whatever_the_file_says() {
    let dev = Dev::new();
    let mut runner = dev.start();
    let ended = dev.0.cli(&["add", "greetings", "print", "{}", "--wait"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "null\n"),
        "{ended:?}"
    );
    let elsewhere = [
        "add",
        "greetings",
        "print",
        "--redis",
        "redis://127.0.0.1:1",
    ];
    assert_eq!(dev.0.cli(&elsewhere).code, Some(5));
    assert_eq!(runner.stop().code(), Some(0));
    assert!(dev.connect().is_none(), "the redis ends with its runner");
    assert_eq!(dev.0.cli(&["job", "get", "greetings", "1"]).code, Some(5));
}

#[test]
fn jobs_and_port_outlive_a_restart() {
    let dev = Dev::new();
    let mut runner = dev.start();
    let url = dev.url();
    let add = ["add", "greetings", "print", "{}", "--wait"];
    assert_eq!(dev.0.cli(&add).code, Some(0));
    assert_eq!(runner.stop().code(), Some(0));
    let _runner = dev.start();
    assert_eq!(dev.url(), url);
    let job = dev.0.cli(&["job", "get", "greetings", "1"]);
    assert!(job.stdout.contains("state      completed\n"), "{job:?}");
}

#[test]
fn a_redis_that_outlived_its_runner_is_adopted_and_stopped() {
    let dev = Dev::new();
    let mut runner = dev.start();
    let first = dev.run_id();
    runner.kill();
    let mut runner = dev.start();
    runner.until_logged("adopted the embedded redis of an earlier run");
    assert_eq!(dev.run_id(), first);
    assert_eq!(runner.stop().code(), Some(0));
    assert!(dev.connect().is_none());
}

#[test]
fn two_runners_in_one_directory_share_one_redis() {
    let dev = Dev::new();
    let mut first = dev.start();
    let id = dev.run_id();
    let mut second = dev.start();
    second.until_logged("using the embedded redis of another runner");
    assert_eq!(second.stop().code(), Some(0));
    assert_eq!(dev.run_id(), id, "the guest leaves it running");
    assert_eq!(first.stop().code(), Some(0));
}

#[test]
fn ctrl_c_hands_running_jobs_back_before_redis_stops() {
    let dev = Dev::new();
    let mut runner = dev.start();
    let added = dev.0.cli(&["add", "greetings", "spin"]);
    assert_eq!(added.stdout, "1\n", "{added:?}");
    until("the job to start", || {
        (dev.count("active") == 1).then_some(())
    });
    // A terminal signals the whole process group; Redis is in another.
    runner.signal("INT");
    runner.until_logged("stopping: no new jobs, running ones may finish");
    runner.signal("INT");
    let status = until("runner to end", || runner.ended());
    assert_eq!(status.code(), Some(0));
    let _runner = dev
        .0
        .spawn(&["serve", "--redis", "embedded", "--plugins", "none"]);
    until("redis to run again", || dev.connect());
    assert_eq!((dev.count("active"), dev.count("wait")), (0, 1));
}

#[test]
fn a_missing_redis_server_is_explained() {
    let dev = Dev::new();
    let output = dev
        .0
        .command()
        .arg("dev")
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: redis-server was not found on PATH: install it (Debian and Ubuntu: apt install \
         redis-server, Fedora: dnf install redis, macOS: brew install redis) or set [redis] url \
         to a running Redis\n"
    );
}

#[test]
fn commands_without_a_running_embedded_redis_say_how_to_start_it() {
    let dev = Dev::new();
    let ended = dev
        .0
        .cli(&["add", "greetings", "print", "--redis", "embedded"]);
    assert_eq!(ended.code, Some(5));
    assert_eq!(
        ended.stderr,
        "error: the embedded redis in data/redis is not running: \
         start it with `runner dev` or `runner serve`\n"
    );
}
