//! Recovery: jobs that nobody holds go back, those of dead processes at once, and
//! jobs that we hold without knowing it (the answer of a take was lost) are given
//! back.

use std::collections::HashSet;

use super::Queue;
use super::heartbeat::Dead;
use super::redis::Error;
use super::renew::InFlight;
use super::script::{HELD, REAP, RECOVER, SETTLE};
use super::settle::texts;

impl Queue {
    /// Look for stalled jobs, unless some worker of the queue just did. The ids
    /// put back.
    pub async fn recover(&self) -> Result<Vec<String>, Error> {
        let settings = self.settings();
        let reply = RECOVER
            .run(self.redis(), &self.0.base, |command| {
                command
                    .arg(settings.max_stalled)
                    .arg(settings.stalled_interval.as_millis() as u64);
            })
            .await?;
        Ok(texts(reply))
    }

    /// Put back the jobs of processes that have died, without spending an attempt
    /// or a stall. Their ids.
    pub async fn reap(&self, dead: &Dead) -> Result<Vec<String>, Error> {
        if dead.is_empty() {
            return Ok(Vec::new());
        }
        let reply = REAP
            .run(self.redis(), &self.0.base, |command| {
                command
                    .arg(self.settings().max_crashes)
                    .arg(dead.tokens.len());
                for name in dead.tokens.iter().chain(&dead.silent) {
                    command.arg(name);
                }
            })
            .await?;
        Ok(texts(reply))
    }

    /// Give back active jobs that carry a token of this process and are not in
    /// flight, without spending an attempt. Only valid while no take is under
    /// way.
    pub async fn adopt(&self, in_flight: &InFlight) -> Result<Vec<String>, Error> {
        let settings = self.settings();
        let prefix = format!("{}:{}:", settings.runner, self.redis().boot());
        let reply = HELD
            .run(self.redis(), &self.0.base, |command| {
                command.arg(&prefix);
            })
            .await?;
        let found = texts(reply);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let attempts = in_flight.all();
        let known: HashSet<(&str, &str)> = attempts
            .iter()
            .map(|attempt| (attempt.job.id.as_str(), attempt.token.as_str()))
            .collect();
        let orphans: Vec<(&str, &str)> = found
            .chunks_exact(2)
            .map(|pair| (pair[0].as_str(), pair[1].as_str()))
            .filter(|pair| !known.contains(pair))
            .collect();
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        SETTLE
            .run(self.redis(), &self.0.base, |command| {
                command
                    .arg("")
                    .arg(0)
                    .arg(0)
                    .arg(&settings.runner)
                    .arg("")
                    .arg("")
                    .arg(0);
                command.arg(orphans.len());
                // Back to the front: op, id, token, and ten empty arguments of
                // which the two counts are 0.
                for (id, token) in &orphans {
                    command.arg("b").arg(id).arg(token).arg("");
                    command
                        .arg("")
                        .arg("")
                        .arg("")
                        .arg(0)
                        .arg("")
                        .arg(1)
                        .arg(0)
                        .arg(0);
                }
            })
            .await?;
        Ok(orphans.iter().map(|(id, _)| (*id).to_owned()).collect())
    }
}
