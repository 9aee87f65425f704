//! `runner:plugin/checkpoint`: steps that a retry need not repeat, stored as
//! fields `cp:<step>` of the job's hash, so that they go when the job goes.

use super::writes::ended;
use super::{Effect, State};
use crate::contract::check_json;
use crate::cost::Kind;
use runner_bindings::runner::plugin::checkpoint::Host;

/// Steps of one job.
const STEPS: usize = 64;
/// Bytes of one value.
const VALUE: usize = 64 << 10;
/// Characters of a step's name.
const NAME: usize = 64;

impl Host for State {
    async fn get(&mut self, step: String) -> Option<String> {
        let earlier = self.attempt.job.checkpoints.iter();
        self.checkpoints
            .iter()
            .chain(earlier)
            .find(|(name, _)| *name == step)
            .map(|(_, value)| value.clone())
    }

    async fn put(&mut self, step: String, value: String) -> Result<(), String> {
        self.refuse_lost()?;
        if step.is_empty() || step.chars().count() > NAME {
            return Err(format!(
                "the step {step:?} must have 1 to {NAME} characters"
            ));
        }
        if value.len() > VALUE {
            return Err(format!(
                "the value of step {step:?} has {} bytes; a checkpoint holds {VALUE}",
                value.len()
            ));
        }
        check_json("value", &value, self.settings.max_depth)
            .map_err(|fault| format!("the value of step {step:?} {fault}"))?;
        let known = |steps: &[(String, String)]| steps.iter().any(|(name, _)| *name == step);
        let earlier = &self.attempt.job.checkpoints;
        let new = self
            .checkpoints
            .iter()
            .filter(|(name, _)| !earlier.iter().any(|(other, _)| other == name));
        if !known(&self.checkpoints) && !known(earlier) && earlier.len() + new.count() >= STEPS {
            return Err(format!(
                "step {step:?} is one too many: a job has {STEPS} checkpoints"
            ));
        }
        self.budget.spend(step.len() + value.len())?;
        let written = match self.attempt.queue() {
            None => {
                let effect = Effect::Checkpoint(step.clone(), value.clone());
                self.writes.record(effect);
                Ok(true)
            }
            Some(queue) => {
                let call = self.attempt.cost.begin(Kind::Checkpoint, &step);
                let written = queue.checkpoint(&self.attempt, &step, &value).await;
                ended(call, &written, value.len());
                written
            }
        };
        match written {
            Ok(true) => {
                self.checkpoints.retain(|(name, _)| *name != step);
                self.checkpoints.push((step, value));
                Ok(())
            }
            Ok(false) => self.refuse_lost(),
            Err(error) => Err(error.to_string()),
        }
    }
}
