//! What becomes of jobs to which something is done, and what is said of those to which
//! it cannot be done. For the verbs of this folder.

use crate::queue::Queue;
use crate::verbs::{Kind, Refusal, Refused};

/// Jobs to which something was done, and why others were left.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) done: u64,
    /// Asked to stop.
    pub(super) stopping: u64,
    pub(super) refused: Vec<Refused>,
}

/// What is said of an id that no job has.
pub fn missing(queue: &Queue, id: &str) -> Refusal {
    Refusal::new(
        Kind::UnknownJob,
        format!(
            "queue {:?} has no job {id:?}; it may have been removed when it ended \
             (removeOnComplete)",
            queue.name()
        ),
    )
}

/// The id of such a job is `repeat:<scheduler>:<milliseconds>`.
pub(super) fn next_run(queue: &Queue, id: &str) -> Refusal {
    let scheduler = id
        .strip_prefix("repeat:")
        .and_then(|id| id.rsplit_once(':'));
    let scheduler = scheduler.map_or("ID", |(scheduler, _)| scheduler);
    Refusal::new(
        Kind::NextRun,
        format!(
            "job {id:?} is the next run of a scheduler, which is removed with: \
             runner schedule rm {scheduler} --queue {}",
            queue.name()
        ),
    )
}
