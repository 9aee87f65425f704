//! Jobs that go back to work, for `retry` and `promote` alike.

use serde_json::json;

use crate::cli::{Cli, Exit, Result, output};
use crate::config::Pattern;
use crate::queue::{Back, Queue, State};
use crate::units;

/// Ids in one call.
const CALL: usize = 1000;

/// From where jobs go back.
pub(super) enum Kind {
    /// From an end. With `reset`, their attempts count from zero again.
    Retry { reset: bool },
    /// From a delay.
    Promote,
}

impl Kind {
    async fn call(&self, queue: &Queue, ids: &[String]) -> Result<Vec<Back>> {
        Ok(match self {
            Kind::Retry { reset } => queue.retry(ids, *reset).await?,
            Kind::Promote => queue.promote(ids).await?,
        })
    }

    fn done(&self) -> &'static str {
        match self {
            Kind::Retry { .. } => "retried",
            Kind::Promote => "promoted",
        }
    }

    /// Put back the jobs of these ids; how many were, and why the others were not.
    pub(super) async fn named(&self, queue: &Queue, ids: &[String]) -> Result<(u64, Vec<Exit>)> {
        let which = match self {
            Kind::Retry { .. } => "completed and failed",
            Kind::Promote => "delayed",
        };
        let done = self.done();
        let mut refusals = Vec::new();
        let mut count = 0;
        for ids in ids.chunks(CALL) {
            let ends = self.call(queue, ids).await?;
            for (id, end) in std::iter::zip(ids, ends) {
                match end {
                    Back::Done => count += 1,
                    Back::Missing => refusals.push(super::missing(queue, id)),
                    Back::Elsewhere => refusals.push(Exit::failed(format!(
                        "job {id:?} is {}; only {which} jobs can be {done}",
                        queue.state(id).await?
                    ))),
                }
            }
        }
        Ok((count, refusals))
    }

    /// Say how many jobs were put back, and end with what went wrong.
    pub(super) fn tell(&self, cli: &Cli, queue: &Queue, count: u64, refusals: Vec<Exit>) -> Result {
        let done = self.done();
        if cli.json {
            output::json(&json!({ "queue": queue.name(), done: count }));
        } else {
            output::line(format!("{done} {}", units::count(count, "job")));
        }
        super::refused(refusals)
    }
}

/// Retry all jobs that have ended by now and whose name fits, the oldest first.
pub(super) async fn retry_all(
    queue: &Queue,
    state: State,
    pattern: Option<&Pattern>,
    reset: bool,
) -> Result<u64> {
    let until = queue.now().await?;
    let bar = output::bar(queue.count(state).await?);
    let (mut retried, mut kept) = (0, 0);
    loop {
        let page = queue.ended(state, until, kept, CALL).await?;
        let ids = match pattern {
            None => page.clone(),
            Some(pattern) => queue.named(&page, |name| pattern.matches(name)).await?,
        };
        kept += page.len() - ids.len();
        if !ids.is_empty() {
            let ends = queue.retry(&ids, reset).await?;
            let (done, missing) = count(&ends);
            retried += done;
            kept += missing;
        }
        bar.inc(page.len() as u64);
        if page.len() < CALL {
            bar.finish_and_clear();
            return Ok(retried);
        }
    }
}

/// Promote all jobs that are delayed now, the next due first. No more than there are
/// at first: those that fail and are delayed again have had their turn.
pub(super) async fn promote_all(queue: &Queue) -> Result<u64> {
    let mut left = queue.count(State::Delayed).await? as usize;
    let bar = output::bar(left as u64);
    let (mut promoted, mut kept) = (0, 0);
    while left > 0 {
        let ids = queue.page(State::Delayed, kept, left.min(CALL)).await?;
        if ids.is_empty() {
            break;
        }
        left -= ids.len();
        bar.inc(ids.len() as u64);
        let ends = queue.promote(&ids).await?;
        let (done, missing) = count(&ends);
        promoted += done;
        kept += missing;
    }
    bar.finish_and_clear();
    Ok(promoted)
}

/// How many were put back, and how many ids have no job: those stay where they are.
fn count(ends: &[Back]) -> (u64, usize) {
    let of = |which: Back| ends.iter().filter(|end| **end == which).count();
    (of(Back::Done) as u64, of(Back::Missing))
}
