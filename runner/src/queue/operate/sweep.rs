//! Removing jobs by the thousand: drain, clean, obliterate. One call looks at
//! [`CALL`] jobs, so that Redis serves others in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// Jobs looked at in one call of a script.
const CALL: u64 = 1000;

/// Where sweeping a queue goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SweepPlace {
    /// Which list or set.
    step: usize,
    /// Jobs of it that stay.
    kept: u64,
}

/// What a part of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Jobs that are gone.
    pub removed: u64,
    /// Where the next part begins; none when all has been swept.
    pub next: Option<SweepPlace>,
}

/// How a part of [`Queue::obliterate`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obliteration {
    /// The queue is gone, and this many jobs with the last part.
    Done(u64),
    /// This many jobs are gone; the next part begins there.
    More(u64, SweepPlace),
    /// It has active jobs, and was only paused.
    Active,
    /// Somebody resumed it meanwhile; this many jobs are gone.
    Resumed(u64),
}

/// A list or set, and how it is swept.
type Step = (&'static str, &'static str);

/// What sweeping some steps did.
enum Walked {
    Swept(Swept),
    /// Not paused, after so many jobs.
    Unpaused(u64),
    /// Active jobs, and not forced.
    Active,
}

impl Queue {
    /// Remove jobs that wait, also at a gate, and the delayed ones too if asked, but
    /// for the next runs of schedulers. At most so many are looked at, from this place
    /// on.
    pub async fn drain(&self, delayed: bool, from: SweepPlace, most: u64) -> Result<Swept, Error> {
        let mut steps = vec![("delayed", "parked")];
        let mut states = vec![State::Waiting, State::Prioritized];
        if delayed {
            states.push(State::Delayed);
        }
        let waiting = states.iter().flat_map(|state| state.keys());
        steps.extend(waiting.map(|key| (*key, "drain")));
        let mut from = from;
        if from == SweepPlace::default() && self.parked().await? == 0 {
            from.step = 1;
        }
        match self
            .walk(&steps, from, Duration::ZERO, (u64::MAX, most))
            .await?
        {
            Walked::Swept(swept) => Ok(swept),
            Walked::Unpaused(_) | Walked::Active => Err(Error::Answer(SWEEP.name())),
        }
    }

    /// Remove jobs of a state that are at least so old: ended, else started, else added
    /// so long ago by Redis' clock. Active jobs that a worker holds and next runs of
    /// schedulers stay. At most `remove` are removed and `most` looked at, from this
    /// place on.
    pub async fn clean(
        &self,
        state: State,
        age: Duration,
        from: SweepPlace,
        remove: u64,
        most: u64,
    ) -> Result<Swept, Error> {
        let steps: Vec<Step> = state.keys().iter().map(|key| (*key, "clean")).collect();
        let Walked::Swept(swept) = self.walk(&steps, from, age, (remove, most)).await? else {
            return Err(Error::Answer(SWEEP.name()));
        };
        let told = CLEANED
            .run(self.redis(), self.base(), |command| {
                command.arg(swept.removed);
            })
            .await;
        // What is gone is gone, whoever hears of it.
        if let Err(error) = told {
            tracing::warn!(queue = self.name(), %error, "the event `cleaned` was not written");
        }
        Ok(swept)
    }

    /// Remove the queue: pause it, then remove its jobs, schedulers and settings.
    /// Without `force` a queue with active jobs stays. At most so many jobs are looked
    /// at, from this place on.
    pub async fn obliterate(
        &self,
        force: bool,
        from: SweepPlace,
        most: u64,
    ) -> Result<Obliteration, Error> {
        let mode = if force { "force" } else { "obliterate" };
        // Active ones first: those may refuse.
        let keys = State::ALL.iter().flat_map(|state| state.keys());
        let steps: Vec<Step> = keys.map(|key| (*key, mode)).collect();
        if from == SweepPlace::default() {
            self.pause().await?;
        }
        let swept = match self
            .walk(&steps, from, Duration::ZERO, (u64::MAX, most))
            .await?
        {
            Walked::Swept(swept) => swept,
            Walked::Unpaused(gone) => return Ok(Obliteration::Resumed(gone)),
            Walked::Active => return Ok(Obliteration::Active),
        };
        if let Some(next) = swept.next {
            return Ok(Obliteration::More(swept.removed, next));
        }
        let reply = OBLITERATE
            .run(self.redis(), self.base(), |command| {
                command.arg(CALL);
            })
            .await?;
        if whole(&reply) != 1 {
            return Ok(Obliteration::More(swept.removed, SweepPlace::default()));
        }
        self.remove_own_keys().await?;
        Ok(Obliteration::Done(swept.removed))
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

    /// Sweep these steps, until so many jobs are removed or so many were looked at.
    async fn walk(
        &self,
        steps: &[Step],
        from: SweepPlace,
        age: Duration,
        (remove, most): (u64, u64),
    ) -> Result<Walked, Error> {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let (mut at, mut gone, mut left) = (from, 0, most);
        while let Some((key, mode)) = steps.get(at.step) {
            let look = left.min(CALL).min(remove - gone);
            if look == 0 {
                let (removed, next) = (gone, Some(at));
                return Ok(Walked::Swept(Swept { removed, next }));
            }
            let reply = SWEEP
                .run(self.redis(), self.base(), |command| {
                    command.arg(key).arg(mode).arg(look).arg(at.kept).arg(age);
                })
                .await?;
            let numbers: Vec<i64> = list(reply).iter().map(whole).collect();
            let (removed, looked) = match numbers[..] {
                [-1, _] => return Ok(Walked::Unpaused(gone)),
                [-2, _] => return Ok(Walked::Active),
                [removed, looked] => (removed as u64, looked as u64),
                _ => return Err(Error::Answer(SWEEP.name())),
            };
            gone += removed;
            left = left.saturating_sub(looked);
            at.kept += looked.saturating_sub(removed);
            if looked < look {
                at = SweepPlace {
                    step: at.step + 1,
                    kept: 0,
                };
            }
        }
        let (removed, next) = (gone, None);
        Ok(Walked::Swept(Swept { removed, next }))
    }
}
