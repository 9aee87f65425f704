//! A job as it is shown, by the command line as `--json` and by the API.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use std::collections::BTreeMap;

use super::raw::raw;
use crate::cost::Spent;
use crate::queue::Found;

/// A job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
    /// The gate at which it is parked; asked for one job only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// What else is stored of it; asked for one job only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// What is cut off, with its whole size in bytes: `data`, `returnvalue`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cut: BTreeMap<String, u64>,
}

/// What else is stored of a job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobStored)]
pub struct Stored {
    /// Its options as they were given.
    #[schema(value_type = serde_json::Value)]
    pub options: Box<RawValue>,
    /// Milliseconds that it was to wait.
    pub delay: u64,
    /// From 0, the highest, to 2097151, the lowest.
    pub priority: u32,
    /// How often it was started.
    pub starts: u32,
    /// How often it stalled.
    pub stalls: u32,
    /// How many log lines it has.
    pub logs: u64,
    /// The job of a flow that waits for it.
    pub parent: Option<Place>,
    /// How many children it has; none of one that is no parent.
    pub children: Option<Children>,
    /// The scheduler that made it.
    pub scheduler: Option<String>,
    /// What stands for jobs that mean the same.
    pub deduplication_id: Option<String>,
    /// What its last attempts have cost, the first of them first.
    #[serde(default)]
    pub spent: Vec<Spent>,
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobPlace)]
pub struct Place {
    /// Its queue.
    pub queue: String,
    /// Its id.
    pub id: String,
}

/// How many children a job has, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobChildren)]
pub struct Children {
    /// Completed.
    pub processed: u64,
    /// Not done yet.
    pub unprocessed: u64,
    /// Failed, and the parent with them.
    pub failed: u64,
    /// Failed without consequence.
    pub ignored: u64,
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
            gate: None,
            stored: None,
            cut: BTreeMap::new(),
        }
    }
}
