//! A letter as JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::queue::{self, Letter};
use crate::verbs::raw::raw;

/// A letter.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its id in the dead letter queue.
    pub id: String,
    /// The job's name.
    pub name: String,
    /// The payload.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// When it came, ms since 1970.
    pub timestamp: u64,
    /// When the job failed, ms since 1970.
    pub failed_at: u64,
    /// Why it failed.
    pub reason: String,
    /// Where it failed.
    pub stacktrace: Vec<String>,
    /// Where it comes from; none when somebody else added it.
    pub from: Option<Origin>,
}

/// Where a letter comes from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LetterOrigin)]
pub struct Origin {
    /// The queue in which it failed.
    pub queue: String,
    /// Its id there.
    pub id: String,
    /// Attempts that were made.
    pub attempts_made: u32,
    /// The plugin that ran it last.
    pub plugin: Option<String>,
    /// The runner that failed it.
    pub runner: String,
    /// The options it had.
    #[schema(value_type = Object)]
    pub options: Map<String, Value>,
}

impl From<Letter> for DeadLetter {
    fn from(letter: Letter) -> DeadLetter {
        DeadLetter {
            timestamp: letter.added_at,
            failed_at: letter.failed_at(),
            reason: letter.failed_reason().to_owned(),
            id: letter.id,
            name: letter.name,
            data: raw(letter.data),
            stacktrace: letter.stacktrace,
            from: letter.origin.map(Origin::from),
        }
    }
}

impl From<queue::Origin> for Origin {
    fn from(origin: queue::Origin) -> Origin {
        Origin {
            queue: origin.queue,
            id: origin.id,
            attempts_made: origin.attempts_made,
            plugin: origin.plugin,
            runner: origin.runner,
            options: origin.options,
        }
    }
}
