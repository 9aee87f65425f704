//! `runner plugin`: look at plugins, on disk and without Redis, or at those of a server.
//! One file per command, each over `verbs::plugins`: it parses, asks and prints.
//! Knows how the file of a plugin is found.

mod inspect;
mod list;
mod reload;

use std::path::PathBuf;

use super::{Cli, Exit, Result};
use crate::config::{Config, Plugin};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the plugins of queues.toml: version, size, and whether they fit.
    List,
    /// Show what a plugin imports and exports, and what it may use.
    #[command(after_help = "Example: runner plugin inspect plugins/otp_sender.wasm")]
    Inspect {
        /// A plugin of queues.toml, or a file.
        plugin: String,
    },
    /// Have a running Runner look at a plugin's file again.
    ///
    /// It does so by itself when the file changes.
    #[command(after_help = "Example: runner --server http://127.0.0.1:3000 plugin reload otp")]
    Reload {
        /// A plugin.
        plugin: String,
    },
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        match self {
            Command::List => list::run(cli),
            Command::Inspect { plugin } => inspect::run(cli, plugin),
            Command::Reload { plugin } => reload::run(cli, plugin),
        }
    }
}

/// The name and file of a plugin of queues.toml, or of a file under its own name.
pub(super) fn named(config: &Config, plugin: &str) -> Result<(String, PathBuf)> {
    if let Some(known) = config.plugins.get(plugin) {
        return Ok((plugin.to_owned(), known.file.clone()));
    }
    let beside = unnamed(config, plugin);
    if beside.file.exists() {
        return Ok((beside.name, beside.file));
    }
    let path = PathBuf::from(plugin);
    if !path.exists() {
        return Err(Exit::not_found(format!(
            "{plugin:?} is neither a plugin of queues.toml nor a file"
        )));
    }
    if path.is_dir() {
        return Err(Exit::not_found(format!(
            "{plugin:?} is a directory, and {} is not there: runner build {plugin} makes a \
             plugin of a project",
            beside.file.display()
        )));
    }
    let stem = path.file_stem().unwrap_or_default();
    Ok((stem.to_string_lossy().into_owned(), path))
}

/// A plugin that queues.toml does not have, from the directory of the others. It has no
/// grants and may have any contract.
pub(super) fn unnamed(config: &Config, name: &str) -> Plugin {
    Plugin {
        name: name.to_owned(),
        file: config.runtime.plugins.join(format!("{name}.wasm")),
        unbound: true,
        ..Plugin::default()
    }
}
