//! Removing jobs by the thousand: drain, clean, obliterate. A call removes a bounded
//! number and says where the next goes on.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::queue::{Obliteration, Queue, State, SweepPlace};
use crate::units;
use crate::verbs::cursor;
use crate::verbs::{Error, Kind, Result};

/// Jobs that one call looks at.
const CALL: u64 = 10_000;

/// What is drained.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Also the delayed jobs, except the next runs of schedulers.
    pub delayed: bool,
    /// Only count.
    pub dry_run: bool,
    /// Where the last call stopped.
    pub cursor: Option<String>,
}

/// What is cleaned.
#[derive(Debug, Clone)]
pub struct Clean {
    /// Jobs in this state.
    pub state: State,
    /// That ended (or else started, or else were added) at least this long ago.
    pub older_than: Duration,
    /// At most so many, the oldest first.
    pub limit: Option<u64>,
    /// Only count.
    pub dry_run: bool,
    /// Where the last call stopped.
    pub cursor: Option<String>,
}

/// How a queue is removed.
#[derive(Debug, Clone, Default)]
pub struct Obliterate {
    /// Even with active jobs; their results can no longer be saved.
    pub force: bool,
    /// Only count.
    pub dry_run: bool,
    /// Where the last call stopped.
    pub cursor: Option<String>,
}

/// What a call has removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobsRemoved)]
pub struct Removed {
    /// The queue.
    pub queue: String,
    /// The state that was cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How many jobs are gone.
    pub removed: u64,
    /// With `dryRun`: how many jobs would be looked at, and removed if nothing keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Those of them that are delayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed: Option<u64>,
    /// Where the next call goes on; none when nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Remove the jobs that wait.
///
/// # Errors
/// [`Kind::InvalidCursor`], and those of Redis.
pub async fn drain(queue: &Queue, what: &Drain) -> Result<Removed> {
    let context = format!("drain {} {}", queue.name(), what.delayed);
    if what.dry_run {
        let counts = queue.counts().await?;
        // For people, who waits for a gate waits.
        let parked = queue.parked().await?.min(counts.delayed);
        let waiting = counts.waiting + counts.prioritized + parked;
        let delayed = what.delayed.then_some(counts.delayed - parked);
        return Ok(Removed {
            queue: queue.name().to_owned(),
            matched: Some(waiting + delayed.unwrap_or_default()),
            delayed,
            ..Removed::default()
        });
    }
    let from = place(&context, what.cursor.as_deref())?.unwrap_or_default();
    let swept = queue.drain(what.delayed, from, CALL).await?;
    Ok(Removed {
        queue: queue.name().to_owned(),
        removed: swept.removed,
        cursor: swept.next.map(|next| cursor::seal(&context, &next)),
        ..Removed::default()
    })
}

/// Remove old jobs of one state; active jobs that a worker holds are kept.
///
/// # Errors
/// [`Kind::InvalidCursor`], and those of Redis.
pub async fn clean(queue: &Queue, what: &Clean) -> Result<Removed> {
    let state = what.state;
    let age = what.older_than;
    let limit = what.limit.unwrap_or(u64::MAX);
    let context = format!("clean {} {state} {} {limit}", queue.name(), age.as_millis());
    let answer = Removed {
        queue: queue.name().to_owned(),
        state: Some(state.name().to_owned()),
        ..Removed::default()
    };
    if what.dry_run {
        // Sets of ended jobs are sorted by their end; others must be looked through.
        let count = match state {
            State::Completed | State::Failed => queue.count_older(state, age).await?,
            _ => queue.count(state).await?,
        };
        return Ok(Removed {
            matched: Some(count.min(limit)),
            ..answer
        });
    }
    let begun = (SweepPlace::default(), limit);
    let (from, left) = place(&context, what.cursor.as_deref())?.unwrap_or(begun);
    let swept = queue.clean(state, age, from, left, CALL).await?;
    let left = left.saturating_sub(swept.removed);
    let next = swept.next.filter(|_| left > 0);
    Ok(Removed {
        removed: swept.removed,
        cursor: next.map(|next| cursor::seal(&context, &(next, left))),
        ..answer
    })
}

/// Remove a queue with its jobs, schedulers and settings.
///
/// # Errors
/// [`Kind::ActiveJobs`] and [`Kind::Resumed`] say what stands against it.
pub async fn obliterate(queue: &Queue, what: &Obliterate) -> Result<Removed> {
    let name = queue.name();
    let context = format!("obliterate {name} {}", what.force);
    let answer = Removed {
        queue: name.to_owned(),
        ..Removed::default()
    };
    if what.dry_run {
        return Ok(Removed {
            matched: Some(queue.counts().await?.total()),
            ..answer
        });
    }
    let from = place(&context, what.cursor.as_deref())?.unwrap_or_default();
    match queue.obliterate(what.force, from, CALL).await? {
        Obliteration::Done(removed) => Ok(Removed { removed, ..answer }),
        Obliteration::More(removed, next) => Ok(Removed {
            removed,
            cursor: Some(cursor::seal(&context, &next)),
            ..answer
        }),
        Obliteration::Active => Err(Error::refused(
            Kind::ActiveJobs,
            format!(
                "queue {name:?} has active jobs: it was paused, and nothing was removed; \
                 wait for them, or force it"
            ),
        )),
        Obliteration::Resumed(removed) => Err(Error::refused(
            Kind::Resumed,
            format!(
                "queue {name:?} was resumed meanwhile: {} removed, the rest is still there",
                units::count(removed, "job")
            ),
        )),
    }
}

/// Where the last call stopped.
fn place<T: DeserializeOwned>(context: &str, cursor: Option<&str>) -> Result<Option<T>> {
    let place = cursor
        .map(|cursor| cursor::open(context, cursor))
        .transpose();
    place.map_err(|forged| Error::refused(Kind::InvalidCursor, forged.to_string()))
}
