//! `runner plugin`: look at plugins, on disk and without Redis.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::output;
use super::{Cli, Exit, Result};
use crate::config::{self, Config};
use crate::host::{Host, Http};
use crate::plugin::{self, Plugins, Status};
use crate::units;

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
            Command::List => list(cli),
            Command::Inspect { plugin } => inspect(cli, plugin),
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

fn list(cli: &Cli) -> Result {
    let loaded = cli.load()?;
    let (plugins, _) = load(&loaded.config)?;
    let queues = |name: &str| -> Vec<&str> {
        let queues = loaded.config.queues.values();
        queues
            .filter(|queue| {
                let mut settings =
                    std::iter::once(&queue.base).chain(queue.jobs.iter().map(|(_, job)| job));
                settings.any(|settings| settings.plugin.as_deref() == Some(name))
            })
            .map(|queue| queue.name.as_str())
            .collect()
    };
    if cli.json {
        let rows = plugins.iter().map(|plugin| {
            json!({
                "name": plugin.name,
                "file": plugin.file,
                "state": state(plugin),
                "digest": plugin.serving.as_ref().map(|serving| &serving.digest),
                "size": plugin.serving.as_ref().map(|serving| serving.size),
                "queues": queues(&plugin.name),
                "reason": plugin.refusal.as_ref().map(ToString::to_string),
            })
        });
        output::json(&rows.collect::<Vec<_>>());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = plugins
        .iter()
        .map(|plugin| {
            let serving = plugin.serving.as_ref();
            vec![
                plugin.name.clone(),
                state(plugin).to_owned(),
                serving.map_or("-".into(), |serving| serving.digest[..12].to_owned()),
                serving.map_or("-".into(), |serving| units::rough_size(serving.size)),
                queues(&plugin.name).join(", "),
                plugin
                    .refusal
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ]
        })
        .collect();
    output::table(
        &["PLUGIN", "STATE", "DIGEST", "SIZE", "QUEUES", "REASON"],
        &rows,
    );
    Ok(())
}

fn state(plugin: &Status) -> &'static str {
    match (&plugin.serving, &plugin.refusal) {
        (Some(_), _) => "fits",
        (None, Some(plugin::Refusal::Unreadable { .. })) => "missing",
        (None, _) => "refused",
    }
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

fn inspect(cli: &Cli, plugin: &str) -> Result {
    let loaded = cli.load_or_default()?;
    let (name, file) = match loaded.config.plugins.get(plugin) {
        Some(known) => (plugin.to_owned(), known.file.clone()),
        None => named(plugin)?,
    };
    let (mut plugins, _) = load(&only(&loaded.config, &file, &name))?;
    let status = plugins.pop();
    let status = status.expect("one plugin was configured");
    let Some(serving) = status.serving else {
        let why = status
            .refusal
            .map(|refusal| refusal.to_string())
            .unwrap_or_default();
        return Err(Exit::failed(format!("{}: {why}", file.display())));
    };
    let grants = &serving.grants.plugin;
    let hosts: Vec<String> = grants.http.iter().map(ToString::to_string).collect();
    let secrets: Vec<&String> = grants.secrets.keys().collect();
    if cli.json {
        output::json(&json!({
            "name": name,
            "file": file,
            "digest": serving.digest,
            "size": serving.size,
            "loadMs": serving.took.as_millis() as u64,
            "cached": serving.cached,
            "imports": serving.doors.shape.imports,
            "exports": serving.doors.shape.exports,
            "grants": { "http": hosts, "secrets": secrets, "config": grants.config, "dirs": grants.dirs },
        }));
        return Ok(());
    }
    let show = |name: &str, value: &str| output::wide_field(8, name, value);
    show("plugin", &serving.version);
    show("file", &file.display().to_string());
    show("sha-256", &serving.digest);
    show("size", &units::rough_size(serving.size));
    let how = if serving.cached {
        "from the cache"
    } else {
        "compiled"
    };
    show(
        "loaded",
        &format!("in {} ms, {how}", serving.took.as_millis()),
    );
    serving
        .doors
        .shape
        .exports
        .iter()
        .for_each(|name| show("export", name));
    serving
        .doors
        .shape
        .imports
        .iter()
        .for_each(|name| show("import", name));
    hosts.iter().for_each(|host| show("http", host));
    secrets.iter().for_each(|secret| show("secret", secret));
    for (guest, host) in &grants.dirs {
        show("dir", &format!("{guest} is {}, read-only", host.display()));
    }
    Ok(())
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
