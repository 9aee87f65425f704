//! Plugins: which version of each serves, what it is made of, and what it may reach. Asked
//! by operators; knows the plugins of one process and the queues that name them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::{Error, Kind, Result};
use crate::config::{self, Config, nearest};
use crate::plugin::{Plugin, Plugins, Refusal, Status};

/// A plugin in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginSummary)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Whether it serves.
    pub state: State,
    /// SHA-256 of the file that serves.
    pub digest: Option<String>,
    /// Bytes of that file.
    pub size: Option<u64>,
    /// The language it was written in, as far as the file tells.
    pub language: Option<String>,
    /// What it was made with, as far as the file tells.
    pub toolchain: Option<String>,
    /// The queues that name it.
    pub queues: Vec<String>,
    /// Why the file that is there now does not serve.
    pub reason: Option<String>,
}

/// Whether a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PluginState)]
pub enum State {
    /// A version of it serves.
    Fits,
    /// There is no file that can be read.
    Missing,
    /// The file does not serve.
    Refused,
    /// It is being loaded for the first time.
    Loading,
}

impl State {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            State::Fits => "fits",
            State::Missing => "missing",
            State::Refused => "refused",
            State::Loading => "loading",
        }
    }
}

/// A plugin in full: the version that serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plugin)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// Its name and the first twelve digits of its digest.
    pub version: String,
    /// Its file.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
    /// The language it was written in, as far as the file tells.
    pub language: Option<String>,
    /// What it was made with, as far as the file tells.
    pub toolchain: Option<String>,
    /// Milliseconds that it took to compile, or to load from the cache.
    pub load_ms: u64,
    /// Whether it came from the cache.
    pub cached: bool,
    /// The ways into it: `handler`, `typed functions`, `command`.
    pub doors: Vec<String>,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The contracts it has, by their ids, each with the names of its jobs.
    pub contracts: BTreeMap<String, Vec<String>>,
    /// What it may reach.
    pub grants: Grants,
    /// The queues that name it.
    pub queues: Vec<String>,
    /// Why a newer file that is there now does not serve in its place.
    pub reason: Option<String>,
}

/// What a plugin may reach. Of secrets and variables only the names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grants {
    /// Origins it may call.
    pub http: Vec<String>,
    /// Names of its secrets.
    pub secrets: Vec<String>,
    /// Its settings, as JSON.
    pub config: BTreeMap<String, String>,
    /// Directories it may read: as it sees them, and where they are.
    pub dirs: BTreeMap<String, String>,
    /// Its databases: as it knows them, and what they are.
    #[serde(default)]
    pub sql: BTreeMap<String, String>,
    /// Its object stores: as it knows them, and what they are.
    #[serde(default)]
    pub blobs: BTreeMap<String, String>,
    /// How much it may keep in Redis, in words.
    #[serde(default)]
    pub kv: Option<String>,
    /// What a program is called with.
    pub args: Vec<String>,
    /// The name a program is called by.
    pub argv0: Option<String>,
    /// What a program reads.
    pub stdin: Option<String>,
    /// How what a program writes becomes the result.
    pub stdout: String,
    /// Names of the variables of a program.
    pub env: Vec<String>,
    /// Bytes of the private directory of each job.
    pub scratch: Option<u64>,
}

/// All plugins of a configuration, by name.
pub fn list(plugins: &Plugins, config: &Config) -> Vec<Summary> {
    let all = plugins.list();
    all.iter().map(|status| summary(status, config)).collect()
}

/// One plugin in full.
///
/// # Errors
/// When there is no such plugin, or no version of it serves.
pub fn get(plugins: &Plugins, config: &Config, name: &str) -> Result<Inspection> {
    let status = status(plugins, name)?;
    let reason = status.refusal.as_ref().map(ToString::to_string);
    match &status.serving {
        Some(serving) => Ok(inspect(serving, queues(config, name), reason)),
        None => {
            let why = reason.unwrap_or_else(|| "it is being loaded".to_owned());
            let text = format!("plugin {name:?}: {why}");
            Err(Error::refused(Kind::NotServing, text))
        }
    }
}

/// Look at the file of a plugin again; what it is then.
///
/// # Errors
/// When there is no such plugin.
pub async fn reload(plugins: &Arc<Plugins>, config: &Config, name: &str) -> Result<Summary> {
    status(plugins, name)?;
    let (told, done) = oneshot::channel::<()>();
    plugins.load_then(name, move || drop(told));
    // Nothing is sent; the load has dropped its end then.
    let _ = done.await;
    Ok(summary(&status(plugins, name)?, config))
}

fn status(plugins: &Plugins, name: &str) -> Result<Status> {
    let all = plugins.list();
    let found = all.iter().find(|status| status.name == name);
    found.cloned().ok_or_else(|| {
        let names = all.iter().map(|status| status.name.as_str());
        let text = match nearest(name, names) {
            Some(known) => format!("there is no plugin {name:?}; did you mean {known:?}?"),
            None => format!("there is no plugin {name:?}; see runner plugin list"),
        };
        Error::refused(Kind::UnknownPlugin, text)
    })
}

fn summary(status: &Status, config: &Config) -> Summary {
    let serving = status.serving.as_ref();
    Summary {
        name: status.name.clone(),
        file: status.file.display().to_string(),
        state: match (serving, &status.refusal) {
            (Some(_), _) => State::Fits,
            (None, Some(Refusal::Unreadable { .. })) => State::Missing,
            (None, None) if status.loading => State::Loading,
            (None, _) => State::Refused,
        },
        digest: serving.map(|serving| serving.digest.clone()),
        size: serving.map(|serving| serving.size),
        language: serving.and_then(|serving| serving.made.language.clone()),
        toolchain: serving.and_then(|serving| serving.made.toolchain.clone()),
        queues: queues(config, &status.name),
        reason: status.refusal.as_ref().map(ToString::to_string),
    }
}

/// A version of a plugin in full.
pub fn inspect(serving: &Plugin, queues: Vec<String>, reason: Option<String>) -> Inspection {
    let grants = &serving.grants.plugin;
    let contracts = serving.doors.contracts().map(|contract| {
        let functions = contract.functions.iter();
        let jobs = functions.map(|function| function.key.clone()).collect();
        (contract.id.clone(), jobs)
    });
    Inspection {
        name: grants.name.clone(),
        version: serving.version.to_string(),
        file: grants.file.display().to_string(),
        digest: serving.digest.clone(),
        size: serving.size,
        language: serving.made.language.clone(),
        toolchain: serving.made.toolchain.clone(),
        load_ms: serving.took.as_millis() as u64,
        cached: serving.cached,
        doors: serving
            .doors
            .names()
            .iter()
            .map(ToString::to_string)
            .collect(),
        imports: serving.doors.shape.imports.clone(),
        exports: serving.doors.shape.exports.clone(),
        contracts: contracts.collect(),
        grants: Grants::of(grants),
        queues,
        reason,
    }
}

impl Grants {
    fn of(grants: &config::Plugin) -> Grants {
        let sql = grants.sql.iter();
        let sql = sql.map(|(name, database)| (name.clone(), database.to_string()));
        let blobs = grants.blobs.iter();
        let blobs = blobs.map(|(name, store)| (name.clone(), store.to_string()));
        let dirs = grants.dirs.iter();
        let dirs = dirs.map(|(guest, host)| (guest.clone(), host.display().to_string()));
        Grants {
            http: grants.http.iter().map(ToString::to_string).collect(),
            secrets: grants.secrets.keys().cloned().collect(),
            config: grants.config.clone(),
            dirs: dirs.collect(),
            sql: sql.collect(),
            blobs: blobs.collect(),
            kv: grants.kv.as_ref().map(ToString::to_string),
            args: grants.args.iter().map(ToString::to_string).collect(),
            argv0: grants.argv0.clone(),
            stdin: grants.stdin.as_ref().map(ToString::to_string),
            stdout: grants.stdout.name().to_owned(),
            env: grants.env.keys().cloned().collect(),
            scratch: grants.scratch.map(|bytes| bytes as u64),
        }
    }
}

/// The queues that name a plugin, for any of their jobs.
pub fn queues(config: &Config, plugin: &str) -> Vec<String> {
    let names = |queue: &config::Queue| {
        let mut settings =
            std::iter::once(&queue.base).chain(queue.jobs.iter().map(|(_, job)| job));
        settings.any(|settings| settings.plugin.as_deref() == Some(plugin))
    };
    let queues = config.queues.values().filter(|queue| names(queue));
    queues.map(|queue| queue.name.clone()).collect()
}
