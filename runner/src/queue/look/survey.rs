//! How all queues fare, in few calls: for metrics, health and whoever scales.

use std::collections::BTreeMap;

use redis::Value;

use crate::queue::handle::Queue;
use crate::queue::look::counts::Counts;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::wire::script::script;

script!(SURVEY, "survey", "look/survey");

/// Queues in one call: it holds Redis for a millisecond or two.
const CALL: usize = 70;
/// Failures that are looked at.
const LOOK: usize = 5;

/// How a queue fares. Times are milliseconds since 1970, by Redis' clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// When it was looked at.
    pub now: u64,
    /// Jobs in each state.
    pub counts: Counts,
    /// When somebody paused it through Runner.
    pub paused_at: Option<u64>,
    /// Most jobs that may run at once, over all workers.
    pub concurrency: Option<u64>,
    /// For how many more milliseconds a rate limit holds it.
    pub limited_for: u64,
    /// When the oldest job that waits was added.
    pub oldest: Option<u64>,
    /// Jobs that have completed and failed in the last five minutes and are kept.
    pub lately: (u64, u64),
    /// Jobs that have ended in the last minute and are kept.
    pub last_minute: u64,
    /// The jobs that failed last, the newest first; none unless asked for.
    pub failures: Vec<Failure>,
}

impl Survey {
    /// Jobs that could start now if there were slots.
    pub fn depth(&self) -> u64 {
        self.counts.waiting + self.counts.prioritized
    }

    /// How long the oldest job that waits has waited, milliseconds.
    pub fn oldest_age(&self) -> u64 {
        self.oldest
            .map_or(0, |added| self.now.saturating_sub(added))
    }
}

/// A job that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// When.
    pub at: u64,
    /// `failedReason`.
    pub reason: String,
    /// The plugin's version that ran it, or nothing.
    pub plugin: String,
    /// Who took it.
    pub runner: String,
    /// Its cause, as logs have it, or nothing.
    pub cause: String,
    /// The name of the job.
    pub name: String,
}

/// How these queues fare, by their order; with `failures`, also which
/// of their jobs failed last.
pub async fn survey(queues: &[Queue], failures: bool) -> Result<Vec<Survey>, Error> {
    let mut parts: BTreeMap<String, (Redis, Vec<usize>)> = BTreeMap::new();
    for (at, queue) in queues.iter().enumerate() {
        let part = queue.redis().mailbox("");
        let part = parts
            .entry(part)
            .or_insert_with(|| (queue.redis().clone(), Vec::new()));
        part.1.push(at);
    }
    let mut all = vec![Survey::default(); queues.len()];
    for (redis, places) in parts.values() {
        for some in places.chunks(CALL) {
            let key = redis.mailbox("");
            let asked = SURVEY.run(redis, &key, |command| {
                command.arg(if failures { LOOK } else { 0 });
                for at in some {
                    let max = queues[*at].settings().limiter.map(|limiter| limiter.max);
                    let max = max.map_or(String::new(), |max| max.to_string());
                    command.arg(queues[*at].base()).arg(max);
                }
            });
            let mut answer = list(asked.await?).into_iter();
            let now = answer.next().map_or(0, |now| whole(&now)) as u64;
            for (at, row) in some.iter().zip(answer) {
                all[*at] = read(row, now).ok_or(Error::Answer(SURVEY.name()))?;
            }
        }
    }
    Ok(all)
}

fn read(row: Value, now: u64) -> Option<Survey> {
    let mut parts = list(row).into_iter().map(list);
    let numbers =
        |values: &[Value]| -> Vec<u64> { values.iter().map(|value| whole(value) as u64).collect() };
    let counts = numbers(&parts.next()?);
    let failures = parts.next()?.into_iter().map(list);
    let &[
        waiting,
        active,
        delayed,
        prioritized,
        waiting_children,
        done,
        failed,
        paused,
        ..,
    ] = &counts[..]
    else {
        return None;
    };
    let &[
        ..,
        paused_at,
        concurrency,
        limited_for,
        oldest,
        late_done,
        late_failed,
        last_minute,
    ] = &counts[..]
    else {
        return None;
    };
    let some = |number: u64| (number > 0).then_some(number);
    Some(Survey {
        now,
        counts: Counts {
            waiting,
            active,
            delayed,
            prioritized,
            waiting_children,
            completed: done,
            failed,
            paused: paused > 0,
        },
        paused_at: some(paused_at).filter(|_| paused > 0),
        concurrency: some(concurrency),
        limited_for,
        oldest: some(oldest),
        lately: (late_done, late_failed),
        last_minute,
        failures: failures.map(failure).collect(),
    })
}

fn failure(fields: Vec<Value>) -> Failure {
    let mut fields = fields.into_iter();
    let at = fields.next().map_or(0, |at| whole(&at)) as u64;
    let mut next = || fields.next().and_then(text).unwrap_or_default();
    Failure {
        at,
        reason: next(),
        plugin: next(),
        runner: next(),
        cause: next(),
        name: next(),
    }
}
