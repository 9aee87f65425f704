//! Looking at one job: what is stored of it, and where it is.

use futures::future::join_all;
use redis::Value;

use crate::queue::handle::Queue;
use crate::queue::stored::options;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::work::settle::Settled;

/// A job as it is stored now.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Where it is.
    pub state: State,
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
        state: State,
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

    /// The state of a job: first the sets are asked, all at once, then the lists,
    /// where Redis has to search.
    pub async fn state(&self, id: &str) -> Result<State, Error> {
        let finished_first = State::ALL.into_iter().rev();
        let (lists, sets): (Vec<_>, Vec<_>) = finished_first.partition(|state| state.is_list());
        for (name, states) in [("ZSCORE", sets), ("LPOS", lists)] {
            let keys = states
                .into_iter()
                .flat_map(|state| state.keys().iter().map(move |key| (state, *key)));
            let asked = keys.map(async |(state, key)| {
                let mut command = redis::cmd(name);
                command.arg(self.key(key)).arg(id);
                (state, self.redis().call(&command).await)
            });
            for (state, place) in join_all(asked).await {
                if place? != Value::Nil {
                    return Ok(state);
                }
            }
        }
        Ok(State::Unknown)
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

    /// What became of an end whose answer was lost, if it had been written: the lock
    /// is gone because the job is where the end puts it, or was removed with it.
    pub(crate) async fn settled_before(&self, id: &str) -> Result<Option<Settled>, Error> {
        Ok(match self.state(id).await? {
            State::Active => None,
            State::Unknown => self.is_gone(id).await?.then_some(Settled::Left),
            state => Some(Settled::Now(state)),
        })
    }

    /// Whether there is no such job.
    pub(crate) async fn is_gone(&self, id: &str) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.key(id));
        Ok(whole(&self.redis().call(&command).await?) == 0)
    }
}
