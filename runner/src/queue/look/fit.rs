//! Do the jobs that are in Redis now fit a contract?

use std::collections::BTreeMap;

use crate::config::Contract;
use crate::contract::{self, Step};
use crate::queue::handle::Queue;
use crate::queue::look::find::Found;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;

/// Jobs read at once.
const PAGE: usize = 500;
/// Ids kept of jobs with one fault.
const EXAMPLES: usize = 3;

/// What was found of a queue's jobs.
#[derive(Debug, Default)]
pub struct Fit {
    /// How many fit.
    pub fit: u64,
    /// The others by name of the job and place of the fault.
    pub misfits: BTreeMap<(String, String), Misfit>,
}

/// Jobs with the same fault.
#[derive(Debug, Default)]
pub struct Misfit {
    /// Those that will run.
    pub pending: u64,
    /// Those that have failed, perhaps by it.
    pub failed: u64,
    /// The fault of the first.
    pub reason: String,
    /// Some of them.
    pub ids: Vec<String>,
}

impl Fit {
    /// How many that will run do not fit.
    pub fn pending(&self) -> u64 {
        self.misfits.values().map(|misfit| misfit.pending).sum()
    }
}

impl Queue {
    /// Look at the jobs of these states, up to `limit` of each. Those that do not
    /// fit `before` either are left out: no change makes them worse.
    pub async fn fit(
        &self,
        states: &[State],
        limit: usize,
        contract: &Contract,
        before: Option<&Contract>,
    ) -> Result<Fit, Error> {
        let mut found = Fit::default();
        for &state in states {
            let mut from = 0;
            while from < limit {
                let size = PAGE.min(limit - from);
                let ids = self.page(state, from, size).await?;
                for job in self.jobs(state, &ids).await? {
                    let fitted = before.is_none_or(|of| of.check(&job.name, &job.data).is_ok());
                    if fitted {
                        found.count(contract, state, &job);
                    }
                }
                from += ids.len();
                if ids.len() < size {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What holds a change of the contract back: jobs that are to run, fit it
    /// before and would not after.
    pub async fn held(
        &self,
        before: Option<&Contract>,
        after: &Contract,
    ) -> Result<Option<String>, Error> {
        let Some(limit) = after.swap_check.limit() else {
            return Ok(None);
        };
        let found = self.fit(&State::PENDING, limit, after, before).await?;
        let count = found.pending();
        Ok(found.misfits.values().next().map(|first| {
            format!(
                "{count} of the jobs that are to run in {} would fail by it (such as {}): {}",
                self.name(),
                first.ids.first().map_or("", String::as_str),
                first.reason
            )
        }))
    }
}

impl Fit {
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
