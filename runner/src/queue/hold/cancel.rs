//! Cancelling jobs from anywhere: one that waits fails at once, for one that runs
//! a wish is left in Redis and its process is woken through its mailbox. A wish
//! names the lock it is about, so that it can hit no later attempt.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::outcome::Cause;
use crate::queue::attempt::Attempt;
use crate::queue::handle::Queue;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::wire::script::checked;
use crate::queue::wire::token::{BOOT_DIGITS, Holder};

checked!(
    FAIL,
    "fail",
    "lib/names",
    "lib/parents",
    "lib/deduplication",
    "lib/keep",
    "lib/erase",
    "lib/count_up",
    "lib/metrics",
    "hold/fail"
);

/// How long a wish is kept. Its process looks for wishes with every stalled check
/// should it miss the wake-up.
const WISH: Duration = Duration::from_secs(60);

/// What became of a job that was to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failing {
    /// It has failed.
    Failed,
    /// It runs, and its process was asked to stop it.
    Asked,
    /// It had ended before, and is in this state.
    Ended(State),
    /// It runs in a worker that is not Runner; the value of its lock.
    Foreign(String),
    /// It is the next run of a scheduler, and goes with that only.
    NextRun,
    /// Only jobs that were never started were to fail, and this one was.
    Started,
    /// There is no such job.
    Missing,
}

impl Queue {
    /// Fail jobs for this reason, those that run too. What became of each, in
    /// order.
    ///
    /// # Errors
    /// Any error leaves open which were reached: call it again.
    pub async fn cancel(&self, ids: &[String], reason: &str) -> Result<Vec<Failing>, Error> {
        let wish = WISH.as_millis().to_string();
        let mut ends = Vec::with_capacity(ids.len());
        for (id, (end, token)) in ids
            .iter()
            .zip(self.fail(ids, reason, &wish, Cause::Cancelled).await?)
        {
            if end == Failing::Asked
                && let Some(holder) = Holder::of(&token)
            {
                self.mail(holder.boot, id).await?;
            }
            ends.push(end);
        }
        let failed = ids.iter().zip(&ends);
        let failed = failed.filter(|(_, end)| **end == Failing::Failed);
        let failed: Vec<String> = failed.map(|(id, _)| id.clone()).collect();
        self.tell_failed(&failed).await?;
        Ok(ends)
    }

    /// Fail those of these jobs that wait and were never started.
    pub(in crate::queue) async fn fail_unstarted(
        &self,
        ids: &[String],
        reason: &str,
    ) -> Result<Vec<Failing>, Error> {
        let ends = self.fail(ids, reason, "", Cause::Expired).await?;
        Ok(ends.into_iter().map(|(end, _)| end).collect())
    }

    async fn fail(
        &self,
        ids: &[String],
        reason: &str,
        wish: &str,
        cause: Cause,
    ) -> Result<Vec<(Failing, String)>, Error> {
        let reply = FAIL
            .run(self.redis(), self.base(), |command| {
                command.arg(reason).arg(wish).arg(cause.as_str());
                command.arg(BOOT_DIGITS);
                match self.settings().metrics {
                    Some(minutes) => command.arg(minutes),
                    None => command.arg(""),
                };
                command.arg(ids);
            })
            .await?;
        let reply = list(reply);
        let ends = reply.chunks_exact(2).map(|pair| {
            let said = text(pair[1].clone()).unwrap_or_default();
            let end = match whole(&pair[0]) {
                1 => Failing::Failed,
                2 => Failing::Asked,
                3 => Failing::Ended(said.parse().unwrap_or(State::Unknown)),
                4 => Failing::Foreign(said.clone()),
                5 => Failing::NextRun,
                6 => Failing::Started,
                _ => Failing::Missing,
            };
            (end, said)
        });
        Ok(ends.collect())
    }

    /// Tell a process that there is a wish about a job of this queue.
    async fn mail(&self, boot: &str, id: &str) -> Result<(), Error> {
        let mailbox = self.redis().mailbox(boot);
        let mut command = redis::cmd("ZADD");
        command
            .arg(&mailbox)
            .arg(0)
            .arg(format!("{}\n{id}", self.key("marker")));
        self.redis().call(&command).await?;
        let mut command = redis::cmd("PEXPIRE");
        command.arg(&mailbox).arg(WISH.as_millis() as u64);
        self.redis().call(&command).await.map(drop)
    }

    /// Stop those of these attempts that somebody wishes to be cancelled.
    pub(crate) async fn stop_cancelled(&self, attempts: &[Arc<Attempt>]) -> Result<(), Error> {
        for some in attempts.chunks(1000) {
            let mut command = redis::cmd("MGET");
            for attempt in some {
                command.arg(self.key(&format!("runner:cancel:{}", attempt.job.id)));
            }
            let wishes = list(self.redis().call(&command).await?);
            for (attempt, wish) in some.iter().zip(wishes) {
                if let Value::BulkString(wish) = wish
                    && let Some((token, reason)) = String::from_utf8_lossy(&wish).split_once('\n')
                    && token == attempt.token
                {
                    attempt.cancel(reason);
                }
            }
        }
        Ok(())
    }
}
