//! Where guests' writes go: to the declared queues, large ones one after the other,
//! or into a record in their place. One for the process; knows no guest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tokio::time::Instant;

use crate::queue::{NewJob, Queue};

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
    queues: ArcSwap<HashMap<String, Queue>>,
    recorded: Option<Mutex<Vec<Effect>>>,
    /// When the next large write may begin: see [`Writes::turn`].
    large: AsyncMutex<Instant>,
}

impl Writes {
    /// Writes to Redis.
    pub(super) fn new() -> Writes {
        Writes {
            queues: ArcSwap::default(),
            recorded: None,
            large: AsyncMutex::new(Instant::now()),
        }
    }

    /// Records instead.
    pub(super) fn recording() -> Writes {
        Writes {
            recorded: Some(Mutex::default()),
            ..Writes::new()
        }
    }

    /// The queues plugins can add to.
    pub(super) fn set_queues(&self, queues: HashMap<String, Queue>) {
        self.queues.store(Arc::new(queues));
    }

    /// All declared queues.
    pub(super) fn queues(&self) -> Arc<HashMap<String, Queue>> {
        self.queues.load_full()
    }

    /// The declared queue of this name.
    pub(super) fn queue(&self, name: &str) -> Option<Queue> {
        self.queues.load().get(name).cloned()
    }

    /// What was recorded since the last call.
    pub(super) fn take_recorded(&self) -> Vec<Effect> {
        let Some(recorded) = &self.recorded else {
            return Vec::new();
        };
        std::mem::take(&mut recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Record an effect; false when this host writes to Redis.
    pub(super) fn record(&self, effect: impl FnOnce() -> Effect) -> bool {
        let Some(recorded) = &self.recorded else {
            return false;
        };
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push(effect());
        true
    }

    /// Whether what guests write is recorded instead of written.
    pub(super) fn records(&self) -> bool {
        self.recorded.is_some()
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
