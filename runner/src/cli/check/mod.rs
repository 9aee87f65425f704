//! `runner check`: is the configuration right, and does every plugin fit?

mod against;

use serde_json::json;

use super::output::{self, good, plain, warn};
use super::{Cli, Exit, Result, trial};
use crate::api;
use crate::app::Target;
use crate::config::{Config, Loaded};
use crate::plugin::{Status, UNUSED};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner check --against-redis")]
pub(super) struct Args {
    /// Also check that Redis has what Runner needs, and the payloads of its jobs
    /// against the contracts.
    #[arg(long)]
    against_redis: bool,
    /// Check at most N jobs in each state of a queue [default: all].
    #[arg(long, value_name = "N", requires = "against_redis", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let (loaded, plugins) = files(cli, self.against_redis)?;
        match self.against_redis {
            true => against::run(cli, &loaded, &plugins, self.limit),
            false => Ok(()),
        }
    }
}

/// What can be checked without Redis. Told as JSON unless more is to come.
fn files(cli: &Cli, more: bool) -> Result<(Loaded, Vec<Status>)> {
    let mut loaded = cli.load()?;
    let (bench, warnings) = trial::load(&loaded.config)?;
    let plugins = bench.plugins.list();
    loaded.warnings.extend(warnings);
    loaded.warnings.extend(unbuilt(&loaded.config));
    loaded.warnings.extend(reusing(&loaded.config));
    loaded.warnings.extend(api::shadowed(&loaded.config));
    for plugin in &plugins {
        let serving = plugin.serving.iter();
        for key in serving.flat_map(|serving| serving.unused()) {
            let text = format!("`plugins.{}.{key}` has no effect: {UNUSED}", plugin.name);
            loaded.warnings.push(text);
        }
    }
    let refused: Vec<(&str, String)> = plugins
        .iter()
        .filter_map(|plugin| Some((plugin.name.as_str(), plugin.refusal.as_ref()?.to_string())))
        .collect();
    if cli.json && !(more && refused.is_empty()) {
        output::json(&json!({
            "queues": loaded.config.queues.len(),
            "plugins": plugins.len(),
            "warnings": loaded.warnings,
            "refused": refused.iter().map(|(name, why)| json!({ "plugin": name, "reason": why })).collect::<Vec<_>>(),
        }));
    } else if !cli.json {
        for warning in &loaded.warnings {
            output::say([warn("warning:"), plain(warning)]);
        }
        for (name, why) in &refused {
            output::error(&format!("plugin {name:?}: {why}"));
        }
        if refused.is_empty() {
            let found = format!(
                "{}: {} queues, {} plugins",
                cli.config.display(),
                loaded.config.queues.len(),
                plugins.len()
            );
            output::line([good("ok"), plain(found)]);
        }
    }
    match refused.len() {
        0 => Ok((loaded, plugins)),
        count => Err(Exit::usage(match cli.json {
            true => String::new(),
            false => format!("{count} of {} plugins cannot serve", plugins.len()),
        })),
    }
}

/// The plugins whose source is newer than what was built of it.
fn unbuilt(config: &Config) -> Vec<String> {
    let stale = Target::all(config).into_iter().filter(Target::is_stale);
    let told = stale.map(|Target { source, plugin, .. }| {
        format!(
            "plugin {:?}: its source {} is newer than {}: runner build {}",
            plugin.name,
            source.display(),
            plugin.file.display(),
            source.display()
        )
    });
    told.collect()
}

/// What the queues give up whose instances serve several jobs.
fn reusing(config: &Config) -> impl Iterator<Item = String> {
    let queues = config.queues.iter().filter(|(_, queue)| queue.reuses());
    queues.map(|(name, _)| {
        format!(
            "queue {name:?} has `reuse`: what a job leaves in its plugin's memory is there for \
             later jobs of the queue"
        )
    })
}
