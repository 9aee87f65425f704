//! `runner check`: is the configuration right, and does every plugin fit?

use serde_json::json;

use super::output::{self, GOOD, WARN};
use super::{Cli, Exit, Result};

pub(super) fn run(cli: &Cli) -> Result {
    let loaded = cli.load()?;
    let plugins = super::plugin::load(&loaded.config)?;
    let refused: Vec<(&str, String)> = plugins
        .iter()
        .filter_map(|plugin| Some((plugin.name.as_str(), plugin.refusal.as_ref()?.to_string())))
        .collect();
    if cli.json {
        output::json(&json!({
            "queues": loaded.config.queues.len(),
            "plugins": plugins.len(),
            "warnings": loaded.warnings,
            "refused": refused.iter().map(|(name, why)| json!({ "plugin": name, "reason": why })).collect::<Vec<_>>(),
        }));
    } else {
        for warning in &loaded.warnings {
            anstream::eprintln!("{WARN}warning:{WARN:#} {warning}");
        }
        for (name, why) in &refused {
            output::error(&format!("plugin {name:?}: {why}"));
        }
        if refused.is_empty() {
            output::line(&format!(
                "{GOOD}ok{GOOD:#} {}: {} queues, {} plugins",
                cli.config.display(),
                loaded.config.queues.len(),
                plugins.len()
            ));
        }
    }
    match refused.len() {
        0 => Ok(()),
        count => Err(Exit::usage(match cli.json {
            true => String::new(),
            false => format!("{count} of {} plugins cannot serve", plugins.len()),
        })),
    }
}
