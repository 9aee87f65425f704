//! A job as it is shown, by the command line as `--json` and by the API.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw::raw;
use crate::queue::Found;

/// A job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub struct View {
    /// Id.
    pub id: String,
    /// Queue.
    pub queue: String,
    /// Name.
    pub name: String,
    /// Where it is: `waiting`.
    pub state: String,
    /// Payload.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// Attempts that have ended.
    pub attempts_made: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// What it said last of how far it is.
    #[schema(value_type = serde_json::Value)]
    pub progress: Option<Box<RawValue>>,
    /// What it returned.
    #[schema(value_type = serde_json::Value)]
    pub returnvalue: Option<Box<RawValue>>,
    /// Why it failed last.
    pub failed_reason: Option<String>,
    /// One entry per failure.
    pub stacktrace: Vec<String>,
    /// When it was added, ms since 1970.
    pub timestamp: u64,
    /// When it was started last.
    pub processed_on: Option<u64>,
    /// When it ended.
    pub finished_on: Option<u64>,
    /// The process that ran it last.
    pub processed_by: Option<String>,
    /// The plugin that ran it last.
    pub plugin: Option<String>,
}

impl View {
    /// A job of this queue as it is stored, or covered.
    pub fn of(queue: &str, job: Found) -> View {
        View {
            id: job.id,
            queue: queue.to_owned(),
            name: job.name,
            state: job.state.name().to_owned(),
            data: raw(job.data),
            attempts_made: job.attempts_made,
            attempts: job.attempts,
            progress: job.progress.map(raw),
            returnvalue: job.returnvalue.map(raw),
            failed_reason: job.failed_reason,
            stacktrace: job.stacktrace,
            timestamp: job.added_at,
            processed_on: job.processed_on,
            finished_on: job.finished_on,
            processed_by: job.processed_by,
            plugin: job.plugin,
        }
    }
}
