//! `runner:plugin/job`: the job of the attempt.

use std::time::Instant;

use super::writes::ended;
use super::{Effect, State};
use crate::contract::{check_json, too_deep};
use crate::cost::Kind;
use crate::queue::{Attempt, Dependencies};
use runner_bindings::runner::plugin::job::{DependencyCounts, Host, Job, Parent};
use runner_bindings::runner::plugin::outcome;

/// The record the guest is called with.
pub(super) fn record(attempt: &Attempt, request_id: Option<&str>) -> Job {
    let job = &attempt.job;
    Job {
        id: job.id.clone(),
        queue: attempt.queue_name().to_owned(),
        name: job.name.clone(),
        data: job.data.clone(),
        attempt: job.attempt(),
        max_attempts: job.max_attempts(),
        added_at: job.added_at,
        started_at: job.started_at,
        priority: job.priority,
        delay: job.delay,
        request_id: request_id.map(str::to_owned),
        parent: job.parent.as_ref().map(|parent| Parent {
            id: parent.id.clone(),
            queue: parent.queue.clone(),
        }),
    }
}

impl State {
    /// The record the guest is called with.
    pub fn job(&self) -> Job {
        record(&self.attempt, self.request_id.as_deref())
    }
}

impl Host for State {
    async fn current(&mut self) -> Job {
        self.job()
    }

    async fn update_data(&mut self, data: String) -> Result<(), String> {
        self.refuse_lost()?;
        let max = self.settings.max_payload;
        if data.len() > max {
            return Err(format!(
                "the payload has {} bytes; this queue takes {max} (max_payload)",
                data.len()
            ));
        }
        check_json("data", &data, self.settings.max_depth)
            .map_err(|fault| format!("the payload {fault}"))?;
        self.budget.spend(data.len())?;
        let Some(queue) = self.attempt.queue() else {
            self.writes.record(Effect::Data(data));
            return Ok(());
        };
        let call = self.attempt.cost.begin(Kind::Data, queue.name());
        let _turn = self.writes.turn(data.len()).await;
        let written = queue.update_data(&self.attempt, &data).await;
        ended(call, &written, data.len());
        match written {
            Ok(true) => Ok(()),
            Ok(false) => self.refuse_lost(),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn children_values(&mut self) -> Result<Vec<(String, String)>, String> {
        let Some(queue) = self.attempt.queue() else {
            return Ok(Vec::new());
        };
        let most = self.settings.max_held;
        let found = queue.children_values(&self.attempt.job.id, most);
        let found = found.await.map_err(|error| error.to_string())?;
        for (child, value) in &found {
            if let Some(fault) = too_deep("value", value, self.settings.max_depth) {
                return Err(format!(
                    "the value of child {child:?} is nested too deep: {fault}"
                ));
            }
        }
        Ok(found)
    }

    async fn ignored_failures(&mut self) -> Result<Vec<(String, String)>, String> {
        let Some(queue) = self.attempt.queue() else {
            return Ok(Vec::new());
        };
        let most = self.settings.max_held;
        let found = queue.ignored_failures(&self.attempt.job.id, most);
        found.await.map_err(|error| error.to_string())
    }

    async fn failed_children(&mut self) -> Result<Vec<String>, String> {
        let Some(queue) = self.attempt.queue() else {
            return Ok(Vec::new());
        };
        let found = queue.failed_children(&self.attempt.job.id);
        found.await.map_err(|error| error.to_string())
    }

    async fn dependencies(&mut self) -> Result<DependencyCounts, String> {
        let found = match self.attempt.queue() {
            None => Dependencies::default(),
            Some(queue) => {
                let found = queue.dependencies(&self.attempt.job.id);
                found.await.map_err(|error| error.to_string())?
            }
        };
        Ok(DependencyCounts {
            processed: found.processed,
            unprocessed: found.unprocessed,
            failed: found.failed,
            ignored: found.ignored,
        })
    }

    async fn remove_unprocessed_children(&mut self) -> Result<(), String> {
        self.refuse_lost()?;
        let Some(queue) = self.attempt.queue() else {
            return Ok(());
        };
        match queue.disown(&self.attempt).await {
            Ok(true) => Ok(()),
            Ok(false) => self.refuse_lost(),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn time_left(&mut self) -> u64 {
        let left = self
            .attempt
            .deadline()
            .saturating_duration_since(Instant::now());
        left.as_millis() as u64
    }
}

/// Only types.
impl outcome::Host for State {}
