//! What a queue holds, in numbers.

use std::time::Duration;

use crate::queue::handle::Queue;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use futures::future::try_join_all;

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// In `wait`, or in `paused` of BullMQ 5.
    pub waiting: u64,
    /// Taken.
    pub active: u64,
    /// Due later.
    pub delayed: u64,
    /// Waiting with a priority.
    pub prioritized: u64,
    /// Waiting for children.
    pub waiting_children: u64,
    /// Done.
    pub completed: u64,
    /// Given up.
    pub failed: u64,
    /// The queue is paused.
    pub paused: bool,
}

impl Counts {
    /// The jobs of one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Active => self.active,
            State::Waiting => self.waiting,
            State::Prioritized => self.prioritized,
            State::Delayed => self.delayed,
            State::WaitingChildren => self.waiting_children,
            State::Failed => self.failed,
            State::Completed => self.completed,
            State::Unknown => 0,
        }
    }

    /// The jobs of all states.
    pub fn total(&self) -> u64 {
        State::ALL.into_iter().map(|state| self.of(state)).sum()
    }
}

impl Queue {
    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let counts = try_join_all(State::ALL.map(|state| self.count(state))).await?;
        let of = |state: State| {
            let at = State::ALL.iter().position(|other| *other == state);
            counts[at.expect("a state")]
        };
        let mut command = redis::cmd("HEXISTS");
        command.arg(self.key("meta")).arg("paused");
        Ok(Counts {
            waiting: of(State::Waiting),
            active: of(State::Active),
            delayed: of(State::Delayed),
            prioritized: of(State::Prioritized),
            waiting_children: of(State::WaitingChildren),
            completed: of(State::Completed),
            failed: of(State::Failed),
            paused: whole(&self.redis().call(&command).await?) == 1,
        })
    }

    /// How many jobs are in one state.
    pub async fn count(&self, state: State) -> Result<u64, Error> {
        let name = if state.is_list() { "LLEN" } else { "ZCARD" };
        let count = async |key: &str| -> Result<u64, Error> {
            let mut command = redis::cmd(name);
            command.arg(self.key(key));
            Ok(whole(&self.redis().call(&command).await?) as u64)
        };
        let counts = try_join_all(state.keys().iter().map(|key| count(key))).await?;
        Ok(counts.into_iter().sum())
    }

    /// How many finished jobs are at least this old, by Redis' clock.
    pub async fn count_older(&self, state: State, age: Duration) -> Result<u64, Error> {
        let now = self.now().await?;
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("ZCOUNT");
        command
            .arg(self.key(state.name()))
            .arg("-inf")
            .arg(now.saturating_sub(age));
        Ok(whole(&self.redis().call(&command).await?) as u64)
    }

    /// Redis' clock, milliseconds since 1970.
    pub async fn now(&self) -> Result<u64, Error> {
        let time = list(self.redis().call(&redis::cmd("TIME")).await?);
        let part = |at: usize| time.get(at).map_or(0, whole) as u64;
        Ok(part(0) * 1000 + part(1) / 1000)
    }
}
