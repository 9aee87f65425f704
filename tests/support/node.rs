//! Real npm `bullmq` in a Node process that lives as long as the test.
//!
//! One JSON line per call, one per answer (`tests/node/bridge.mjs`); calls may
//! overlap.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::process::Process;
use super::{PATIENCE, Redis};

/// A Node process with one version of `bullmq`, on one Redis and prefix.
pub(crate) struct Node {
    _process: Process,
    calls: ChildStdin,
    answers: Receiver<Value>,
    early: BTreeMap<u64, Value>,
    next: u64,
}

/// A call whose answer was not waited for.
#[must_use]
pub(crate) struct Call(u64);

impl Node {
    /// `version` is 5 or 6.
    pub(crate) fn start(redis: &Redis, version: u8) -> Node {
        let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/node"));
        install(directory);
        let mut process = Process::spawn(
            Command::new("node")
                .current_dir(directory)
                .arg("bridge.mjs")
                .args([
                    &version.to_string(),
                    &redis.port().to_string(),
                    redis.prefix(),
                ])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        );
        let calls = process.child().stdin.take().expect("stdin is piped");
        let lines = BufReader::new(process.child().stdout.take().expect("stdout is piped"));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let answer = serde_json::from_str(&line).expect("the bridge prints JSON");
                if sender.send(answer).is_err() {
                    return;
                }
            }
        });
        Node {
            _process: process,
            calls,
            answers,
            early: BTreeMap::new(),
            next: 0,
        }
    }

    /// A method of the queue: `queue("otp", "add", json!(["name", {}]))`. Jobs
    /// come back as objects of their fields.
    #[track_caller]
    pub(crate) fn queue(&mut self, queue: &str, method: &str, args: Value) -> Value {
        self.call(
            "queue",
            json!({ "queue": queue, "method": method, "args": args }),
        )
    }

    /// Add one job, and return its id.
    #[track_caller]
    pub(crate) fn add(&mut self, queue: &str, name: &str, data: Value, options: Value) -> String {
        let job = self.queue(queue, "add", json!([name, data, options]));
        job["id"].as_str().expect("a job has an id").to_owned()
    }

    /// The job as BullMQ reads it, with its `state`.
    #[track_caller]
    pub(crate) fn job(&mut self, queue: &str, id: &str) -> Value {
        self.call("job", json!({ "queue": queue, "id": id }))
    }

    /// A method of a job.
    #[track_caller]
    pub(crate) fn job_call(&mut self, queue: &str, id: &str, method: &str, args: Value) -> Value {
        self.call(
            "jobCall",
            json!({ "queue": queue, "id": id, "method": method, "args": args }),
        )
    }

    /// `job.waitUntilFinished`: the return value, or `{"error": reason}`.
    #[track_caller]
    pub(crate) fn finished(&mut self, queue: &str, id: &str) -> Value {
        self.call("finished", json!({ "queue": queue, "id": id }))
    }

    /// All events of the queue since it was made that `QueueEvents` emits, in
    /// order, once the last one is `until` (for job `id`, if it is about one).
    #[track_caller]
    pub(crate) fn events(&mut self, queue: &str, until: &str, id: Option<&str>) -> Vec<Value> {
        let events = self.call(
            "events",
            json!({ "queue": queue, "until": until, "id": id }),
        );
        events.as_array().expect("a list of events").clone()
    }

    /// Any operation of the bridge.
    #[track_caller]
    pub(crate) fn call(&mut self, operation: &str, args: Value) -> Value {
        let call = self.begin(operation, args);
        self.end(call)
    }

    /// A call whose answer comes later.
    #[track_caller]
    pub(crate) fn begin(&mut self, operation: &str, args: Value) -> Call {
        self.next += 1;
        writeln!(
            self.calls,
            "{}",
            json!({ "id": self.next, "op": operation, "args": args })
        )
        .expect("node is alive");
        Call(self.next)
    }

    /// Its answer.
    #[track_caller]
    pub(crate) fn end(&mut self, call: Call) -> Value {
        loop {
            if let Some(mut answer) = self.early.remove(&call.0) {
                assert!(answer["error"].is_null(), "node: {}", answer["error"]);
                return answer["result"].take();
            }
            let answer = self
                .answers
                .recv_timeout(PATIENCE)
                .expect("node answers in time");
            self.early
                .insert(answer["id"].as_u64().expect("an id"), answer);
        }
    }
}

/// `npm ci`, once, if `make setup` has not done it.
fn install(directory: &Path) {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        if !directory.join("node_modules/bullmq6/package.json").exists() {
            let status = Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(directory)
                .status();
            assert!(status.expect("npm starts").success(), "npm ci");
        }
    });
}
