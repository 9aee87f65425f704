//! Tells which files have changed: plugins, `queues.toml`, contracts, secrets.
//!
//! - All files are looked at every [`LOOK`], and at once when an event of the file
//!   system names something on the way to one of them. Events make it fast, looks
//!   make it certain: network file systems and overlays have no events.
//! - A look goes through all links and directories on the way ([`way`]). So it does
//!   not matter how a file is replaced: written in place, renamed over, behind a
//!   link, with its whole directory, or by a mount.
//! - A change is reported once the file has stopped changing ([`seen`]); a file that
//!   is missing or empty is given longer ([`GONE`]), because many tools remove or
//!   truncate a file before they write it.
//!
//! It reports paths and reads no content. Any module may use it; only this crate
//! knows `notify`.

mod events;
mod seen;
mod stat;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use notify::Event;

use self::events::Events;
use self::seen::{QUIET, Seen};
use self::way::Way;

pub use self::seen::{GONE, LOOK};
pub use self::stat::Stat;
pub use self::way::{Place, is_hidden};

/// The least time between two looks, however many events arrive.
const APART: Duration = Duration::from_millis(20);

/// Watches from a thread of its own, which ends when this is dropped.
pub struct Watcher {
    state: Arc<Mutex<State>>,
    signals: Sender<Signal>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

enum Signal {
    Event(notify::Result<Event>),
    Stop,
}

impl Watcher {
    /// Start the thread. It calls `changed` with the places that have changed, by
    /// the paths they were given with. Nothing is watched yet.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn start(changed: impl FnMut(&BTreeSet<PathBuf>) + Send + 'static) -> io::Result<Watcher> {
        let (signals, received) = channel();
        let state = Arc::new(Mutex::new(State::new(signals.clone())));
        let shared = state.clone();
        thread::Builder::new()
            .name("watch".into())
            .spawn(move || run(&shared, &received, changed))?;
        Ok(Watcher { state, signals })
    }

    /// Watch these places, as they are now, and no others. Returns whether some of
    /// them are new: what was read from those earlier may be out of date. Blocks on
    /// the file system.
    pub fn watch(&self, places: BTreeSet<Place>) -> bool {
        let mut state = lock(&self.state);
        state.places.retain(|place, _| places.contains(place));
        let before = state.places.len();
        for place in places {
            state.places.entry(place).or_insert_with(Seen::new);
        }
        let new = state.places.len() > before;
        // The thread reports what this finds, except about new places.
        state.look();
        new
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread has ended only if it panicked.
        let _ = self.signals.send(Signal::Stop);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(
    state: &Mutex<State>,
    signals: &Receiver<Signal>,
    mut changed: impl FnMut(&BTreeSet<PathBuf>),
) {
    let mut last = Instant::now();
    let mut next = last + LOOK;
    loop {
        match signals.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Signal::Event(event)) => {
                if lock(state).events.concern(event) {
                    next = next.min(last + APART);
                }
            }
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() < next {
            continue;
        }
        let (due, settled) = {
            let mut state = lock(state);
            state.look();
            state.take_due()
        };
        if !due.is_empty() {
            changed(&due);
        }
        last = Instant::now();
        next = last + if settled { LOOK } else { QUIET };
    }
}

/// Shared by the thread, which looks and reports, and by those who call
/// [`Watcher::watch`].
struct State {
    places: BTreeMap<Place, Seen>,
    events: Events,
}

impl State {
    fn new(signals: Sender<Signal>) -> State {
        State {
            places: BTreeMap::new(),
            events: Events::new(move |event| {
                // Nobody listens only while everything ends.
                let _ = signals.send(Signal::Event(event));
            }),
        }
    }

    /// Look at everything, and listen to every directory on the way to it.
    fn look(&mut self) {
        // What changed before its directory was listened to is seen by the second
        // pass.
        loop {
            let mut way = Way::default();
            for (place, seen) in &mut self.places {
                seen.see(way.look(place));
            }
            if !self.events.listen(way) {
                return;
            }
        }
    }

    /// The places whose change is to be reported now, and whether no other place
    /// is still changing.
    fn take_due(&mut self) -> (BTreeSet<PathBuf>, bool) {
        let mut due = BTreeSet::new();
        for (place, seen) in &mut self.places {
            if seen.is_due() {
                seen.report();
                due.insert(place.path().to_owned());
            }
        }
        (due, self.places.values().all(Seen::is_settled))
    }
}
