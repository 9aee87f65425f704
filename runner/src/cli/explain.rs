//! `runner explain`: the effective settings of a queue.

use super::output;
use super::{Cli, Result};
use crate::config::explain;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner explain orders")]
pub(super) struct Args {
    /// A queue of queues.toml.
    queue: String,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load()?;
        super::target::declared(&loaded, &self.queue)?;
        let explanation = explain(&loaded, &self.queue);
        if cli.json {
            output::json(&explanation);
        } else {
            output::line(explanation.to_string().trim_end());
        }
        Ok(())
    }
}
