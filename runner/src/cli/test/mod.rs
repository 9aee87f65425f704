//! `runner test`: cases for a plugin, without Redis and without network.
//!
//! Each case is a job with the grants of `queues.toml`; its HTTP requests are
//! answered by the case, and what it did is compared with what was expected.

mod cases;
mod compare;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::cases::{Case, File};
use self::compare::Happened;
use super::output::{self, bad, dim, good, plain};
use super::{Cli, Exit, Result, trial};
use crate::config::{Config, JobSettings, Plugin, Secret};
use crate::executor::Executor;
use crate::host::{Host, Http};
use crate::outbox::{self, Outbox};
use crate::plugin::{self, Plugins};
use crate::queue::{Attempt, Queue};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner test plugins/otp-sender/cases.toml")]
pub(super) struct Args {
    /// Files of cases.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only cases whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What all cases share.
struct Bench {
    engine: wasmtime::Engine,
    io: tokio::runtime::Runtime,
    config: Config,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let bench = Bench {
            engine: plugin::engine()?.0,
            io: tokio::runtime::Runtime::new().map_err(Exit::failed)?,
            config: cli.load_or_default()?.config,
        };
        let (mut ran, mut failed) = (0, 0);
        let mut rows = Vec::new();
        for path in &self.files {
            let file = File::read(path).map_err(Exit::usage)?;
            for case in &file.cases {
                if self.only.as_ref().is_some_and(|of| !case.name.contains(of)) {
                    continue;
                }
                let (differences, took) = bench.run(path, &file, case)?;
                ran += 1;
                failed += usize::from(!differences.is_empty());
                rows.push(json!({
                    "file": path,
                    "case": case.name,
                    "passed": differences.is_empty(),
                    "differences": differences,
                    "ms": took.as_secs_f64() * 1e3,
                }));
                if !cli.json {
                    let word = match differences.is_empty() {
                        true => good("ok"),
                        false => bad("failed"),
                    };
                    let took = format!("({} ms)", took.as_millis());
                    output::line([word, plain(&case.name), dim(took)]);
                    for difference in differences {
                        output::line(format!("  {difference}"));
                    }
                }
            }
        }
        if cli.json {
            output::json(&Value::from(rows));
        }
        match (ran, failed) {
            (0, _) => Err(Exit::usage("no case was run")),
            (_, 0) => Ok(()),
            _ => Err(Exit::failed(format!("{failed} of {ran} cases failed"))),
        }
    }
}

impl Bench {
    /// Run one case; what was not as expected, and how long the job took once its
    /// plugin was loaded.
    fn run(&self, path: &Path, file: &File, case: &Case) -> Result<(Vec<String>, Duration)> {
        let scratch = Scratch::new()?;
        let rules = scratch.0.join(outbox::RULES);
        std::fs::write(&rules, case.rules()).map_err(Exit::failed)?;
        let outbox = Outbox::new(&scratch.0, rules).map_err(|error| {
            Exit::usage(format!("{}: {:?}: {error}", path.display(), case.name))
        })?;
        let http = Http::new(self.io.handle().clone()).with_outbox(Arc::new(outbox));
        let host = Host::new(self.engine.clone(), http).map_err(Exit::failed)?;
        let host = Arc::new(host.recording());
        let queues = self.config.queues.keys();
        host.set_queues(
            queues
                .map(|name| (name.clone(), Queue::detached(name)))
                .collect(),
        );

        let name = file.plugin.clone();
        let place = trial::place(&self.config, file.queue.as_deref(), &name, &case.job)?;
        let settings = JobSettings {
            plugin: Some(name.clone()),
            ..place.settings
        };
        let plugins = Plugins::new(host.clone(), &self.config.runtime, plugin::THIS);
        plugins.configure(&self.granted(path, file, &name));
        if plugins.get(&name).is_none() {
            let refusal = plugins.list().pop().and_then(|status| status.refusal);
            let why = refusal.map(|refusal| refusal.to_string());
            let why = why.unwrap_or_default();
            return Err(Exit::failed(format!("plugin {name:?}: {why}")));
        }
        let data = case.data.to_string();
        let job = trial::job("1", &case.job, data, case.attempt, case.attempts);
        let executor =
            Executor::new(host.clone(), plugins, NonZeroUsize::MIN).map_err(Exit::failed)?;
        let queue = Queue::detached(&place.queue);
        let attempt = Arc::new(Attempt::new(job, queue, String::new(), settings.timeout));
        let (sender, receiver) = channel();
        let began = Instant::now();
        executor.start(attempt.clone(), settings, move |_, outcome| {
            // The receiver waits until then.
            let _ = sender.send(outcome);
        });
        let outcome = receiver.recv().map_err(Exit::failed)?;
        let took = began.elapsed();
        let requests = outbox::read(&scratch.0.join(outbox::FILE), &outbox::Filter::default());
        let happened = Happened {
            outcome,
            requests: requests.unwrap_or_default(),
            effects: host.take_recorded(),
            logs: attempt.take_notes().logs,
        };
        Ok((happened.differences(&case.expect), took))
    }

    /// The plugin with its grants, and the settings and secrets of the file.
    fn granted(&self, path: &Path, file: &File, name: &str) -> Config {
        let known = self.config.plugins.get(name);
        let mut plugin = known.map_or_else(Plugin::default, |known| Plugin::clone(known));
        plugin.name = name.to_owned();
        if let Some(component) = &file.file {
            plugin.file = path.with_file_name(component);
        }
        plugin.config.extend(file.config());
        let secrets = file.secrets.iter();
        plugin
            .secrets
            .extend(secrets.map(|(name, value)| (name.clone(), Secret(value.clone()))));
        Config {
            plugins: [(name.to_owned(), Arc::new(plugin))].into(),
            ..self.config.clone()
        }
    }
}

/// A directory for one case.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        let name = format!(
            "runner-test-{}-{:016x}",
            std::process::id(),
            fastrand::u64(..)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(Exit::failed)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
