//! The door: a `runner serve` for one language, its Redis, a server that its guest may
//! call, and jobs.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::language::Language;
use super::server::Server;
use crate::support::{Node, Redis, Runner, Setup};

/// The secret that the guests are granted.
pub(crate) const TOKEN: &str = "s3cr3t-of-the-suite";

pub(crate) struct Door {
    pub(crate) language: Language,
    pub(crate) redis: Redis,
    pub(crate) setup: Setup,
    pub(crate) server: Server,
    node: Mutex<Option<Node>>,
    _runner: Runner,
}

/// A job that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: String,
    pub(crate) completed: bool,
    /// The return value as it is stored.
    pub(crate) text: String,
    /// Why it failed.
    pub(crate) reason: String,
    /// The frames of all attempts.
    pub(crate) stack: String,
    /// The job's log.
    pub(crate) log: Vec<String>,
    pub(crate) progress: String,
    /// When it ended.
    pub(crate) finished: String,
    /// Attempts spent.
    pub(crate) attempts: u64,
}

impl Door {
    pub(crate) fn open(language: Language) -> Door {
        let redis = Redis::shared();
        let server = Server::start();
        let setup = Setup::new(&redis, &settings(language, &server.url("")))
            .plugin("guest", &language.guest())
            .plugin("swapped", &language.guest())
            .env("TOKEN", TOKEN)
            .env("RUST_LOG", "info,runner::guest=off");
        write(&setup.path("data/hello.txt"), "hello from a file\n");
        let contract = include_str!("wit/shop.wit");
        write(&setup.path("wit/shop.wit"), contract);
        // A large guest takes a busy machine longer to compile than a start may take:
        // its compiled form is in the cache then.
        setup.cli(&["plugin", "inspect", "guest"]);
        let runner = setup.serve();
        Door {
            language,
            redis,
            setup,
            server,
            node: Mutex::new(None),
            _runner: runner,
        }
    }

    /// Real npm `bullmq`, started when a behaviour first asks for it.
    pub(crate) fn node(&self) -> Bull<'_> {
        let mut node = self
            .node
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        node.get_or_insert_with(|| Node::start(&self.redis, 6));
        Bull(node)
    }

    /// Add a job to the queue `work`.
    #[track_caller]
    pub(crate) fn add(&self, name: &str, data: &Value, options: &Value) -> String {
        self.redis
            .add("work", name, data.to_string(), &options.to_string())
    }

    /// A job of the queue `work`, until it has ended.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, data: Value) -> Ended {
        self.run_in("work", name, &data.to_string(), "{}")
    }

    /// [`Door::run`] with so many attempts.
    #[track_caller]
    pub(crate) fn tries(&self, name: &str, data: Value, attempts: u32) -> Ended {
        let options = json!({ "attempts": attempts }).to_string();
        self.run_in("work", name, &data.to_string(), &options)
    }

    #[track_caller]
    pub(crate) fn run_in(&self, queue: &str, name: &str, data: &str, options: &str) -> Ended {
        let id = self.redis.add(queue, name, data, options);
        self.ended(queue, &id)
    }

    /// How a job ended, when it has.
    #[track_caller]
    pub(crate) fn ended(&self, queue: &str, id: &str) -> Ended {
        let completed = self.redis.until_ended(queue, id) == "completed";
        let field = |name: &str| self.redis.field(queue, id, name).unwrap_or_default();
        let log = self.redis.key(queue, &format!("{id}:logs"));
        Ended {
            id: id.to_owned(),
            completed,
            text: field("returnvalue"),
            reason: field("failedReason"),
            stack: field("stacktrace"),
            log: self.redis.run(&["LRANGE", &log, "0", "-1"]),
            progress: field("progress"),
            finished: field("finishedOn"),
            attempts: field("atm").parse().unwrap_or(0),
        }
    }

    /// The return value of a job that completes.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, data: Value) -> Value {
        self.run(name, data).value()
    }

    /// Why a job failed.
    #[track_caller]
    pub(crate) fn reason(&self, name: &str, data: Value) -> String {
        self.run(name, data).failed()
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        assert!(self.completed, "it failed: {}", self.reason);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert!(!self.completed, "it completed: {}", self.text);
        self.reason
    }

    /// Its log without the times in front: `INFO message`.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let without = |line| str::split_once(line, ' ').map_or(line, |(_, rest)| rest);
        self.log.iter().map(|line| without(line)).collect()
    }
}

/// Node, for as long as one behaviour needs it.
pub(crate) struct Bull<'a>(MutexGuard<'a, Option<Node>>);

impl std::ops::Deref for Bull<'_> {
    type Target = Node;

    fn deref(&self) -> &Node {
        self.0.as_ref().expect("it was started")
    }
}

impl std::ops::DerefMut for Bull<'_> {
    fn deref_mut(&mut self) -> &mut Node {
        self.0.as_mut().expect("it was started")
    }
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("it is in a folder");
    std::fs::create_dir_all(folder).expect("a fresh directory");
    std::fs::write(path, text).expect("a fresh directory");
}

// Long because it is one file, in which each queue stands for a limit.
/// `queues.toml`: limits are narrower for a name or a queue of their own.
fn settings(language: Language, origin: &str) -> String {
    let memory = language.memory();
    let grants = format!(
        r#"http = [{origin:?}, "http://127.0.0.1:1"]
secrets = {{ TOKEN = "env:TOKEN", ABSENT = "env:ABSENT?" }}
config = {{ sender = "Example", limits = {{ daily = 5 }} }}
dirs = {{ "/data" = "data" }}
"#
    );
    let grants = match language {
        // A program has an environment in the place of settings.
        Language::Command => grants.replace(
            "config = {",
            "env = { SENDER = \"Example\", LIMITS = '{\"daily\":5}', TOKEN = \"env:TOKEN\", ABSENT = \"env:ABSENT?\" }\nconfig = {",
        ),
        _ => format!("{grants}sql = {{ main = \"sqlite:data/suite.db?mode=rwc\" }}\n"),
    };
    format!(
        r#"
[queues.work]
plugin = "guest"
concurrency = 100

[queues.work.jobs.version]
plugin = "swapped"

# Large texts are held more than once where strings have two bytes a character.
[queues.work.jobs.make]
memory = "128MiB"

[queues.brief]
plugin = "guest"
timeout = "1s"
concurrency = 10
max_payload = "1KiB"

[queues.few]
plugin = "guest"
max_adds = 3

[queues.least]
plugin = "guest"
memory = "{memory}"

[queues.gated]
plugin = "guest"

[queues.limited]
plugin = "guest"

[queues.other]

[queues.typed]
plugin = "guest"
contract = "suite:shop/orders"

[plugins.guest]
{grants}
[plugins.swapped]
{grants}"#
    )
}
