//! `runner check --against-redis`: does Redis allow what Runner needs, and would the
//! jobs that are there now fit the contracts?

use serde_json::{Value, json};

use crate::cli::output::{self, dim, good, plain, warn};
use crate::cli::{Cli, Exit, Result, target};
use crate::config::Loaded;
use crate::plugin::Status;
use crate::queue::{self, Fit, State};

/// What was found in one queue.
struct Report {
    queue: String,
    contract: String,
    found: Fit,
}

/// Look at the jobs of all queues that have a contract.
pub(super) fn run(cli: &Cli, loaded: &Loaded, plugins: &[Status], limit: usize) -> Result {
    let reports = crate::cli::block_on(async {
        let redis = target::redis(cli, loaded).await?;
        for remark in queue::lacks(&redis, loaded.config.queues.keys()).await {
            let remark = format!("Redis at {}: {remark}", redis.address());
            output::say([warn("warning:"), plain(&remark)]);
        }
        let mut reports = Vec::new();
        for config in loaded.config.queues.values() {
            let Some(contract) = &config.base.contract else {
                continue;
            };
            let exported = || {
                let name = config.base.plugin.as_deref()?;
                let status = plugins.iter().find(|status| status.name == name)?;
                status.serving.as_ref()?.doors.contract(contract).cloned()
            };
            let Some(interface) = contract.declared.clone().or_else(exported) else {
                continue;
            };
            let queue = target::over(redis.clone(), loaded, &config.name);
            // A payload is looked at again by a run, or by a retry.
            let states = [&State::PENDING[..], &[State::Failed]].concat();
            // The types of the plugin where no file has them.
            let own = contract.of(&interface);
            reports.push(Report {
                queue: config.name.clone(),
                contract: interface.id.clone(),
                found: queue.fit(&states, limit, &own, None).await?,
            });
        }
        Ok::<_, Exit>(reports)
    })?;
    show(cli, &reports);
    match reports
        .iter()
        .map(|report| report.found.pending())
        .sum::<u64>()
    {
        0 => Ok(()),
        count => Err(Exit::failed(match cli.json {
            true => String::new(),
            false => format!("{count} pending jobs do not fit their contract"),
        })),
    }
}

fn show(cli: &Cli, reports: &[Report]) {
    if cli.json {
        let reports = reports.iter().map(|report| {
            let misfits = report.found.misfits.iter().map(|((name, place), misfit)| {
                json!({
                    "job": name,
                    "path": place,
                    "pending": misfit.pending,
                    "failed": misfit.failed,
                    "reason": misfit.reason,
                    "ids": misfit.ids,
                })
            });
            json!({
                "queue": report.queue,
                "contract": report.contract,
                "fit": report.found.fit,
                "misfits": misfits.collect::<Vec<Value>>(),
            })
        });
        output::json(&reports.collect::<Vec<_>>());
        return;
    }
    for report in reports {
        let Report {
            queue,
            contract,
            found: Fit { fit, misfits },
        } = report;
        let mark = match misfits.is_empty() {
            true => good("ok"),
            false => warn("misfits"),
        };
        output::line([mark, plain(format!("{queue}: {fit} jobs fit {contract}"))]);
        for ((name, _), misfit) in misfits {
            output::line([
                plain(format!(
                    "  {name}: {} to run, {} failed",
                    misfit.pending, misfit.failed
                )),
                dim(format!("(e.g. {}):", misfit.ids.join(", "))),
                plain(&misfit.reason),
            ]);
        }
    }
    if reports.is_empty() {
        output::line("no queue has a contract");
    }
}
