//! Removing jobs by the thousand: drain, clean, obliterate. One call looks at
//! [`CALL`] jobs, so that Redis serves others in between.

use std::time::Duration;

use crate::queue::handle::Queue;
use crate::queue::look::discover;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use crate::queue::wire::script::{checked, script};

checked!(
    SWEEP,
    "sweep",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "lib/parked",
    "operate/sweep"
);
script!(CLEANED, "cleaned", "lib/queue", "operate/cleaned");
checked!(OBLITERATE, "obliterate", "operate/obliterate");

/// Jobs looked at in one call.
const CALL: u64 = 1000;

/// How [`Queue::obliterate`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obliteration {
    /// The queue is gone, and this many jobs with it.
    Done(u64),
    /// It has active jobs, and was only paused.
    Active,
    /// Somebody resumed it meanwhile; this many jobs are gone.
    Resumed(u64),
}

/// What one sweep of a list or set did.
enum Swept {
    /// This many jobs are gone.
    Done(u64),
    /// Not paused, at this call.
    Unpaused(u64),
    /// Active jobs, and not forced.
    Active,
}

impl Queue {
    /// Remove all jobs that wait, also at a gate, and the delayed ones too if asked,
    /// but for the next runs of schedulers. How many they were; `told` after each
    /// call, of how many are gone with it.
    pub async fn drain(&self, delayed: bool, told: &dyn Fn(u64)) -> Result<u64, Error> {
        let mut states = vec![State::Waiting, State::Prioritized];
        if delayed {
            states.push(State::Delayed);
        }
        let waiting = states.iter().flat_map(|state| state.keys());
        let mut sweeps: Vec<_> = waiting.map(|key| (*key, "drain")).collect();
        if self.parked().await? > 0 {
            sweeps.insert(0, ("delayed", "parked"));
        }
        let mut gone = 0;
        for (key, mode) in sweeps {
            if let Swept::Done(jobs) = self.sweep(key, mode, None, None, told).await? {
                gone += jobs;
            }
        }
        Ok(gone)
    }

    /// Remove jobs of a state that are at least so old, `limit` at most: ended,
    /// else started, else added so long ago by Redis' clock. Active jobs that a
    /// worker holds and next runs of schedulers stay. How many they were; `told` as
    /// [`Queue::drain`] does.
    pub async fn clean(
        &self,
        state: State,
        age: Duration,
        limit: Option<u64>,
        told: &dyn Fn(u64),
    ) -> Result<u64, Error> {
        let mut gone = 0;
        for key in state.keys() {
            let limit = limit.map(|limit| limit - gone);
            if let Swept::Done(jobs) = self.sweep(key, "clean", Some(age), limit, told).await? {
                gone += jobs;
            }
        }
        let told = CLEANED
            .run(self.redis(), self.base(), |command| {
                command.arg(gone);
            })
            .await;
        // What is gone is gone, whoever hears of it.
        if let Err(error) = told {
            tracing::warn!(queue = self.name(), %error, "the event `cleaned` was not written");
        }
        Ok(gone)
    }

    /// Remove the queue: pause it, then remove its jobs, schedulers and settings.
    /// Without `force` a queue with active jobs stays. `told` as [`Queue::drain`] does.
    pub async fn obliterate(&self, force: bool, told: &dyn Fn(u64)) -> Result<Obliteration, Error> {
        self.pause().await?;
        let mode = if force { "force" } else { "obliterate" };
        let mut gone = 0;
        loop {
            // Active ones first: those may refuse.
            for key in State::ALL.iter().flat_map(|state| state.keys()) {
                match self.sweep(key, mode, None, None, told).await? {
                    Swept::Done(jobs) => gone += jobs,
                    Swept::Unpaused(jobs) => return Ok(Obliteration::Resumed(gone + jobs)),
                    Swept::Active => return Ok(Obliteration::Active),
                }
            }
            let reply = OBLITERATE
                .run(self.redis(), self.base(), |command| {
                    command.arg(CALL);
                })
                .await?;
            if whole(&reply) == 1 {
                self.remove_own_keys().await?;
                return Ok(Obliteration::Done(gone));
            }
        }
    }

    /// What Runner keeps of the queue beside BullMQ's keys, below `runner:`.
    async fn remove_own_keys(&self) -> Result<(), Error> {
        let base = self.key("runner:");
        // Or is that a queue named `runner`, whose prefix ends with our name?
        let mut command = redis::cmd("EXISTS");
        command.arg(format!("{base}meta"));
        if whole(&self.redis().call(&command).await?) == 1 {
            return Ok(());
        }
        for keys in discover::keys(self.redis(), &base, "*")
            .await?
            .chunks(CALL as usize)
        {
            self.redis().call(redis::cmd("UNLINK").arg(keys)).await?;
        }
        Ok(())
    }

    async fn sweep(
        &self,
        key: &str,
        mode: &str,
        age: Option<Duration>,
        limit: Option<u64>,
        told: &dyn Fn(u64),
    ) -> Result<Swept, Error> {
        let age = age.unwrap_or_default().as_millis();
        let age = u64::try_from(age).unwrap_or(u64::MAX);
        let (mut gone, mut kept) = (0, 0);
        loop {
            let look = limit.map_or(CALL, |limit| (limit - gone).min(CALL));
            if look == 0 {
                return Ok(Swept::Done(gone));
            }
            let reply = SWEEP
                .run(self.redis(), self.base(), |command| {
                    command.arg(key).arg(mode).arg(look).arg(kept).arg(age);
                })
                .await?;
            let numbers: Vec<i64> = list(reply).iter().map(whole).collect();
            let (removed, looked) = match numbers[..] {
                [-1, _] => return Ok(Swept::Unpaused(gone)),
                [-2, _] => return Ok(Swept::Active),
                [removed, looked] => (removed as u64, looked as u64),
                _ => return Err(Error::Answer(SWEEP.name())),
            };
            told(removed);
            gone += removed;
            kept += looked - removed;
            if looked < look {
                return Ok(Swept::Done(gone));
            }
        }
    }
}
