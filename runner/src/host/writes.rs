//! Where guests' writes go: to the declared queues, large ones one after the other,
//! or into a record in their place. One for the process; knows no guest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tokio::time::Instant;

use super::kept::Kept;
use crate::cost::{self, Pending};
use crate::queue::{self, NewJob, Queue, Settings};

/// Bytes from which a write to Redis waits for its turn. Redis takes about 0.1 ms
/// for this many, as for a batch of plain jobs.
const LARGE: usize = 256 << 10;
/// The longest rest after one: a Redis that was silent for longer is another
/// trouble.
const REST: Duration = Duration::from_secs(1);
/// What a guest would have written to Redis, in a host that records instead.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A job was added to this queue.
    Added(String, Box<NewJob>),
    /// A child of the job was added to this queue.
    Child(String, Box<NewJob>),
    /// The payload was replaced.
    Data(String),
    /// A step was recorded, with its value.
    Checkpoint(String, String),
}

/// The way to Redis that all guests of the process share.
pub(super) struct Writes {
    way: Way,
    /// When the next large write may begin: see [`Writes::turn`].
    large: AsyncMutex<Instant>,
}

/// The declared queues, which are those that plugins can add to.
enum Way {
    /// To Redis.
    Write(ArcSwap<HashMap<String, Queue>>),
    /// Into a record, as far as a queue with these settings would take it. Values are
    /// kept for the jobs that follow.
    Record(HashMap<String, Settings>, Mutex<Vec<Effect>>, Kept),
}

/// Where a job that a guest adds goes.
pub(super) enum Target {
    /// Into this queue.
    Queue(Queue),
    /// Into the record, if it can be added by these settings.
    Record(Box<Settings>),
}

impl Writes {
    /// Writes to Redis.
    pub(super) fn new() -> Writes {
        Writes::by(Way::Write(ArcSwap::default()))
    }

    /// Records instead.
    pub(super) fn recording(queues: HashMap<String, Settings>) -> Writes {
        Writes::by(Way::Record(queues, Mutex::default(), Kept::default()))
    }

    fn by(way: Way) -> Writes {
        Writes {
            way,
            large: AsyncMutex::new(Instant::now()),
        }
    }

    /// The queues plugins can add to. A record has its own.
    pub(super) fn set_queues(&self, declared: HashMap<String, Queue>) {
        if let Way::Write(queues) = &self.way {
            queues.store(Arc::new(declared));
        }
    }

    /// The declared queue of this name.
    pub(super) fn queue(&self, name: &str) -> Option<Queue> {
        match &self.way {
            Way::Write(queues) => queues.load().get(name).cloned(),
            Way::Record(..) => None,
        }
    }

    /// Where jobs go that are added to the queue of this name.
    ///
    /// # Errors
    /// The names of all declared queues, sorted, when it is not one of them.
    pub(super) fn target(&self, name: &str) -> Result<Target, Vec<String>> {
        let (found, mut declared): (_, Vec<String>) = match &self.way {
            Way::Write(queues) => match queues.load().get(name) {
                Some(queue) => return Ok(Target::Queue(queue.clone())),
                None => (None, queues.load().keys().cloned().collect()),
            },
            Way::Record(queues, ..) => (queues.get(name), queues.keys().cloned().collect()),
        };
        declared.sort_unstable();
        let record = |settings: &Settings| Target::Record(Box::new(settings.clone()));
        found.map(record).ok_or(declared)
    }

    /// What was recorded since the last call.
    pub(super) fn take_recorded(&self) -> Vec<Effect> {
        match &self.way {
            Way::Write(_) => Vec::new(),
            Way::Record(_, recorded, _) => {
                std::mem::take(&mut recorded.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Record an effect of a trial. A host that writes has nowhere to record it.
    pub(super) fn record(&self, effect: Effect) {
        if let Way::Record(_, recorded, _) = &self.way {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.push(effect);
        }
    }

    /// Where values are kept in a trial.
    pub(super) fn kept(&self) -> Option<&Kept> {
        match &self.way {
            Way::Write(_) => None,
            Way::Record(.., kept) => Some(kept),
        }
    }

    /// Wait for the turn of a write of this many bytes, kept until it is done. Large
    /// ones go one after the other, with as long a rest in between as they took:
    /// whatever else this process and others have to say to Redis waits behind
    /// them.
    pub(super) async fn turn(&self, bytes: usize) -> Option<Turn<'_>> {
        if bytes < LARGE {
            return None;
        }
        let rest = self.large.lock().await;
        tokio::time::sleep_until(*rest).await;
        let began = Instant::now();
        Some(Turn { rest, began })
    }
}

/// The turn of a large write.
pub(super) struct Turn<'a> {
    rest: MutexGuard<'a, Instant>,
    began: Instant,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.rest = Instant::now() + self.began.elapsed().min(REST);
    }
}

/// What became of a call that writes.
pub(super) fn ended<T>(call: Pending, result: &Result<T, queue::Error>, sent: usize) {
    let outcome = match result {
        Ok(_) => cost::DONE,
        Err(queue::Error::Invalid(_)) => "invalid",
        Err(_) => "unavailable",
    };
    call.end(outcome, |call| call.sent = sent as u64);
}
