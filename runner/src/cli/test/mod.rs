//! `runner test`: cases for a plugin, without Redis and without network.
//!
//! Each case is a job with the grants of `queues.toml`; its HTTP requests are
//! answered by the case, and what it did is compared with what was expected.

mod cases;
mod compare;
mod sql;
mod within;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::cases::{Case, File};
use self::compare::Happened;
use super::output::{self, bad, dim, good, plain};
use super::trial::{self, Bench};
use super::{Cli, Exit, Result};
use crate::config::{Config, Loaded, Plugin, Secret, Variable};
use crate::host::{Host, Http, Script};
use crate::outbox::{self, Outbox};
use crate::plugin;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner test plugins/otp-sender/cases.toml")]
pub(super) struct Args {
    /// Files of test cases.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only cases whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What all cases share.
struct Shared {
    /// A host with this way out, on one engine.
    host: Box<dyn Fn(Http) -> Result<Host>>,
    io: tokio::runtime::Runtime,
    loaded: Loaded,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let (engine, _) = plugin::engine()?;
        let loaded = cli.load_for_trial()?;
        let scratch = loaded.config.runtime.scratch();
        let host = move |http| Host::new(engine.clone(), http, scratch.clone());
        let shared = Shared {
            host: Box::new(move |http| host(http).map_err(Exit::failed)),
            io: tokio::runtime::Runtime::new().map_err(Exit::failed)?,
            loaded,
        };
        let (mut ran, mut failed) = (0, 0);
        let mut rows = Vec::new();
        for path in &self.files {
            let file = File::read(path).map_err(Exit::usage)?;
            for case in &file.cases {
                if self.only.as_ref().is_some_and(|of| !case.name.contains(of)) {
                    continue;
                }
                let (differences, took) = shared.run(path, &file, case)?;
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

impl Shared {
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
        let name = &file.plugin;
        let mut place = trial::place(&self.loaded, file.queue.as_deref(), name, &case.job)?;
        place.settings.plugin = Some(name.clone());
        let answers = case.sql.iter().map(sql::Reply::answer);
        let script = Arc::new(Script::new(answers.collect()));
        let host = (self.host)(http)?.scripted(script.clone());
        let bench = Bench::new(host, &self.granted(path, file, name));
        let plugin = bench.plugin(name)?;
        if place.settings.contract.is_none() {
            place.settings.contract = trial::own(&plugin, &case.job);
        }
        let data = case.data.to_string();
        let job = trial::job("1", &case.job, data, case.attempt, case.attempts);
        let attempt = place.attempt(job);
        let executor = bench.executor()?;
        let (sender, receiver) = channel();
        let began = Instant::now();
        executor.start(attempt.clone(), place.settings, move |_, _, outcome| {
            // The receiver waits until then.
            let _ = sender.send(outcome);
        });
        let outcome = receiver.recv().map_err(Exit::failed)?;
        let took = began.elapsed();
        let requests = outbox::read(&scratch.0.join(outbox::FILE), &outbox::Filter::default());
        let happened = Happened {
            outcome,
            requests: requests.unwrap_or_default(),
            statements: script.take_asked(),
            effects: bench.host.take_recorded(),
            logs: attempt.take_notes().logs,
        };
        Ok((happened.differences(&case.expect), took))
    }

    /// The plugin with its grants, and the settings and secrets of the file.
    fn granted(&self, path: &Path, file: &File, name: &str) -> Config {
        let config = &self.loaded.config;
        let known = config.plugins.get(name);
        let mut plugin = match known {
            Some(known) => Plugin::clone(known),
            None => super::plugin::unnamed(config, name),
        };
        if let Some(component) = &file.file {
            plugin.file = path.with_file_name(component);
        }
        plugin.config.extend(file.config());
        for (name, value) in &file.secrets {
            let secret = Secret(value.clone());
            if let Some(variable) = plugin.env.get_mut(name) {
                *variable = Variable::Secret(secret.clone());
            }
            plugin.secrets.insert(name.clone(), secret);
        }
        Config {
            plugins: [(name.to_owned(), Arc::new(plugin))].into(),
            ..config.clone()
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
