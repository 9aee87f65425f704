//! Doing something to the jobs of some ids.

use std::iter::zip;

use super::act::{Act, Acted};
use super::cancel::cancel;
use super::duplicate;
use super::ends::{Ends, missing, next_run};
use crate::queue::{Back, Queue, Removal};
use crate::verbs::{Kind, Refusal, Result};

/// Ids in one call of a script that puts jobs back.
const CALL: usize = 1000;
/// Ids in one call that removes: each may bring its children.
const REMOVE: usize = 100;

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
        Act::Retry { .. } => put_back(queue, ids, act, "completed and failed").await,
        Act::Promote => put_back(queue, ids, act, "delayed").await,
        Act::Cancel { reason, wait } => cancel(queue, ids, reason.as_deref(), *wait).await,
        Act::Remove { keep_children } => remove(queue, ids, !keep_children).await,
        Act::Duplicate => duplicate::all(queue, ids).await,
    }
}

async fn put_back(queue: &Queue, ids: &[String], act: &Act, which: &str) -> Result<Ends> {
    let mut ends = Ends::default();
    let done = act.done(0).word();
    for ids in ids.chunks(CALL) {
        let back = match act {
            Act::Retry { reset } => queue.retry(ids, *reset).await?,
            _ => queue.promote(ids).await?,
        };
        for (id, end) in zip(ids, back) {
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
