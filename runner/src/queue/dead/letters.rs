//! Letters: the jobs of a dead letter queue, with what is known of the failure,
//! and their way back. How they come there is `dead_letter.rs`.

use futures::future::try_join_all;
use redis::Value;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::config::PRIORITY_LIMIT;
use crate::queue::handle::Queue;
use crate::queue::stored::options;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text};
use crate::queue::wire::script::checked;

checked!(REPLAY, "replay", "dead/replay");

/// The states in which a letter may be replayed or removed: a worker of the dead
/// letter queue may have failed it, or may have it later.
const STATES: [State; 4] = [
    State::Waiting,
    State::Prioritized,
    State::Delayed,
    State::Failed,
];
/// Letters read at once.
const PAGE: usize = 500;
const FIELDS: [&str; 6] = [
    "name",
    "opts",
    "timestamp",
    "failedReason",
    "stacktrace",
    "data",
];

/// Where a walk through the letters of a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterPlace {
    /// Which of [`STATES`].
    part: usize,
    /// How many letters of that state are behind it.
    from: usize,
}

impl LetterPlace {
    fn next_part(self) -> LetterPlace {
        LetterPlace {
            part: self.part + 1,
            from: 0,
        }
    }

    fn plus(self, letters: usize) -> LetterPlace {
        LetterPlace {
            from: self.from + letters,
            ..self
        }
    }

    /// The same place after the letter at another one before it is gone.
    pub fn without(self, other: LetterPlace) -> LetterPlace {
        match other.part == self.part {
            true => LetterPlace {
                from: self.from.saturating_sub(1),
                ..self
            },
            false => self,
        }
    }

    /// The place of the letter behind this one.
    pub fn next(self) -> LetterPlace {
        self.plus(1)
    }
}

/// A job of a dead letter queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Id in the dead letter queue.
    pub id: String,
    /// Name.
    pub name: String,
    /// Payload.
    pub data: String,
    /// When it came, ms since 1970.
    pub added_at: u64,
    /// `failedReason`, of the failure or of a worker of this queue.
    pub reason: String,
    /// `stacktrace`.
    pub stacktrace: Vec<String>,
    /// `opts.deadLetter`; none when somebody else added the job.
    pub origin: Option<Origin>,
}

/// Where a letter comes from, as `dead_letter.rs` writes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The queue in which it failed.
    pub queue: String,
    /// Its id there.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Attempts that were made.
    pub attempts_made: u32,
    /// When, ms since 1970.
    pub failed_at: u64,
    /// The plugin that ran it last.
    pub plugin: Option<String>,
    /// The runner that failed it.
    pub runner: String,
    /// The options it had.
    #[serde(default)]
    pub options: Map<String, serde_json::Value>,
}

/// What became of a letter that was to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// It waits in the other queue under this id.
    Done(String),
    /// There is no such letter.
    Missing,
    /// A worker of the dead letter queue has it.
    Active,
}

impl Letter {
    /// When it failed, else when it came; ms since 1970.
    pub fn failed_at(&self) -> u64 {
        let origin = self.origin.as_ref();
        origin.map_or(self.added_at, |origin| origin.failed_at)
    }

    /// Why it failed there, not what became of it here.
    pub fn failed_reason(&self) -> &str {
        let origin = self.origin.as_ref();
        origin.map_or(self.reason.as_str(), |origin| origin.reason.as_str())
    }
}

impl Queue {
    /// How many letters there are.
    pub async fn count_letters(&self) -> Result<u64, Error> {
        let counts = try_join_all(STATES.map(|state| self.count(state))).await?;
        Ok(counts.into_iter().sum())
    }

    /// The next letters of a walk, each with its place, and the place after them; none at
    /// the end. Those that wait come before those that failed here too, the oldest first.
    pub async fn letters(
        &self,
        from: LetterPlace,
    ) -> Result<Option<(Vec<(LetterPlace, Letter)>, LetterPlace)>, Error> {
        let mut place = from;
        while let Some(&state) = STATES.get(place.part) {
            let ids = self.page(state, place.from, PAGE).await?;
            if ids.is_empty() {
                place = place.next_part();
                continue;
            }
            let letters = try_join_all(ids.iter().map(|id| self.letter(id))).await?;
            let letters = letters.into_iter().enumerate();
            let letters = letters.filter_map(|(n, letter)| Some((place.plus(n), letter?)));
            return Ok(Some((letters.collect(), place.plus(ids.len()))));
        }
        Ok(None)
    }

    /// One letter; none when there is no such job, or its key is no hash.
    pub async fn letter(&self, id: &str) -> Result<Option<Letter>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id)).arg(&FIELDS);
        let reply = match self.redis().call(&command).await {
            Err(Error::Refused(_)) => return Ok(None),
            other => other?,
        };
        let mut fields = list(reply).into_iter();
        let mut next = || fields.next().and_then(text);
        let Some(name) = next() else { return Ok(None) };
        let opts: serde_json::Value = next()
            .and_then(|opts| serde_json::from_str(&opts).ok())
            .unwrap_or_default();
        Ok(Some(Letter {
            id: id.to_owned(),
            name,
            origin: Origin::deserialize(&opts["deadLetter"]).ok(),
            added_at: next().and_then(|at| at.parse().ok()).unwrap_or_default(),
            reason: next().unwrap_or_default(),
            stacktrace: next().map(|raw| options::traces(&raw)).unwrap_or_default(),
            data: next().unwrap_or_default(),
        }))
    }

    /// Move a letter of this queue to `to`, with the options it had when it
    /// failed. It waits at once: delay, deduplication and schedule are not applied
    /// again. With `anew` it has all of its attempts, else those that were left,
    /// at least one.
    ///
    /// # Errors
    /// Transient errors leave open whether it was moved.
    pub async fn replay(&self, letter: &Letter, to: &Queue, anew: bool) -> Result<Replay, Error> {
        self.reaches(to)?;
        let origin = letter.origin.as_ref();
        let mut options = origin
            .map(|origin| origin.options.clone())
            .unwrap_or_default();
        let own_id = options.shift_remove("jobId");
        for once in [
            "delay",
            "de",
            "repeat",
            "repeatJobKey",
            "parent",
            "prevMillis",
        ] {
            options.shift_remove(once);
        }
        // The ids of a scheduler's runs are the scheduler's.
        let own_id = own_id
            .and_then(|id| id.as_str().map(str::to_owned))
            .filter(|id| !id.contains(':'))
            .unwrap_or_default();
        let decoded = options::decode(&serde_json::Value::Object(options.clone()).to_string())
            .unwrap_or_default();
        let priority = options.get("priority").and_then(serde_json::Value::as_f64);
        let priority = priority.map_or(0, |priority| (priority as u32).min(PRIORITY_LIMIT));
        let made = match origin {
            Some(origin) if !anew => origin.attempts_made.min(decoded.attempts.max(1) - 1),
            _ => 0,
        };
        let plain = serde_json::Value::Object(options.clone()).to_string();
        options.insert("jobId".to_owned(), own_id.as_str().into());
        let named = serde_json::Value::Object(options).to_string();
        let reply = REPLAY
            .run(to.redis(), to.base(), |command| {
                command
                    .arg(self.base())
                    .arg(&letter.id)
                    .arg(&own_id)
                    .arg(&plain)
                    .arg(&named)
                    .arg(priority)
                    .arg(if decoded.lifo { "RPUSH" } else { "LPUSH" })
                    .arg(made);
            })
            .await?;
        match reply {
            Value::Int(0) => Ok(Replay::Missing),
            Value::Int(_) => Ok(Replay::Active),
            other => text(other)
                .map(Replay::Done)
                .ok_or(Error::Answer(REPLAY.name())),
        }
    }
}
