//! Where a job can be: BullMQ's lists and sets, by the names people know.

use std::fmt;
use std::str::FromStr;

/// A state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Taken by a worker.
    Active,
    /// In `wait`, or in `paused` of BullMQ 5.
    Waiting,
    /// Waiting with a priority.
    Prioritized,
    /// Due later.
    Delayed,
    /// Waiting for children.
    WaitingChildren,
    /// Given up.
    Failed,
    /// Done.
    Completed,
    /// In no list or set of the queue; no key holds such jobs.
    Unknown,
}

impl State {
    /// All states that have a key, the nearest to running first.
    pub const ALL: [State; 7] = [
        State::Active,
        State::Waiting,
        State::Prioritized,
        State::Delayed,
        State::WaitingChildren,
        State::Failed,
        State::Completed,
    ];

    /// Those of jobs that are to run or do.
    pub const PENDING: [State; 5] = [
        State::Active,
        State::Waiting,
        State::Prioritized,
        State::Delayed,
        State::WaitingChildren,
    ];

    /// As it is written: `waiting-children`.
    pub fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Waiting => "waiting",
            State::Prioritized => "prioritized",
            State::Delayed => "delayed",
            State::WaitingChildren => "waiting-children",
            State::Failed => "failed",
            State::Completed => "completed",
            State::Unknown => "unknown",
        }
    }

    /// The keys that hold its jobs, without the queue's base. What is in `paused`
    /// runs before what came to `wait` meanwhile.
    pub(in crate::queue) fn keys(self) -> &'static [&'static str] {
        match self {
            State::Waiting => &["paused", "wait"],
            State::Active => &["active"],
            State::Prioritized => &["prioritized"],
            State::Delayed => &["delayed"],
            State::WaitingChildren => &["waiting-children"],
            State::Failed => &["failed"],
            State::Completed => &["completed"],
            State::Unknown => &[],
        }
    }

    /// Whether its jobs have ended.
    pub(crate) fn is_ended(self) -> bool {
        matches!(self, State::Completed | State::Failed)
    }

    /// Whether its keys are lists; else they are sorted sets.
    pub(in crate::queue) fn is_list(self) -> bool {
        matches!(self, State::Waiting | State::Active)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(name: &str) -> Result<State, ()> {
        State::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or(())
    }
}
