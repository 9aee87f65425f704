//! A job and a queue in brief, as producers ask for them.
//!
//! For programs that add jobs and wait for them; it knows what is stored of a job and how
//! many there are of each state.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::queue::{Brief, Counts, Finder};
use crate::verbs::cover::Cover;
use crate::verbs::raw::raw;

/// A job as its producer sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The job's id.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// Its name.
    pub name: String,
    /// Where it is: `waiting`, `active`, `completed`, `failed`, `delayed`, `prioritized`,
    /// `waiting-children` or `unknown`.
    pub state: String,
    /// What it has reported, as it was reported.
    #[schema(value_type = Option<serde_json::Value>)]
    pub progress: Option<Box<RawValue>>,
    /// Attempts that have ended.
    pub attempts_made: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// When it was added, ms since 1970.
    pub timestamp: u64,
    /// When its last attempt began, ms since 1970.
    pub processed_on: Option<u64>,
    /// When it ended, ms since 1970.
    pub finished_on: Option<u64>,
    /// What it returned.
    #[schema(value_type = Option<serde_json::Value>)]
    pub returnvalue: Option<Box<RawValue>>,
    /// Why its last attempt failed.
    pub failed_reason: Option<String>,
}

/// The job of this id, if there is one.
///
/// # Errors
/// Those of Redis.
pub async fn status(
    finder: &Finder,
    queue: &str,
    id: &str,
    cover: &Cover,
) -> Result<Option<Status>, crate::queue::Error> {
    let Some(mut brief) = finder.find(id).await? else {
        return Ok(None);
    };
    if !cover.is_none() {
        covered(&mut brief, cover);
    }
    Ok(Some(Status {
        job_id: id.to_owned(),
        queue: queue.to_owned(),
        name: brief.name,
        state: brief.state.name().to_owned(),
        progress: brief.progress.map(raw),
        attempts_made: brief.attempts_made,
        attempts: brief.attempts,
        timestamp: brief.added_at,
        processed_on: brief.processed_on,
        finished_on: brief.finished_on,
        returnvalue: brief.returnvalue.map(raw),
        failed_reason: brief.failed_reason,
    }))
}

fn covered(brief: &mut Brief, cover: &Cover) {
    let says = cover.redactor(&brief.name, &brief.data);
    let said = [&mut brief.failed_reason, &mut brief.progress];
    for text in said.into_iter().flatten() {
        *text = says.redact(std::mem::take(text));
    }
    cover.values(&brief.name, &mut brief.data, brief.returnvalue.as_mut());
    let result = brief.returnvalue.take();
    brief.returnvalue = result.map(|result| says.redact_json(result));
}

/// How many jobs of a queue are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Waiting, also while the queue is paused.
    pub waiting: u64,
    /// Running.
    pub active: u64,
    /// Done, as many as are kept.
    pub completed: u64,
    /// Failed for good, as many as are kept.
    pub failed: u64,
    /// Due later.
    pub delayed: u64,
    /// Waiting with a priority.
    pub prioritized: u64,
    /// Waiting for children.
    #[serde(rename = "waiting-children")]
    pub waiting_children: u64,
    /// Whether the queue is paused.
    pub paused: bool,
}

impl From<Counts> for Counted {
    fn from(counts: Counts) -> Counted {
        let Counts {
            waiting,
            active,
            delayed,
            prioritized,
            waiting_children,
            completed,
            failed,
            paused,
        } = counts;
        Counted {
            waiting,
            active,
            completed,
            failed,
            delayed,
            prioritized,
            waiting_children,
            paused,
        }
    }
}
