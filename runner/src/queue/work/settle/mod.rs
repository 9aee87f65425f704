//! Settle and take: how attempts ended goes to Redis, the next jobs come back,
//! in one call.

pub(in crate::queue) mod batch;
mod taken;

use std::time::Duration;

use redis::Value;

pub use self::batch::{Batch, Settlement};
use self::batch::{Round, Row};
pub use self::taken::Taken;
use self::taken::{each, job};
use crate::queue::handle::Queue;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, pairs, whole};
use crate::queue::wire::script::script;
use crate::queue::wire::shared;
use crate::queue::work::verdict::Verdict;

/// The script of the hot path; without gates it has no code for them.
macro_rules! settle {
    ($constant:ident, $name:literal, [$($gates:literal),+]) => {
        script!(
            $constant,
            $name,
            "lib/text_of",
            "work/settle/resume/begin",
            "lib/queue",
            "lib/metrics",
            $($gates,)+
            "work/settle/rarely/begin",
            "lib/keys",
            "lib/names",
            "lib/enqueue",
            "lib/remove",
            "lib/parents",
            "lib/deduplication",
            "work/settle/quarantine",
            "work/settle/put_back",
            "lib/beside",
            "lib/dead_letter",
            "lib/deliver",
            "work/settle/copy",
            "work/settle/tell",
            "work/settle/move",
            "work/settle/rarely/end",
            "work/settle/sometimes/begin",
            "lib/remove",
            "lib/keep",
            "work/settle/promote",
            "work/settle/await_children",
            "work/settle/limit",
            "work/settle/sometimes/end",
            "work/settle/settle",
            "work/settle/take",
            "work/settle/resume/end"
        );
    };
}

settle!(SETTLE, "settle", ["work/settle/gates/none"]);
settle!(
    SETTLE_GATED,
    "settle with gates",
    [
        "lib/parked",
        "work/settle/gates/rules",
        "work/settle/gates/gate",
        "work/settle/gates/park",
        "work/settle/gates/take"
    ]
);

/// What became of one settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written; the state the job is in now.
    Now(State),
    /// Written; the queue has the job no longer: it went to another, or was removed
    /// with its end.
    Left,
    /// The job cannot complete, because a child that failed is to fail it too:
    /// nothing was written, and the lock is still ours. BullMQ's name of what was
    /// refused: `moveToFinished`, `moveToWaitingChildren`.
    ChildFailed(&'static str),
    /// The job is gone: nothing was written.
    Removed,
    /// The lock was no longer ours: nothing was written.
    Lost,
}

impl Queue {
    /// Write how attempts ended, then take up to `take` jobs, in one call.
    ///
    /// # Errors
    /// Transient errors leave open whether the batch was written: send it again,
    /// and ask [`Queue::settled_before`] about ends that are then lost.
    pub async fn settle(&self, batch: &Batch, take: usize) -> Result<(Vec<Settled>, Taken), Error> {
        let settings = self.settings();
        let redis = self.redis();
        let token = self.holder().token(redis.next());
        let live = batch.ends.iter().filter(|end| end.verdict.is_some());
        let live: Vec<_> = live.map(|end| (end, end.plain())).collect();
        let round = Round {
            token: &token,
            lock: settings.lock,
            take,
            runner: &settings.runner,
            limiter: settings.limiter,
            wakes: !batch.continues,
            ends: live.len(),
        };
        let script = match settings.gates {
            Some(_) => &SETTLE_GATED,
            None => &SETTLE,
        };
        let reply = script
            .run(redis, self.base(), |command| {
                round.write(command);
                batch::write(command, &live, self);
                batch::tell(command, &live, self);
                if let Some(minutes) = settings.metrics {
                    command.arg(minutes);
                }
                if let Some(gates) = &settings.gates {
                    command.arg(gates.rules());
                }
            })
            .await?;
        self.read(reply, batch, token)
    }

    /// Write these ends of jobs that have no attempt in this process.
    pub(in crate::queue) async fn end(&self, rows: &[Row<'_>]) -> Result<(), Error> {
        let round = Round {
            token: "",
            lock: Duration::ZERO,
            take: 0,
            runner: &self.settings().runner,
            limiter: None,
            wakes: false,
            ends: rows.len(),
        };
        SETTLE
            .run(self.redis(), self.base(), |command| {
                round.write(command);
                for row in rows {
                    row.write(command);
                }
            })
            .await
            .map(drop)
    }

    /// The answer of the script, whose parts are taken from its end.
    fn read(
        &self,
        reply: Value,
        batch: &Batch,
        token: String,
    ) -> Result<(Vec<Settled>, Taken), Error> {
        let mut parts = list(reply);
        let answer = || Error::Answer(SETTLE.name());
        self.tell_mended(parts.pop().ok_or_else(answer)?);
        let unburied = pairs(parts.pop().ok_or_else(answer)?);
        let quarantined = pairs(parts.pop().ok_or_else(answer)?);
        let now = whole(&parts.pop().ok_or_else(answer)?) as u64;
        let next_at = whole(&parts.pop().ok_or_else(answer)?);
        let limited = whole(&parts.pop().ok_or_else(answer)?);
        parts.pop().ok_or_else(answer)?;
        let jobs = list(parts.pop().ok_or_else(answer)?);
        let mut codes = list(parts.pop().ok_or_else(answer)?).into_iter();

        let settled = batch
            .ends
            .iter()
            .map(|end| match &end.verdict {
                Some(verdict) => codes
                    .next()
                    .map_or(Settled::Lost, |code| settled(whole(&code), verdict)),
                None => Settled::Lost,
            })
            .collect();
        let milliseconds = |ms: i64| u64::try_from(ms).ok().map(Duration::from_millis);
        let mut unnamed = Vec::new();
        let jobs = each(jobs)
            .filter_map(|fields| job(fields, now).map_err(|id| unnamed.push(id)).ok())
            .collect();
        let taken = Taken {
            token,
            jobs,
            limited_for: milliseconds(limited).filter(|wait| !wait.is_zero()),
            delayed_for: milliseconds(next_at),
            quarantined,
            unnamed,
            unburied,
        };
        Ok((settled, taken))
    }
}

fn settled(code: i64, verdict: &Verdict) -> Settled {
    Settled::Now(match code {
        shared::COMPLETED => State::Completed,
        shared::FAILED => State::Failed,
        shared::WAITING => State::Waiting,
        shared::PRIORITIZED => State::Prioritized,
        shared::DELAYED => State::Delayed,
        shared::WAITING_CHILDREN => State::WaitingChildren,
        shared::MOVED => return Settled::Left,
        shared::GONE => return Settled::Removed,
        shared::CHILD_FAILED => {
            return Settled::ChildFailed(match verdict {
                Verdict::Waiting(..) => "moveToWaitingChildren",
                _ => "moveToFinished",
            });
        }
        // `LOCK_LOST`
        _ => return Settled::Lost,
    })
}
