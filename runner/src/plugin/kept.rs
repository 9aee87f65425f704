//! Instances of one version that have served a job and wait for the next (`reuse`).
//!
//! For the executor, which calls them; knows queues by their names. An instance never
//! leaves its queue, and none outlives its version: what is replaced is closed.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::Store;

use super::system;
use crate::config::JobSettings;
use crate::host::State;
use runner_bindings::Plugin as Handler;
use runner_bindings::door::Door;

/// How often the system is asked whether memory is short, while instances are kept.
const LOOK: Duration = Duration::from_secs(1);

/// An instance in its store.
pub struct Instance {
    /// The state in it is that of its last job.
    pub store: Store<State>,
    /// The way into it.
    pub entry: Entry,
    /// How many jobs it has served.
    pub served: u32,
}

/// The way into an instance.
pub enum Entry {
    /// For any job as JSON text.
    Handler(Handler),
    /// For jobs by contract.
    Typed(Door),
}

/// The instances that are kept of one version of a plugin.
#[derive(Default)]
pub struct Kept(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    closed: bool,
    /// Whether somebody looks after them; see [`Kept::put`].
    watched: bool,
    idle: Vec<Idle>,
}

struct Idle {
    queue: String,
    until: Instant,
    instance: Instance,
}

impl Instance {
    /// Whether it may serve a job of these settings: it has not served enough, and has
    /// not grown too much.
    pub fn serves(&self, settings: &JobSettings) -> bool {
        let memory = self.store.data().memory();
        self.served < settings.reuse && memory.has_room(settings.memory)
    }
}

impl Kept {
    /// The instance of this queue that served last, if one may serve such a job. There
    /// is none for a queue that does not reuse them, and that costs nothing.
    pub fn take(&self, queue: &str, settings: &JobSettings, typed: bool) -> Option<Instance> {
        if settings.reuse <= 1 {
            return None;
        }
        let mut shelf = self.lock();
        let fits = |idle: &Idle| {
            idle.queue == queue
                && matches!(idle.instance.entry, Entry::Typed(_)) == typed
                && idle.instance.serves(settings)
        };
        let at = shelf.idle.iter().rposition(fits)?;
        Some(shelf.idle.remove(at).instance)
    }

    /// Keep an instance for its queue. If this is true, nobody looks after those that
    /// are kept: call [`sweep`](Self::sweep) now and then as it says.
    #[must_use]
    pub fn put(&self, queue: &str, idle: Duration, instance: Instance) -> bool {
        let mut shelf = self.lock();
        if shelf.closed {
            drop(shelf);
            return false;
        }
        shelf.idle.push(Idle {
            queue: queue.to_owned(),
            until: Instant::now() + idle,
            instance,
        });
        !mem::replace(&mut shelf.watched, true)
    }

    /// Drop those that nobody has needed for too long, and all of them when memory is
    /// short. When to do that next; `None` if none are left.
    pub fn sweep(&self) -> Option<Instant> {
        let short = system::is_memory_short();
        let now = Instant::now();
        let mut shelf = self.lock();
        let dropped: Vec<Idle> = shelf
            .idle
            .extract_if(.., |idle| short || idle.until <= now)
            .collect();
        let next = shelf.idle.iter().map(|idle| idle.until).min();
        shelf.watched = next.is_some();
        drop(shelf);
        drop(dropped);
        next.map(|next| next.min(now + LOOK))
    }

    /// Drop all of them; whether there were any.
    pub fn clear(&self) -> bool {
        let dropped = mem::take(&mut self.lock().idle);
        !dropped.is_empty()
    }

    /// Drop all of them and keep no further ones.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
