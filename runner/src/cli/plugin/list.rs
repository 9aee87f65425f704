//! `runner plugin list`: the plugins of queues.toml, or of a server.

use crate::cli::remote::{self, routes};
use crate::cli::{Cli, Result, output, trial};
use crate::units;
use crate::verbs::plugins::{self, Summary};

pub(super) fn run(cli: &Cli) -> Result {
    let all: Vec<Summary> = match remote::server(cli)? {
        Some(server) => crate::cli::block_on(server.ask(routes::plugins()))?,
        None => {
            let loaded = cli.load()?;
            let (bench, _) = trial::load(&loaded.config)?;
            plugins::list(&bench.plugins, &loaded.config)
        }
    };
    if cli.json {
        output::json(&all);
        return Ok(());
    }
    let row = |plugin: &Summary| {
        let language = plugin.language.as_deref().unwrap_or("unknown");
        let digest = plugin.digest.as_deref();
        vec![
            plugin.name.clone(),
            plugin.state.name().to_owned(),
            digest.map_or("-", |digest| &digest[..12]).to_owned(),
            plugin.size.map_or("-".to_owned(), units::rough_size),
            digest.map_or("-", |_| language).to_owned(),
            plugin.queues.join(", "),
            plugin.reason.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    output::table(
        &[
            "PLUGIN", "STATE", "DIGEST", "SIZE", "LANGUAGE", "QUEUES", "REASON",
        ],
        &rows,
    );
    Ok(())
}
