//! `runner doctor`: what is wrong, and what to do about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::output::{self, bad, dim, good, plain, warn};
use super::remote::{self, Client, routes};
use super::{Cli, Exit, Result, target, trial};
use crate::config::Loaded;
use crate::observe::doctor::{self, Check, Report};
use crate::observe::health::Grade;
use crate::observe::look::Look;
use crate::plugin::Status;

/// The exit code when there is nothing worse than warnings.
const WARNINGS: u8 = 4;
/// The exit code when Redis, or the server, does not answer.
const UNREACHABLE: u8 = 5;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing to do, 4 warnings, 1 something does not work,
2 queues.toml has mistakes, or a server refuses the token, 5 Redis or the server is unreachable.

Example: runner doctor --json"
)]
pub(super) struct Args {}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let report = match remote::server(cli)? {
            Some(client) => super::block_on(there(&client))?,
            None => here(cli)?,
        };
        match cli.json {
            true => output::json(&report),
            false => show(&report),
        }
        let code = match report.state {
            _ if report.is_unreachable() => UNREACHABLE,
            Grade::Failing => 1,
            Grade::Warning => WARNINGS,
            Grade::Ok => return Ok(()),
        };
        Err(Exit {
            code,
            ..Exit::failed("")
        })
    }
}

/// What a server says of itself. Who may not ask is not to be taken for a warning.
async fn there(client: &Client) -> Result<Report> {
    let report = client.ask(routes::doctor()).await;
    report.map_err(|exit| match exit.code {
        WARNINGS => Exit::usage(exit.message),
        _ => exit,
    })
}

fn here(cli: &Cli) -> Result<Report> {
    let loaded = cli.load()?;
    let (bench, system) = trial::load(&loaded.config)?;
    let plugins = bench.plugins.list();
    let mut checks = doctor::process(&doctor::Process {
        config: &loaded.config,
        file: &cli.config.display().to_string(),
        warnings: &loaded.warnings,
        system: &system,
        plugins: &plugins,
    });
    match super::block_on(stored(cli, &loaded, plugins)) {
        Ok(stored) => checks.extend(stored),
        Err(exit) => checks.push(doctor::unreachable(&exit.message)),
    }
    Ok(Report::of(checks))
}

/// Look at Redis and the queues in it.
async fn stored(cli: &Cli, loaded: &Loaded, plugins: Vec<Status>) -> Result<Vec<Check>> {
    let redis = target::unasked(cli, loaded).await?;
    let config = Arc::new(loaded.config.clone());
    let queue = |name: &str| target::over(redis.clone(), loaded, name);
    let look = Look::now(config, plugins, BTreeSet::new(), &redis, queue, true);
    let stored = doctor::stored(&redis, &loaded.config, look).await;
    // What to do about it, a check has already.
    stored.map_err(Exit::unreachable)
}

fn show(report: &Report) {
    let mut area = "";
    for check in &report.checks {
        if check.area != area {
            area = &check.area;
            output::line([plain(area)]);
        }
        let mark = match check.state {
            Grade::Ok => good("  ok     "),
            Grade::Warning => warn("  warning"),
            Grade::Failing => bad("  failing"),
        };
        let name = format!("{}:", check.name);
        output::line([mark, plain(name), plain(&check.finding)]);
        if let Some(fix) = &check.fix {
            output::line([dim("          →"), plain(fix)]);
        }
    }
    if !report.left_out.is_empty() {
        output::say(format!(
            "these credentials do not show: {}; ask with those of an operator for all queues",
            report.left_out.join(", ")
        ));
    }
}
