//! `runner routes`: the requests that become jobs.

use super::{Cli, Result, output};
use crate::verbs::routes;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner routes")]
pub(super) struct Args {}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let routes = routes::list(&cli.load()?.config);
        if cli.json {
            output::json(&routes);
            return Ok(());
        }
        let rows: Vec<_> = routes
            .into_iter()
            .map(|route| {
                let jobs = route
                    .jobs
                    .iter()
                    .map(|job| format!("{} {}", job.queue, job.name));
                let jobs: Vec<_> = jobs.collect();
                // The last to run comes first in the file.
                vec![route.method, route.path, route.verify, jobs.join(" ← ")]
            })
            .collect();
        output::table(&["method", "path", "verify", "job"], &rows);
        Ok(())
    }
}
