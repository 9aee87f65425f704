//! Recovery: jobs that nobody holds go back, those of dead processes at once, and
//! jobs that we hold without knowing it (the answer of a take was lost) are given
//! back.

use std::collections::HashSet;

use redis::Value;

use crate::outcome::Cause;
use crate::queue::handle::Queue;
use crate::queue::hold::heartbeat::Dead;
use crate::queue::hold::renew::InFlight;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, texts};
use crate::queue::wire::script::script;
use crate::queue::work::settle::batch::Row;

script!(
    RECOVER,
    "recover",
    "lib/queue",
    "lib/troubles",
    "lib/text_of",
    "lib/keys",
    "lib/count_up",
    "hold/recover"
);
script!(
    REAP,
    "reap",
    "lib/queue",
    "lib/troubles",
    "lib/text_of",
    "lib/keys",
    "lib/enqueue",
    "lib/count_up",
    "hold/reap"
);
script!(HELD, "held", "hold/held");

/// Why a job fails that nobody can name.
const UNNAMED: &str = "the id of the job is not UTF-8 text";

impl Queue {
    /// Look for stalled jobs, unless some worker of the queue just did. The ids
    /// put back.
    pub async fn recover(&self) -> Result<Vec<String>, Error> {
        let settings = self.settings();
        let reply = RECOVER
            .run(self.redis(), self.base(), |command| {
                command
                    .arg(settings.max_stalled)
                    .arg(settings.stalled_interval.as_millis() as u64);
            })
            .await?;
        Ok(self.put_back(reply))
    }

    /// Put back the jobs of processes that have died, without spending an attempt
    /// or a stall. Their ids.
    pub async fn reap(&self, dead: &Dead) -> Result<Vec<String>, Error> {
        if dead.is_empty() {
            return Ok(Vec::new());
        }
        let reply = REAP
            .run(self.redis(), self.base(), |command| {
                command
                    .arg(self.settings().max_crashes)
                    .arg(dead.tokens.len());
                for name in dead.tokens.iter().chain(&dead.silent) {
                    command.arg(name);
                }
            })
            .await?;
        Ok(self.put_back(reply))
    }

    /// The ids that were put back; what was mended on the way is told.
    fn put_back(&self, reply: Value) -> Vec<String> {
        let mut parts = list(reply).into_iter();
        let ids = texts(parts.next().unwrap_or(Value::Nil));
        self.tell_mended(parts.next().unwrap_or(Value::Nil));
        ids
    }

    /// Fail jobs just taken whose ids are not text: nobody could name them.
    pub(crate) async fn fail_unnamed(&self, ids: &[Vec<u8>], token: &str) -> Result<(), Error> {
        let rows = ids.iter().map(|id| {
            let mut row = Row::new("f", id, token);
            row.value = UNNAMED;
            row.extend([Cause::Payload.as_str()]);
            row
        });
        self.end(&rows.collect::<Vec<_>>()).await
    }

    /// Give back active jobs that carry a token of this process and are not in
    /// flight, without spending an attempt. Only valid while no take is under
    /// way.
    pub async fn adopt(&self, in_flight: &InFlight) -> Result<Vec<String>, Error> {
        let prefix = self.holder().prefix();
        let reply = HELD
            .run(self.redis(), self.base(), |command| {
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
        let rows = orphans
            .iter()
            .map(|(id, token)| Row::new("b", id.as_bytes(), token));
        self.end(&rows.collect::<Vec<_>>()).await?;
        Ok(orphans.iter().map(|(id, _)| (*id).to_owned()).collect())
    }
}
