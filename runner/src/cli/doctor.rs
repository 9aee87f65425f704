//! `runner doctor`: what is wrong, and what to do about it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::output::{self, bad, dim, good, plain, warn};
use super::{Cli, Exit, Result, target, trial};
use crate::config::Loaded;
use crate::observe::doctor::{self, Check, Report, check};
use crate::observe::health::Grade;
use crate::observe::look::Look;
use crate::plugin::Status;
use crate::queue;

/// The exit code when there is nothing worse than warnings.
const WARNINGS: u8 = 4;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing to do, 4 warnings, 1 something does not work,
2 queues.toml has mistakes, 5 Redis is unreachable.

Example: runner doctor --json"
)]
pub(super) struct Args {}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let loaded = cli.load()?;
        let (bench, system) = trial::load(&loaded.config)?;
        let plugins = bench.plugins.list();
        let mut checks = Vec::new();
        for warning in &loaded.warnings {
            let file = cli.config.display().to_string();
            checks.push(check("configuration", &file, Grade::Warning, warning, ""));
        }
        for warning in &system {
            checks.push(doctor::remark("system", "memory", Grade::Warning, warning));
        }
        if system.is_empty() {
            let found = "swap is off for this process";
            checks.push(check("system", "memory", Grade::Ok, found, ""));
        }
        checks.extend(doctor::plugins(&loaded.config, &plugins));
        checks.extend(doctor::contracts(&loaded.config));
        let reached = super::block_on(ask(cli, &loaded, plugins, &mut checks));
        if let Err(exit) = &reached {
            checks.push(check(
                "redis",
                "connection",
                Grade::Failing,
                &exit.message,
                "start it, or check its URL, password and network: --redis, [redis] url, REDIS_URL",
            ));
        }
        let report = Report::of(checks);
        match cli.json {
            true => output::json(&report),
            false => show(&report),
        }
        let code = match (&reached, report.state) {
            (Err(exit), _) => exit.code,
            (Ok(()), Grade::Failing) => 1,
            (Ok(()), Grade::Warning) => WARNINGS,
            (Ok(()), Grade::Ok) => return Ok(()),
        };
        Err(Exit {
            code,
            ..Exit::failed("")
        })
    }
}

/// Look at Redis and the queues in it.
async fn ask(cli: &Cli, loaded: &Loaded, plugins: Vec<Status>, checks: &mut Vec<Check>) -> Result {
    let redis = target::redis(cli, loaded).await?;
    checks.push(check("redis", "connection", Grade::Ok, redis.address(), ""));
    let lacks = queue::lacks(&redis, loaded.config.queues.keys()).await;
    let theirs = queue::clock(&redis).await?;
    #[expect(clippy::disallowed_methods, reason = "compared with Redis' clock")]
    let ours = SystemTime::now().duration_since(UNIX_EPOCH);
    let ours = ours.map_or(0, |ours| ours.as_millis() as u64);
    let look = Look::now(
        Arc::new(loaded.config.clone()),
        plugins,
        BTreeSet::new(),
        &redis,
        |name| target::over(redis.clone(), loaded, name),
        true,
    )
    .await?;
    checks.extend(doctor::redis(look.server(), (theirs, ours), &lacks));
    checks.extend(doctor::queues(&look.verdicts()));
    Ok(())
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
}
