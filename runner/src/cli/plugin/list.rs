//! `runner plugin list`: the plugins of queues.toml.

use std::sync::Arc;

use serde_json::json;

use crate::cli::{Cli, Result, output, trial};
use crate::plugin::{self, Plugin, Status};
use crate::units;

pub(super) fn run(cli: &Cli) -> Result {
    let loaded = cli.load()?;
    let (bench, _) = trial::load(&loaded.config)?;
    let plugins = bench.plugins.list();
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
                "language": plugin.serving.as_ref().map(|serving| &serving.made.language),
                "toolchain": plugin.serving.as_ref().map(|serving| &serving.made.toolchain),
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
                serving.map_or("-".into(), language),
                queues(&plugin.name).join(", "),
                trial::why(plugin),
            ]
        })
        .collect();
    output::table(
        &[
            "PLUGIN", "STATE", "DIGEST", "SIZE", "LANGUAGE", "QUEUES", "REASON",
        ],
        &rows,
    );
    Ok(())
}

fn language(plugin: &Arc<Plugin>) -> String {
    let language = plugin.made.language.as_deref();
    language.unwrap_or("unknown").to_owned()
}

fn state(plugin: &Status) -> &'static str {
    match (&plugin.serving, &plugin.refusal) {
        (Some(_), _) => "fits",
        (None, Some(plugin::Refusal::Unreadable { .. })) => "missing",
        (None, _) => "refused",
    }
}
