//! What a take brings: the jobs, and what to wait for if there are too few.

use std::time::Duration;

use redis::Value;

use crate::queue::stored::job::{Job, Scheduler};
use crate::queue::stored::options;
use crate::queue::wire::reply::{bytes, list, number, text};

/// Values of a job that is as it was added, as the script gives it.
const FRESH: usize = 6;
/// Jobs taken in one call, and what to wait for if they are fewer than asked.
#[derive(Debug, Default)]
pub struct Taken {
    /// The lock value of all of them.
    pub token: String,
    /// The jobs, in the order they were queued.
    pub jobs: Vec<Job>,
    /// How long the rate limit stays used up.
    pub limited_for: Option<Duration>,
    /// How long it takes until the next delayed job is due.
    pub delayed_for: Option<Duration>,
    /// Jobs that cannot be run as they are stored and were failed: id, reason.
    pub quarantined: Vec<(String, String)>,
    /// Ids of jobs that are no text. They are ours: see [`Queue::fail_unnamed`](crate::queue::Queue::fail_unnamed).
    pub unnamed: Vec<Vec<u8>>,
    /// Jobs whose copy could not be added to the dead letter queue in this call,
    /// and why. They are in `failed`, whatever their policy says: see
    /// [`Queue::bury`](crate::queue::Queue::bury).
    pub unburied: Vec<(String, String)>,
}

/// The values of each job: in a list, or six in a row.
pub(super) fn each(jobs: Vec<Value>) -> impl Iterator<Item = Vec<Value>> {
    let mut values = jobs.into_iter();
    std::iter::from_fn(move || match values.next()? {
        Value::Array(fields) => Some(fields),
        first => Some(
            std::iter::once(first)
                .chain(values.by_ref().take(FRESH - 1))
                .collect(),
        ),
    })
}

/// A taken job from the fields in the order the script names them; its id, if that
/// is no text.
pub(super) fn job(fields: Vec<Value>, now: u64) -> Result<Job, Vec<u8>> {
    let fresh = fields.len() == FRESH;
    let mut fields = fields.into_iter();
    let mut next = || fields.next().unwrap_or(Value::Nil);
    let mut fault = None;
    let (name, data, opts) = (bytes(next()), bytes(next()), bytes(next()));
    let added_at = number(&next()) as u64;
    let priority = number(&next()) as u32;
    let (mut attempts_made, mut starts, mut stalls) = (0, 1, 0);
    let [mut parent, mut deferred, mut traces, mut scheduler] = [const { Value::Nil }; 4];
    let mut all = Vec::new();
    if !fresh {
        attempts_made = number(&next()) as u32;
        starts = number(&next()) as u32;
        stalls = number(&next()) as u32;
        (parent, deferred, traces) = (next(), next(), next());
        all = list(next());
        scheduler = next();
    }
    let id = String::from_utf8(bytes(next())).map_err(|error| error.into_bytes())?;

    let data = String::from_utf8(data).unwrap_or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        fault = Some(format!("the payload is not UTF-8 text: byte {at}"));
        String::new()
    });
    let raw = String::from_utf8(opts).unwrap_or_else(|_| {
        fault.get_or_insert("the options are not UTF-8 text".to_owned());
        String::new()
    });
    let options = options::decode(&raw).unwrap_or_else(|reason| {
        fault.get_or_insert(reason);
        options::decode("").unwrap_or_default()
    });
    Ok(Job {
        fresh,
        id,
        name: String::from_utf8_lossy(&name).into_owned(),
        data,
        added_at,
        started_at: now,
        attempts_made,
        starts,
        stalls,
        priority,
        delay: options.delay,
        parent: text(parent).and_then(|raw| options::parent(&raw)),
        deferred_failure: text(deferred).filter(|reason| !reason.is_empty()).or(fault),
        stacktrace: text(traces)
            .map(|raw| options::traces(&raw))
            .unwrap_or_default(),
        scheduler: text(scheduler).map(|id| Scheduler { id, options: raw }),
        checkpoints: checkpoints(all),
        options,
    })
}

/// The checkpoints among the fields of a job.
fn checkpoints(fields: Vec<Value>) -> Vec<(String, String)> {
    let mut fields = fields.into_iter();
    let mut checkpoints = Vec::new();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        if let (Some(name), Some(value)) = (text(name), text(value))
            && let Some(step) = name.strip_prefix("cp:")
        {
            checkpoints.push((step.to_owned(), value));
        }
    }
    checkpoints
}
