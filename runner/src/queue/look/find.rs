//! Looking at one job: what is stored of it, and where it is.

use redis::Value;

use crate::queue::handle::Queue;
use crate::queue::stored::options;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};

/// A job as it is stored now.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `waiting`, `active`, `delayed`, `prioritized`, `completed`, `failed`,
    /// `waiting-children`, or `unknown` when it is in no list.
    pub state: &'static str,
    /// Payload, as the producer stored it.
    pub data: String,
    /// Attempts that have ended.
    pub attempts_made: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// `timestamp`: added, ms since 1970.
    pub added_at: u64,
    /// `processedOn`: last start, ms since 1970.
    pub processed_on: Option<u64>,
    /// `finishedOn`: end, ms since 1970.
    pub finished_on: Option<u64>,
    /// `progress`, JSON text.
    pub progress: Option<String>,
    /// `returnvalue`, JSON text.
    pub returnvalue: Option<String>,
    /// `failedReason` of the last failure.
    pub failed_reason: Option<String>,
    /// `stacktrace`: one entry per failure.
    pub stacktrace: Vec<String>,
    /// `pb`: the worker that took it last.
    pub processed_by: Option<String>,
    /// `rv`: the plugin that ran it last.
    pub plugin: Option<String>,
}

const FIELDS: [&str; 13] = [
    "name",
    "data",
    "opts",
    "atm",
    "timestamp",
    "processedOn",
    "finishedOn",
    "progress",
    "returnvalue",
    "failedReason",
    "stacktrace",
    "pb",
    "rv",
];

/// States by the set or list that holds the job.
const SETS: [(&str, &str); 5] = [
    ("completed", "completed"),
    ("failed", "failed"),
    ("delayed", "delayed"),
    ("prioritized", "prioritized"),
    ("waiting-children", "waiting-children"),
];
const LISTS: [(&str, &str); 3] = [
    ("active", "active"),
    ("wait", "waiting"),
    ("paused", "waiting"),
];

impl Queue {
    /// A job by its id, if there is one.
    pub async fn find(&self, id: &str) -> Result<Option<Found>, Error> {
        // Before the fields: a job that ends in between is shown a state too
        // early with fields that are complete, not the other way round.
        let state = self.state(id).await?;
        self.stored(id, state).await
    }

    /// [`Queue::find`] for a job whose state is known.
    pub(in crate::queue) async fn stored(
        &self,
        id: &str,
        state: &'static str,
    ) -> Result<Option<Found>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id)).arg(&FIELDS);
        let mut fields = list(self.redis().call(&command).await?).into_iter();
        let mut next = || fields.next().and_then(text);
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let Some(name) = next() else {
            return Ok(None);
        };
        let (data, opts) = (next().unwrap_or_default(), next().unwrap_or_default());
        Ok(Some(Found {
            id: id.to_owned(),
            name,
            state,
            data,
            attempts: options::decode(&opts).map_or(1, |options| options.attempts),
            attempts_made: number(next()).map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            added_at: number(next()).unwrap_or_default(),
            processed_on: number(next()),
            finished_on: number(next()),
            progress: next(),
            returnvalue: next(),
            failed_reason: next(),
            stacktrace: next().map(|raw| options::traces(&raw)).unwrap_or_default(),
            processed_by: next(),
            plugin: next(),
        }))
    }

    /// The state of a job; `unknown` when no list has it.
    pub async fn state(&self, id: &str) -> Result<&'static str, Error> {
        for (set, state) in SETS {
            let mut command = redis::cmd("ZSCORE");
            command.arg(self.key(set)).arg(id);
            if self.redis().call(&command).await? != Value::Nil {
                return Ok(state);
            }
        }
        for (name, state) in LISTS {
            let mut command = redis::cmd("LPOS");
            command.arg(self.key(name)).arg(id);
            if self.redis().call(&command).await? != Value::Nil {
                return Ok(state);
            }
        }
        Ok("unknown")
    }

    /// The job's log lines, oldest first.
    pub async fn logs(&self, id: &str) -> Result<Vec<String>, Error> {
        self.logs_from(id, 0).await
    }

    /// The job's log lines from position `from`, oldest first.
    pub(crate) async fn logs_from(&self, id: &str, from: usize) -> Result<Vec<String>, Error> {
        let mut command = redis::cmd("LRANGE");
        command
            .arg(self.key(&format!("{id}:logs")))
            .arg(from)
            .arg(-1);
        Ok(list(self.redis().call(&command).await?)
            .into_iter()
            .filter_map(text)
            .collect())
    }

    /// Whether an end whose answer was lost had been written: the lock is gone
    /// because the job is where the end puts it, or was removed with it.
    pub(crate) async fn settled_before(&self, id: &str) -> Result<Option<&'static str>, Error> {
        Ok(match self.state(id).await? {
            "active" => None,
            "unknown" => self.is_gone(id).await?.then_some("removed"),
            state => Some(state),
        })
    }

    /// Whether there is no such job.
    pub(crate) async fn is_gone(&self, id: &str) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.key(id));
        Ok(whole(&self.redis().call(&command).await?) == 0)
    }
}
