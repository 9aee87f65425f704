//! Ending jobs, waiting or running, from anywhere.

use std::iter::zip;
use std::time::Duration;

use futures::future::try_join_all;

use super::ends::{Ends, missing, next_run};
use crate::queue::{Event, Failing, Queue};
use crate::units;
use crate::verbs::{Kind, Refusal, Result};

/// How long a process may take to stop a job; it takes milliseconds.
const STOP: Duration = Duration::from_secs(5);
/// Jobs that are waited for at once; each has a connection.
const AT_ONCE: usize = 8;

/// Fail jobs; with `wait`, those that run are waited for.
pub(super) async fn cancel(
    queue: &Queue,
    ids: &[String],
    reason: Option<&str>,
    wait: bool,
) -> Result<Ends> {
    let reason = match reason {
        Some(reason) => format!("cancelled: {reason}"),
        None => "cancelled".to_owned(),
    };
    let before = queue.last_event().await?;
    let failing = queue.cancel(ids, &reason).await?;
    let mut ends = Ends::default();
    let mut asked = Vec::new();
    for (id, end) in zip(ids, failing) {
        match end {
            Failing::Failed => ends.done += 1,
            Failing::Asked => asked.push(id),
            other => ends
                .refused
                .extend(refusal(queue, id, other).map(|why| why.of(id))),
        }
    }
    if !wait {
        ends.stopping = asked.len() as u64;
        return Ok(ends);
    }
    for ids in asked.chunks(AT_ONCE) {
        let stops = ids
            .iter()
            .map(|id| stopped(queue, id, &reason, before.clone()));
        for (id, refusal) in zip(ids, try_join_all(stops).await?) {
            match refusal {
                None => ends.done += 1,
                Some(refusal) => ends.refused.push(refusal.of(id)),
            }
        }
    }
    Ok(ends)
}

/// Why a job was not cancelled, if it was not.
fn refusal(queue: &Queue, id: &str, end: Failing) -> Option<Refusal> {
    match end {
        Failing::Failed | Failing::Asked => None,
        Failing::Ended(state) => Some(Refusal::new(
            Kind::Ended,
            format!("job {id:?} has already {state}"),
        )),
        Failing::Foreign(token) => Some(Refusal::new(
            Kind::ForeignWorker,
            format!(
                "job {id:?} runs in a worker that is not Runner (its lock is {token:?}); \
                 only that worker can stop it"
            ),
        )),
        Failing::NextRun => Some(next_run(queue, id)),
        Failing::Started | Failing::Missing => Some(missing(queue, id)),
    }
}

/// Wait for the end of a job whose process was asked to stop it; why it was not
/// cancelled, if it was not.
async fn stopped(queue: &Queue, id: &str, reason: &str, since: String) -> Result<Option<Refusal>> {
    let ended = |how: &str| {
        let text = format!("job {id:?} {how} before it could be cancelled");
        Some(Refusal::new(Kind::Ended, text))
    };
    let end = async {
        let mut watch = queue.watch(id, since).await?;
        loop {
            match watch.next().await? {
                Event::Failed(why) if why == reason => return Ok(None),
                Event::Failed(_) => return Ok(ended("failed")),
                Event::Completed(_) => return Ok(ended("completed")),
                // Removed with its end.
                Event::Gone => return Ok(None),
                _ => {}
            }
        }
    };
    tokio::time::timeout(STOP, end).await.unwrap_or_else(|_| {
        Ok(Some(Refusal::new(
            Kind::NotStopped,
            format!(
                "the runner that runs job {id:?} did not stop it within {}; if that runner is \
                 gone, the job returns to its queue when its lock expires: cancel it then",
                units::duration(STOP)
            ),
        )))
    })
}
