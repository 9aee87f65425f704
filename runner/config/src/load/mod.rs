//! From the file, the environment and the flags to a [`Config`]: one module per
//! part of the file, all mistakes of all parts in one go.
//!
//! Precedence: flag, environment, file, default. Of the environment `RUNNER_*`
//! comes first, then the names that other BullMQ set-ups use.

mod access;
mod backoff;
mod blobs;
mod environment;
mod plugin;
mod queue;
mod redis;
mod route;
mod runtime;
mod schedule;
mod secret;
mod server;
mod sql;
mod traces;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::Config;
use super::decode::{Decoder, Table};
use super::env::{Env, Overrides};
use super::keys;
use super::origins::Origins;
use super::problem::{Problem, Problems};
use super::sources::Sources;
use super::syntax::mistakes;
use runner_contract::Library;

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is used.
    pub config: Config,
    /// What is allowed and probably not meant, each with its line.
    pub warnings: Vec<String>,
    /// Where each value came from.
    pub origins: Origins,
    /// The file, as it was named.
    pub file: String,
    /// By plugin, the optional secrets that are not set and so not granted.
    pub withheld: BTreeMap<String, Vec<String>>,
    /// The file as it was read.
    pub text: String,
    /// What was read beside it.
    pub sources: Sources,
}

impl Config {
    /// Reads and checks the whole configuration; connects to nothing.
    ///
    /// Relative paths in the file start at the file's directory. Secrets are
    /// resolved here, so a secret that is missing is a mistake like any other.
    pub fn load(path: &Path, overrides: &Overrides, env: &Env) -> Result<Loaded, Problems> {
        match std::fs::read_to_string(path) {
            Ok(source) => Config::parse(path, &source, overrides, env),
            Err(error) => Err(unreadable(path.display().to_string(), &error)),
        }
    }

    /// [`Config::load`] of a text that would stand at this path. The empty text
    /// has only defaults.
    pub fn parse(
        path: &Path,
        source: &str,
        overrides: &Overrides,
        env: &Env,
    ) -> Result<Loaded, Problems> {
        let file = path.display().to_string();
        let dir = path.parent().unwrap_or(Path::new(""));
        let mut decoder = Decoder::new(dir, &file, source, env, keys::is_known);
        decoder.dev = overrides.dev;

        let (document, faults) = DeTable::parse_recoverable(source);
        if !faults.is_empty() {
            decoder.problems.break_up(source, keys::is_known);
            for (place, mistake) in mistakes(source, faults) {
                decoder.problems.push(not_toml(place, &mistake));
            }
            return Err(decoder.finish());
        }
        let root = Table::root(&document);
        decoder.only(&root, keys::ROOT);

        let redis = redis::read(&mut decoder, &root, overrides);
        let runtime = runtime::read(&mut decoder, &root, overrides);
        let server = server::read(&mut decoder, &root, overrides).map(Arc::new);
        let traces = traces::read(&mut decoder, &root);
        let library = match names_contract(&root) {
            true => decoder.library(&runtime.contracts),
            false => Library::default(),
        };
        let queues = queue::read_all(&mut decoder, &root, overrides, &redis, &library);
        let (plugins, withheld) = plugin::read_all(&mut decoder, &root, &runtime.plugins, &queues);

        let schedules = schedule::read_all(&mut decoder, &root, &queues);
        let routes = route::read_all(&mut decoder, &root, &queues);

        if !decoder.problems.is_empty() {
            return Err(decoder.finish());
        }
        Ok(Loaded {
            config: Self {
                redis,
                runtime,
                server,
                traces,
                queues,
                plugins,
                schedules,
                routes,
            },
            warnings: decoder.warnings,
            origins: decoder.origins,
            file: file.clone(),
            withheld,
            text: source.to_owned(),
            sources: decoder.sources,
        })
    }
}

fn not_toml(place: Range<usize>, mistake: &str) -> Problem {
    Problem {
        message: format!("this is not TOML: {mistake}"),
        span: Some(place),
        label: String::new(),
        help: None,
    }
}

/// Whether a queue has a contract. Without, files in a directory of that name are
/// none of ours.
fn names_contract(root: &Table<'_>) -> bool {
    let queues = root.get("queues").and_then(|entry| entry.value.as_table());
    let mut queues = queues.into_iter().flat_map(DeTable::values);
    queues.any(|queue| {
        let queue = queue.get_ref().as_table();
        queue.is_some_and(|queue| queue.keys().any(|key| key.get_ref() == "contract"))
    })
}

impl Decoder<'_> {
    fn finish(mut self) -> Problems {
        self.problems.sort();
        *self.problems.sources = self.sources;
        self.problems
    }

    /// The contracts of the directory; a mistake in it is one of the
    /// configuration.
    fn library(&mut self, directory: &Path) -> Library {
        self.sources.contracts = Some(directory.to_owned());
        Library::read(directory).unwrap_or_else(|reason| {
            self.problems.push(Problem {
                message: reason,
                span: None,
                label: String::new(),
                help: None,
            });
            Library::default()
        })
    }

    /// A path of the file, from the file's directory.
    fn path(&self, text: &str) -> PathBuf {
        self.dir.join(text)
    }
}

fn unreadable(file: String, error: &std::io::Error) -> Problems {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    let message = format!("cannot read {file}: {reason}");
    let mut problems = Problems::new(file, "");
    problems.push(Problem {
        message,
        span: None,
        label: "name another file with --config".to_owned(),
        help: None,
    });
    problems
}
