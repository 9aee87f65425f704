//! The real `runner` binary: as a server on a configuration of the test's own,
//! and as a command.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use super::process::Process;
use super::{Redis, until};

/// A directory with `queues.toml` and `plugins/`, for one test.
pub(crate) struct Setup {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A serving process. Dropped: killed.
pub(crate) struct Runner {
    process: Process,
    stderr: Arc<Mutex<Vec<String>>>,
}

impl Setup {
    /// `queues.toml` with this text. `[redis]` is put in front unless the text
    /// has one.
    pub(crate) fn new(redis: &Redis, toml: &str) -> Setup {
        let directory = TempDir::new().expect("a temporary directory");
        std::fs::create_dir(directory.path().join("plugins")).expect("a fresh directory");
        let setup = Setup {
            directory,
            environment: Vec::new(),
        };
        setup.write(&with_redis(redis, toml));
        setup
    }

    /// Replace `queues.toml` in one step, as a careful editor does.
    pub(crate) fn write(&self, toml: &str) {
        replace(&self.path("queues.toml"), toml.as_bytes());
    }

    /// Install a compiled file as `plugins/<name>.wasm`, in one step.
    pub(crate) fn plugin(self, name: &str, file: &Path) -> Setup {
        self.install(name, file);
        self
    }

    /// [`Setup::plugin`] while a runner is watching.
    pub(crate) fn install(&self, name: &str, file: &Path) {
        let bytes = std::fs::read(file).expect("a compiled guest");
        replace(&self.path(&format!("plugins/{name}.wasm")), &bytes);
    }

    /// Set an environment variable for the processes started from here.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Setup {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `runner serve`, when all its queues are consumed.
    pub(crate) fn serve(&self) -> Runner {
        let runner = self.spawn(&["serve"]);
        runner.until_ready();
        runner
    }

    /// A long-running command, not waited for.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Runner {
        self.spawn_as(self.command(), arguments)
    }

    /// [`Setup::spawn`] as root of namespaces of its own, after this script of the
    /// shell. `None` where the system does not let anybody have such.
    pub(crate) fn spawn_apart(&self, script: &str, arguments: &[&str]) -> Option<Runner> {
        const UNSHARE: [&str; 3] = ["--user", "--map-root-user", "--mount"];
        let allowed = Command::new("unshare").args(UNSHARE).arg("true").output();
        if !allowed.is_ok_and(|ended| ended.status.success()) {
            eprintln!("not tested: unshare is not allowed");
            return None;
        }
        let own = self.command();
        let mut command = Command::new("unshare");
        command.args(UNSHARE).args(["sh", "-ec"]);
        command.arg(format!("{script}\nexec \"$@\"")).arg("sh");
        command.arg(own.get_program()).env_clear();
        command.current_dir(self.path(""));
        let variables = own.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        Some(self.spawn_as(command, arguments))
    }

    fn spawn_as(&self, mut command: Command, arguments: &[&str]) -> Runner {
        let mut process = Process::spawn(
            command
                .args(["--log-format", "json"])
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let pipe = process.child().stderr.take().expect("stderr is piped");
        let lines = Arc::clone(&stderr);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines.lock().expect("no test panics inside").push(line);
            }
        });
        Runner { process, stderr }
    }

    /// Run a command to its end.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Ended {
        let output = self
            .command()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The binary in this directory, with nothing of the developer's own
    /// environment that could change what it does. Compiled plugins are shared
    /// between tests, as they are between runs.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", super::env("PATH").unwrap_or_default())
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("NO_COLOR", "1")
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Runner {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its log so far, one JSON object per line as printed.
    pub(crate) fn log(&self) -> Vec<String> {
        self.stderr.lock().expect("no test panics inside").clone()
    }

    /// Wait for a log line that holds this text, and return it.
    #[track_caller]
    pub(crate) fn until_logged(&self, text: &str) -> String {
        until(&format!("the log line {text:?}"), || {
            self.log().into_iter().find(|line| line.contains(text))
        })
    }

    /// Wait until all queues are consumed.
    ///
    /// # Panics
    /// With its log, when the process ends instead.
    #[track_caller]
    pub(crate) fn until_ready(&self) {
        until("runner to be ready", || {
            let log = self.log();
            let alive = Path::new(&format!("/proc/{}/fd", self.id()))
                .read_dir()
                .is_ok();
            assert!(alive, "runner ended:\n{}", log.join("\n"));
            log.iter()
                .any(|line| message(line) == "ready")
                .then_some(())
        });
    }

    /// SIGTERM, and wait for its end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Any signal by name.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }
}

impl Drop for Runner {
    /// A failing test shows what the process said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- runner {}\n{}", self.id(), self.log().join("\n"));
        }
    }
}

/// This text with `[redis]` in front, unless it has one.
pub(crate) fn with_redis(redis: &Redis, toml: &str) -> String {
    let mut text = String::new();
    if !toml.contains("[redis]") {
        let (url, prefix) = (redis.url(), redis.prefix());
        writeln!(text, "[redis]\nurl = {url:?}\nprefix = {prefix:?}\n").expect("a String");
    }
    text.push_str(toml);
    text
}

/// The message of a JSON log line.
fn message(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let message = line
        .get("message")
        .or_else(|| line["fields"].get("message"));
    message
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).expect("a writable directory");
    std::fs::rename(&beside, path).expect("a writable directory");
}
