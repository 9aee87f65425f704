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
    /// `cause`: what its last failure is counted as.
    pub cause: Option<String>,
}

/// A field of a job's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// Payload.
    Data,
    /// Options.
    Options,
    /// Attempts that have ended.
    Attempts,
    /// When it was added.
    Added,
    /// When it was started last.
    Started,
    /// When it ended.
    Ended,
    /// Progress.
    Progress,
    /// Return value.
    Result,
    /// Why it failed last.
    Reason,
    /// One entry per failure.
    Traces,
    /// The worker that took it last.
    Runner,
    /// The plugin that ran it last.
    Plugin,
    /// What its last failure is counted as.
    Cause,
}

impl Field {
    /// All of a job.
    pub const ALL: [Field; 14] = [
        Field::Name,
        Field::Data,
        Field::Options,
        Field::Attempts,
        Field::Added,
        Field::Started,
        Field::Ended,
        Field::Progress,
        Field::Result,
        Field::Reason,
        Field::Traces,
        Field::Runner,
        Field::Plugin,
        Field::Cause,
    ];

    /// As the hash has it.
    pub(in crate::queue) fn name(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Data => "data",
            Field::Options => "opts",
            Field::Attempts => "atm",
            Field::Added => "timestamp",
            Field::Started => "processedOn",
            Field::Ended => "finishedOn",
            Field::Progress => "progress",
            Field::Result => "returnvalue",
            Field::Reason => "failedReason",
            Field::Traces => "stacktrace",
            Field::Runner => "pb",
            Field::Plugin => "rv",
            Field::Cause => "cause",
        }
    }
}

impl Found {
    /// A job of which nothing but its place is known.
    pub(in crate::queue) fn at(id: String, state: State) -> Found {
        Found {
            id,
            name: String::new(),
            state,
            data: String::new(),
            attempts_made: 0,
            attempts: 1,
            added_at: 0,
            processed_on: None,
            finished_on: None,
            progress: None,
            returnvalue: None,
            failed_reason: None,
            stacktrace: Vec::new(),
            processed_by: None,
            plugin: None,
            cause: None,
        }
    }

    /// Take what the hash has in this field.
    pub(in crate::queue) fn set(&mut self, field: Field, value: Value) {
        let Some(value) = text(value) else { return };
        let number = |text: &str| text.parse().ok();
        match field {
            Field::Name => self.name = value,
            Field::Data => self.data = value,
            Field::Options => {
                self.attempts = options::decode(&value).map_or(1, |options| options.attempts);
            }
            Field::Attempts => {
                let made = number(&value).unwrap_or_default();
                self.attempts_made = u32::try_from(made).unwrap_or(u32::MAX);
            }
            Field::Added => self.added_at = number(&value).unwrap_or_default(),
            Field::Started => self.processed_on = number(&value),
            Field::Ended => self.finished_on = number(&value),
            Field::Progress => self.progress = Some(value),
            Field::Result => self.returnvalue = Some(value),
            Field::Reason => self.failed_reason = Some(value),
            Field::Traces => self.stacktrace = options::traces(&value),
            Field::Runner => self.processed_by = Some(value),
            Field::Plugin => self.plugin = Some(value),
            Field::Cause => self.cause = Some(value),
        }
    }
}

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
        let found = self.fields(id, &Field::ALL).await?;
        Ok(found.map(|found| Found { state, ..found }))
    }

    /// Some of what is stored of a job, [`Field::Name`] first; its state is not asked.
    pub async fn fields(&self, id: &str, fields: &[Field]) -> Result<Option<Found>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id));
        for field in fields {
            command.arg(field.name());
        }
        let values = self.of_hash(&command).await?;
        if values.first().is_none_or(|name| *name == Value::Nil) {
            return Ok(None);
        }
        let mut found = Found::at(id.to_owned(), State::Unknown);
        for (field, value) in std::iter::zip(fields, values) {
            found.set(*field, value);
        }
        Ok(Some(found))
    }

    /// What a command says of a hash; nothing when the key is something else, and no job.
    pub(in crate::queue) async fn of_hash(
        &self,
        command: &redis::Cmd,
    ) -> Result<Vec<Value>, Error> {
        match self.redis().call(command).await {
            Err(Error::Refused(why)) if why.starts_with("WRONGTYPE") => Ok(Vec::new()),
            other => Ok(list(other?)),
        }
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
