//! `runner check --against-redis`: would the jobs that are in Redis now fit the
//! contracts?

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::output::{self, DIM, GOOD, WARN};
use crate::cli::{Cli, Exit, Result, connect};
use crate::config::{Contract, Loaded};
use crate::contract::{self, Interface, Step};
use crate::plugin::Status;
use crate::queue::{Found, Queue, State};

/// Jobs read at once.
const PAGE: usize = 500;
/// Ids shown of jobs with one fault.
const EXAMPLES: usize = 3;
/// What was found in one queue.
struct Report {
    queue: String,
    contract: String,
    fit: u64,
    /// By name of the job and place of the fault.
    misfits: BTreeMap<(String, String), Misfit>,
}

/// Jobs with the same fault.
#[derive(Default)]
struct Misfit {
    /// Those that will run.
    pending: u64,
    /// Those that have failed, perhaps by it.
    failed: u64,
    /// The fault of the first.
    reason: String,
    ids: Vec<String>,
}

/// Look at the jobs of all queues that have a contract.
pub(super) fn run(cli: &Cli, loaded: &Loaded, plugins: &[Status], limit: usize) -> Result {
    let reports = crate::cli::block_on(async {
        let redis = connect::redis(cli, loaded).await?;
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
            let queue = connect::over(redis.clone(), loaded, &config.name);
            reports.push(look(&queue, contract, interface, limit).await?);
        }
        Ok::<_, Exit>(reports)
    })?;
    show(cli, &reports);
    let misfits = || reports.iter().flat_map(|report| report.misfits.values());
    match misfits().map(|misfit| misfit.pending).sum::<u64>() {
        0 => Ok(()),
        count => Err(Exit::failed(match cli.json {
            true => String::new(),
            false => format!("{count} jobs that are to run do not fit their contract"),
        })),
    }
}

async fn look(
    queue: &Queue,
    contract: &Arc<Contract>,
    interface: Arc<Interface>,
    limit: usize,
) -> Result<Report> {
    // The types of the plugin where no file has them.
    let contract = Contract {
        declared: Some(interface.clone()),
        ..Contract::clone(contract)
    };
    let mut report = Report {
        queue: queue.name().to_owned(),
        contract: interface.id.clone(),
        fit: 0,
        misfits: BTreeMap::new(),
    };
    // A payload is looked at again by a run, or by a retry.
    let states = State::ALL.into_iter();
    for state in states.filter(|state| *state != State::Completed) {
        let mut from = 0;
        while from < limit {
            let size = PAGE.min(limit - from);
            let ids = queue.page(state, from, size).await?;
            for job in queue.jobs(state, &ids).await? {
                report.count(&contract, state, &job);
            }
            from += ids.len();
            if ids.len() < size {
                break;
            }
        }
    }
    Ok(report)
}

impl Report {
    fn count(&mut self, contract: &Contract, state: State, job: &Found) {
        let Err(reason) = contract.check(&job.name, &job.data) else {
            self.fit += 1;
            return;
        };
        let place = place(contract, job);
        let misfit = self.misfits.entry((job.name.clone(), place)).or_default();
        if misfit.reason.is_empty() {
            misfit.reason = reason;
        }
        match state {
            State::Failed => misfit.failed += 1,
            _ => misfit.pending += 1,
        }
        if misfit.ids.len() < EXAMPLES {
            misfit.ids.push(job.id.clone());
        }
    }
}

/// Where the fault is, whatever the number of an element; empty for a name that
/// is none of the contract.
fn place(contract: &Contract, job: &Found) -> String {
    let function = contract.declared.as_ref();
    let function = function.and_then(|of| of.function(contract.function(&job.name)));
    let rules = contract.rules(contract.memory);
    let fault = function.map(|function| contract::read(function, &job.data, rules));
    let Some(Err(mut fault)) = fault else {
        return String::new();
    };
    for step in &mut fault.path.steps {
        if let Step::Index(index) = step {
            *index = 0;
        }
    }
    fault.path.to_string()
}

fn show(cli: &Cli, reports: &[Report]) {
    if cli.json {
        let reports = reports.iter().map(|report| {
            let misfits = report.misfits.iter().map(|((name, place), misfit)| {
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
                "fit": report.fit,
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
            fit,
            misfits,
        } = report;
        let mark = match misfits.is_empty() {
            true => format!("{GOOD}ok{GOOD:#}"),
            false => format!("{WARN}misfits{WARN:#}"),
        };
        output::line(&format!("{mark} {queue}: {fit} jobs fit {contract}"));
        for ((name, _), misfit) in misfits {
            output::line(&format!(
                "  {name}: {} to run, {} failed {DIM}(e.g. {}){DIM:#}: {}",
                misfit.pending,
                misfit.failed,
                misfit.ids.join(", "),
                misfit.reason
            ));
        }
    }
    if reports.is_empty() {
        output::line("no queue has a contract");
    }
}
