//! Doing something to the jobs of some ids.

use std::iter::zip;

use super::act::{Act, Acted};
use super::cancel::cancel;
use super::duplicate;
use crate::queue::{Back, Queue, Removal};
use crate::verbs::{Kind, Refusal, Refused, Result};

/// Ids in one call of a script that puts jobs back.
const CALL: usize = 1000;
/// Ids in one call that removes: each may bring its children.
const REMOVE: usize = 100;

/// Jobs to which something was done, and why others were left.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) done: u64,
    /// Asked to stop.
    pub(super) stopping: u64,
    pub(super) refused: Vec<Refused>,
}

/// Do something to the jobs of these ids; the rest is named.
///
/// # Errors
/// Those of Redis; then some of it may have been done.
pub async fn act(queue: &Queue, ids: &[String], act: &Act) -> Result<Acted> {
    let ends = carry_out(queue, ids, act).await?;
    Ok(Acted {
        queue: queue.name().to_owned(),
        done: act.done(ends.done),
        stopping: ends.stopping,
        refused: ends.refused,
        all: None,
    })
}

/// Do it, whoever names the ids.
pub(super) async fn carry_out(queue: &Queue, ids: &[String], act: &Act) -> Result<Ends> {
    match act {
        Act::Retry { reset } => {
            let call = async |ids: &[String]| queue.retry(ids, *reset).await;
            put_back(queue, ids, "retried", "completed and failed", call).await
        }
        Act::Promote => {
            let call = async |ids: &[String]| queue.promote(ids).await;
            put_back(queue, ids, "promoted", "delayed", call).await
        }
        Act::Cancel { reason, wait } => cancel(queue, ids, reason.as_deref(), *wait).await,
        Act::Remove { keep_children } => remove(queue, ids, !keep_children).await,
        Act::Duplicate => duplicate::all(queue, ids).await,
    }
}

async fn put_back(
    queue: &Queue,
    ids: &[String],
    done: &str,
    which: &str,
    call: impl AsyncFn(&[String]) -> std::result::Result<Vec<Back>, crate::queue::Error>,
) -> Result<Ends> {
    let mut ends = Ends::default();
    for ids in ids.chunks(CALL) {
        for (id, end) in zip(ids, call(ids).await?) {
            let refusal = match end {
                Back::Done => {
                    ends.done += 1;
                    continue;
                }
                Back::Missing => missing(queue, id),
                Back::Elsewhere => Refusal::new(
                    Kind::WrongState,
                    format!(
                        "job {id:?} is {}; only {which} jobs can be {done}",
                        queue.state(id).await?
                    ),
                ),
            };
            ends.refused.push(refusal.of(id));
        }
    }
    Ok(ends)
}

async fn remove(queue: &Queue, ids: &[String], children: bool) -> Result<Ends> {
    let mut ends = Ends::default();
    for ids in ids.chunks(REMOVE) {
        for (id, end) in zip(ids, queue.remove(ids, children).await?) {
            let refusal = match end {
                Removal::Done => {
                    ends.done += 1;
                    continue;
                }
                Removal::Missing => missing(queue, id),
                Removal::NextRun => next_run(queue, id),
                Removal::Locked => Refusal::new(
                    Kind::Running,
                    format!(
                        "a worker is running job {id:?} or one of its children; \
                         remove it when it has ended"
                    ),
                ),
            };
            ends.refused.push(refusal.of(id));
        }
    }
    Ok(ends)
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
