//! `runner plugin reload`: a server looks at a plugin's file again.

use crate::cli::remote::{self, routes};
use crate::cli::{Cli, Exit, Result, output};
use crate::verbs::plugins::Summary;

pub(super) fn run(cli: &Cli, plugin: &str) -> Result {
    let Some(server) = remote::server(cli)? else {
        return Err(Exit::usage(
            "runner plugin reload is for a running Runner: name it with --server URL; \
             runner plugin inspect looks at a file",
        ));
    };
    let now: Summary = crate::cli::block_on(server.ask(routes::reload_plugin(plugin)))?;
    if cli.json {
        output::json(&now);
        return Ok(());
    }
    let digest = now
        .digest
        .as_deref()
        .map_or("nothing", |digest| &digest[..12]);
    match &now.reason {
        Some(reason) => Err(Exit::failed(format!(
            "plugin {plugin:?} is refused, and {digest} serves: {reason}"
        ))),
        None => {
            output::line(format!("{plugin} serves {digest}"));
            Ok(())
        }
    }
}
