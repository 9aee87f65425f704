//! What can be done to jobs, and what is said of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::verbs::Refused;

/// Something that is done to jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Let completed or failed jobs run again; with `reset`, their attempts count from
    /// zero.
    Retry {
        /// Count attempts from zero.
        reset: bool,
    },
    /// Let delayed jobs start now.
    Promote,
    /// Fail jobs that wait or run, for this reason.
    Cancel {
        /// Recorded as the reason for the failure.
        reason: Option<String>,
        /// Whether to wait until those that run have stopped.
        wait: bool,
    },
    /// Remove jobs.
    Remove {
        /// Their children stay.
        keep_children: bool,
    },
    /// Add jobs again.
    Duplicate,
}

/// What was done to jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobsActed)]
pub struct Acted {
    /// The queue.
    pub queue: String,
    /// To how many it was done.
    #[serde(flatten)]
    pub done: Done,
    /// Jobs that run and have been asked to stop; they have not stopped yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stopping: u64,
    /// Why others were left as they are; of many that a filter matches, the first
    /// hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// With a filter: how far it is.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub all: Option<Reached>,
}

/// How far something that is done to all jobs a filter matches has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActReached)]
pub struct Reached {
    /// Jobs looked at by this call.
    pub looked_at: u64,
    /// Jobs that matched.
    pub matched: u64,
    /// Jobs that matched and were left as they are.
    pub skipped: u64,
    /// Whether nothing was to be done.
    pub dry_run: bool,
    /// Where the next call goes on; none when all jobs have been looked at.
    pub cursor: Option<String>,
}

/// To how many jobs something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActDone)]
pub enum Done {
    /// They wait again.
    Retried(u64),
    /// They wait.
    Promoted(u64),
    /// They have failed.
    Cancelled(u64),
    /// They are gone.
    Removed(u64),
    /// They were added again.
    Duplicated(u64),
}

impl Acted {
    /// What came of it with the call after it.
    pub fn and(self, next: Acted) -> Acted {
        let mut refused = self.refused;
        refused.extend(next.refused);
        Acted {
            queue: self.queue,
            done: next.done.plus(self.done.count()),
            stopping: self.stopping + next.stopping,
            refused,
            all: match (self.all, next.all) {
                (Some(before), Some(after)) => Some(Reached {
                    looked_at: before.looked_at + after.looked_at,
                    matched: before.matched + after.matched,
                    skipped: before.skipped + after.skipped,
                    ..after
                }),
                (_, after) => after,
            },
        }
    }
}

impl Done {
    fn plus(self, more: u64) -> Done {
        match self {
            Done::Retried(count) => Done::Retried(count + more),
            Done::Promoted(count) => Done::Promoted(count + more),
            Done::Cancelled(count) => Done::Cancelled(count + more),
            Done::Removed(count) => Done::Removed(count + more),
            Done::Duplicated(count) => Done::Duplicated(count + more),
        }
    }

    /// How many.
    pub fn count(self) -> u64 {
        match self {
            Done::Retried(count)
            | Done::Promoted(count)
            | Done::Cancelled(count)
            | Done::Removed(count)
            | Done::Duplicated(count) => count,
        }
    }

    /// What was done, as it is said: `retried`.
    pub fn word(self) -> &'static str {
        match self {
            Done::Retried(_) => "retried",
            Done::Promoted(_) => "promoted",
            Done::Cancelled(_) => "cancelled",
            Done::Removed(_) => "removed",
            Done::Duplicated(_) => "duplicated",
        }
    }
}

impl Act {
    /// What is said when it was done to so many.
    pub fn done(&self, count: u64) -> Done {
        match self {
            Act::Retry { .. } => Done::Retried(count),
            Act::Promote => Done::Promoted(count),
            Act::Cancel { .. } => Done::Cancelled(count),
            Act::Remove { .. } => Done::Removed(count),
            Act::Duplicate => Done::Duplicated(count),
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
