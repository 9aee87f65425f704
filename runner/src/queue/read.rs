//! Looking at jobs and queues, for people.

use redis::Value;

use super::Queue;
use super::redis::Error;
use super::settle::{list, text, texts, whole};

/// Everything stored about a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Id.
    pub id: String,
    /// `waiting`, `active`, `delayed`, `prioritized`, `completed`, `failed`,
    /// `waiting-children`, or `unknown` when it is in no list.
    pub state: &'static str,
    /// The fields of the hash, in the order of their names.
    pub fields: Vec<(String, String)>,
}

impl Record {
    /// A field of the hash.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// In `wait`, or in `paused` of BullMQ 5.
    pub waiting: u64,
    /// Taken.
    pub active: u64,
    /// Due later.
    pub delayed: u64,
    /// Waiting with a priority.
    pub prioritized: u64,
    /// Waiting for children.
    pub waiting_children: u64,
    /// Done.
    pub completed: u64,
    /// Given up.
    pub failed: u64,
    /// The queue is paused.
    pub paused: bool,
}

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
    pub async fn job(&self, id: &str) -> Result<Option<Record>, Error> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.key(id));
        let mut fields = Vec::new();
        let reply = self.redis().call(&command).await?;
        match reply {
            Value::Map(pairs) => {
                for (name, value) in pairs {
                    fields.push((
                        text(name).unwrap_or_default(),
                        text(value).unwrap_or_default(),
                    ));
                }
            }
            other => {
                for pair in texts(other).chunks_exact(2) {
                    fields.push((pair[0].clone(), pair[1].clone()));
                }
            }
        }
        if fields.is_empty() {
            return Ok(None);
        }
        fields.sort();
        let state = self.state(id).await?;
        Ok(Some(Record {
            id: id.to_owned(),
            state,
            fields,
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

    /// The job's log lines from position `from`, oldest first.
    pub async fn logs(&self, id: &str, from: usize) -> Result<Vec<String>, Error> {
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

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let count = async |name: &str, suffix: &str| -> Result<u64, Error> {
            let mut command = redis::cmd(name);
            command.arg(self.key(suffix));
            Ok(whole(&self.redis().call(&command).await?) as u64)
        };
        let mut command = redis::cmd("HEXISTS");
        command.arg(self.key("meta")).arg("paused");
        Ok(Counts {
            waiting: count("LLEN", "wait").await? + count("LLEN", "paused").await?,
            active: count("LLEN", "active").await?,
            delayed: count("ZCARD", "delayed").await?,
            prioritized: count("ZCARD", "prioritized").await?,
            waiting_children: count("ZCARD", "waiting-children").await?,
            completed: count("ZCARD", "completed").await?,
            failed: count("ZCARD", "failed").await?,
            paused: whole(&self.redis().call(&command).await?) == 1,
        })
    }

    /// Whether an end whose answer was lost had been written: the lock is gone
    /// because the job is where the end puts it, or was removed with it.
    pub(crate) async fn settled_before(&self, id: &str) -> Result<Option<&'static str>, Error> {
        Ok(match self.state(id).await? {
            "active" => None,
            "unknown" => {
                let mut command = redis::cmd("EXISTS");
                command.arg(self.key(id));
                (whole(&self.redis().call(&command).await?) == 0).then_some("removed")
            }
            state => Some(state),
        })
    }
}
