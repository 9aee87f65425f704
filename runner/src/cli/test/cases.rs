//! A file of cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::sql;
use crate::config;

/// Cases for one plugin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// A plugin of queues.toml.
    pub(super) plugin: String,
    /// Its component, from this file on, instead of the one in `plugins`.
    pub(super) file: Option<PathBuf>,
    /// Whose settings and contract count; by default the first queue that the
    /// plugin serves.
    pub(super) queue: Option<String>,
    /// Settings beside those of queues.toml.
    #[serde(default)]
    config: BTreeMap<String, Value>,
    /// Values of secrets.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// `[[case]]`
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// One job and what becomes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows.
    pub(super) name: String,
    /// The job's name.
    pub(super) job: String,
    /// The payload.
    #[serde(default = "empty")]
    pub(super) data: Value,
    /// Which attempt it is; the first by default.
    #[serde(default = "one")]
    pub(super) attempt: u32,
    /// How many there are; 3 by default.
    #[serde(default = "three")]
    pub(super) attempts: u32,
    /// Replies to its requests, as in outbox.toml.
    #[serde(default)]
    reply: Vec<toml::Table>,
    /// What its statements return.
    #[serde(default)]
    pub(super) sql: Vec<sql::Reply>,
    /// What becomes of it.
    pub(super) expect: Expect,
}

/// What is expected; what is left out may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// How the attempt ends.
    pub(super) outcome: Ending,
    /// The result; objects may have more.
    pub(super) result: Option<Value>,
    /// The reason; `*` stands for any characters.
    pub(super) reason: Option<String>,
    /// Milliseconds of a delay.
    pub(super) delay: Option<u64>,
    /// All requests it sent, in their order.
    pub(super) requests: Option<Vec<Request>>,
    /// All statements it ran, in their order.
    pub(super) statements: Option<Vec<sql::Statement>>,
    /// All jobs it added, in their order.
    pub(super) added: Option<Vec<Added>>,
    /// Lines of its log, each of which has such a text.
    #[serde(default)]
    pub(super) logs: Vec<String>,
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ending {
    Completed,
    Retry,
    Rejected,
    Snoozed,
    WaitChildren,
    RateLimited,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) method: Option<String>,
    /// `*` stands for any characters.
    pub(super) url: Option<String>,
    /// Header fields it has, by names in lower case.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// The content, JSON or text; objects may have more.
    pub(super) body: Option<Value>,
}

/// A job that was added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Added {
    pub(super) queue: String,
    pub(super) name: Option<String>,
    /// Objects may have more.
    pub(super) data: Option<Value>,
}

impl Ending {
    /// As the file writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Ending::Completed => "completed",
            Ending::Retry => "retry",
            Ending::Rejected => "rejected",
            Ending::Snoozed => "snoozed",
            Ending::WaitChildren => "wait-children",
            Ending::RateLimited => "rate-limited",
        }
    }
}

impl File {
    /// Read a file.
    ///
    /// # Errors
    /// What is wrong in it, with line and column.
    pub(super) fn read(path: &Path) -> Result<File, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let error = config::masked(error, &text).to_string();
            format!("{}: {}", path.display(), error.trim_end())
        })?;
        match file.cases.iter().find(|case| case.attempt == 0) {
            Some(case) => Err(format!(
                "{}: {:?}: the first attempt is 1",
                path.display(),
                case.name
            )),
            None => Ok(file),
        }
    }

    /// Settings as a plugin reads them: strings as they are, other values as
    /// JSON.
    pub(super) fn config(&self) -> impl Iterator<Item = (String, String)> {
        self.config.iter().map(|(key, value)| match value {
            Value::String(text) => (key.clone(), text.clone()),
            other => (key.clone(), other.to_string()),
        })
    }
}

impl Case {
    /// The replies as outbox.toml has them.
    pub(super) fn rules(&self) -> String {
        let rules = toml::Table::from_iter([("reply".to_owned(), self.reply.clone().into())]);
        rules.to_string()
    }
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}
