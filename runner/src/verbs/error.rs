//! Why a verb did not do what was asked: the same words for the command line, the API
//! and its clients.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::Fault;
use crate::queue;

/// Why nothing was done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It cannot be done as it was asked.
    #[error("{}", .0.detail)]
    Refused(Refusal),
    /// Redis, or what was to be stored in it.
    #[error(transparent)]
    Redis(#[from] queue::Error),
}

/// What a verb answers.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason it is.
    pub kind: Kind,
    /// What is wrong here, and the way out.
    pub detail: String,
}

/// Why one of many was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    /// Which one.
    pub id: String,
    /// What kind of reason it is.
    pub kind: Kind,
    /// What is wrong with it, and the way out.
    pub detail: String,
}

/// The kinds of refusals; their names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// There is no such queue.
    UnknownQueue,
    /// There is no such job.
    UnknownJob,
    /// There is no such dead letter.
    UnknownLetter,
    /// There is no such job scheduler.
    UnknownSchedule,
    /// There is no such plugin.
    UnknownPlugin,
    /// The question says something that cannot be.
    InvalidRequest,
    /// The query of a filter is none.
    InvalidFilter,
    /// The cursor is not one of this question.
    InvalidCursor,
    /// The payload or the options of a job cannot be stored.
    InvalidJob,
    /// It is in a state in which this cannot be done.
    WrongState,
    /// A worker runs it.
    Running,
    /// It is the next run of a scheduler, and goes with that only.
    NextRun,
    /// It runs in a worker that is not Runner.
    ForeignWorker,
    /// It had ended before.
    Ended,
    /// Its process has not stopped it in time.
    NotStopped,
    /// The queue has active jobs.
    ActiveJobs,
    /// The queue was resumed meanwhile.
    Resumed,
    /// `queues.toml` declares it, and would bring it back.
    Declared,
    /// A letter has no queue to go to.
    NoTarget,
    /// No version of a plugin serves.
    NotServing,
}

/// What a kind means to who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// What was named is not there.
    Unknown,
    /// The question itself is wrong.
    Wrong,
    /// What the question carries cannot be stored.
    Unfit,
    /// The question is right, and things stand against it.
    Conflict,
}

impl Kind {
    /// As JSON has it: `unknown-queue`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::UnknownQueue => "unknown-queue",
            Kind::UnknownJob => "unknown-job",
            Kind::UnknownLetter => "unknown-letter",
            Kind::UnknownSchedule => "unknown-schedule",
            Kind::UnknownPlugin => "unknown-plugin",
            Kind::InvalidRequest => "invalid-request",
            Kind::InvalidFilter => "invalid-filter",
            Kind::InvalidCursor => "invalid-cursor",
            Kind::InvalidJob => "invalid-job",
            Kind::WrongState => "wrong-state",
            Kind::Running => "running",
            Kind::NextRun => "next-run",
            Kind::ForeignWorker => "foreign-worker",
            Kind::Ended => "ended",
            Kind::NotStopped => "not-stopped",
            Kind::ActiveJobs => "active-jobs",
            Kind::Resumed => "resumed",
            Kind::Declared => "declared",
            Kind::NoTarget => "no-target",
            Kind::NotServing => "not-serving",
        }
    }

    /// What it means to who asked.
    pub fn class(self) -> Class {
        match self {
            Kind::UnknownQueue
            | Kind::UnknownJob
            | Kind::UnknownLetter
            | Kind::UnknownSchedule
            | Kind::UnknownPlugin => Class::Unknown,
            Kind::InvalidRequest | Kind::InvalidFilter | Kind::InvalidCursor | Kind::Declared => {
                Class::Wrong
            }
            Kind::InvalidJob => Class::Unfit,
            Kind::WrongState
            | Kind::Running
            | Kind::NextRun
            | Kind::ForeignWorker
            | Kind::Ended
            | Kind::NotStopped
            | Kind::ActiveJobs
            | Kind::Resumed
            | Kind::NoTarget
            | Kind::NotServing => Class::Conflict,
        }
    }
}

impl Refusal {
    /// A refusal of this kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Refusal {
        Refusal {
            kind,
            detail: detail.into(),
        }
    }

    /// Said of one of many.
    pub fn of(self, id: &str) -> Refused {
        Refused {
            id: id.to_owned(),
            kind: self.kind,
            detail: self.detail,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::refused(Kind::InvalidFilter, fault.to_string())
    }
}

impl Error {
    /// A refusal of this kind.
    pub fn refused(kind: Kind, detail: impl Into<String>) -> Error {
        Error::Refused(Refusal::new(kind, detail))
    }
}
