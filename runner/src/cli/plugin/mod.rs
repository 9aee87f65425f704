//! `runner plugin`: look at plugins, on disk and without Redis. One file per command.

mod inspect;
mod list;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cli, Exit, Result};
use crate::config::{self, Config};
use crate::host::{Host, Http};
use crate::plugin::{self, Plugins, Status};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the plugins of queues.toml: version, size, whether they fit.
    List,
    /// Show what a component imports and exports, and what it is granted.
    Inspect {
        /// A plugin of queues.toml, or a file.
        plugin: String,
    },
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        match self {
            Command::List => list::run(cli),
            Command::Inspect { plugin } => inspect::run(cli, plugin),
        }
    }
}

/// Load all plugins of a configuration, as the server does. With them come the
/// things of this system that make it slower.
pub(super) fn load(config: &Config) -> Result<(Vec<Status>, Vec<String>)> {
    // The host wants a runtime for HTTP, which nothing uses here.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(Exit::failed)?;
    let (engine, warnings) = plugin::engine()?;
    let host = Host::new(engine, Http::new(runtime.handle().clone())).map_err(Exit::failed)?;
    let plugins = Plugins::new(Arc::new(host), &config.runtime, plugin::THIS);
    plugins.configure(config);
    Ok((plugins.list(), warnings))
}

/// The configuration with one plugin: this file, with the grants of that name or
/// none.
pub(super) fn only(config: &Config, file: &Path, name: &str) -> Config {
    let grants = config.plugins.get(name);
    let plugin = config::Plugin {
        name: name.to_owned(),
        file: file.to_owned(),
        unbound: grants.is_none(),
        ..grants.map(|grants| (**grants).clone()).unwrap_or_default()
    };
    Config {
        plugins: [(name.to_owned(), Arc::new(plugin))].into(),
        ..config.clone()
    }
}

/// A file that is no plugin of queues.toml, under its own name.
pub(super) fn named(file: &str) -> Result<(String, PathBuf)> {
    let path = PathBuf::from(file);
    if !path.exists() {
        return Err(Exit::not_found(format!(
            "{file:?} is neither a plugin of queues.toml nor a file"
        )));
    }
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    Ok((name.unwrap_or_default(), path))
}
