//! `runner plugin`: look at plugins, on disk and without Redis. One file per command.

mod inspect;
mod list;

use std::path::PathBuf;

use super::{Cli, Exit, Result};
use crate::config::Config;

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
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        match self {
            Command::List => list::run(cli),
            Command::Inspect { plugin } => inspect::run(cli, plugin),
        }
    }
}

/// The name and file of a plugin of queues.toml, or of a file under its own name.
pub(super) fn named(config: &Config, plugin: &str) -> Result<(String, PathBuf)> {
    if let Some(known) = config.plugins.get(plugin) {
        return Ok((plugin.to_owned(), known.file.clone()));
    }
    let path = PathBuf::from(plugin);
    if !path.exists() {
        return Err(Exit::not_found(format!(
            "{plugin:?} is neither a plugin of queues.toml nor a file"
        )));
    }
    let stem = path.file_stem().unwrap_or_default();
    Ok((stem.to_string_lossy().into_owned(), path))
}
