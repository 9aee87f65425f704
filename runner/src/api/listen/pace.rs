//! What a connection is doing, and when that has taken too long.

use std::sync::{Mutex, MutexGuard};

use tokio::time::Instant;

use crate::config::Server;

/// The state of one connection, seen from its reading, its writing and its requests.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When that began.
    since: Instant,
    /// Since when the client has read nothing of what waits for it.
    unread: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has been sent yet.
    New,
    /// Nothing has been sent since the last answer.
    Rest,
    /// The head of a request is arriving.
    Head,
    /// A request is being answered.
    Busy,
}

impl Pace {
    /// A connection that was just taken.
    pub(super) fn new() -> Pace {
        Pace(Mutex::new(State {
            phase: Phase::New,
            since: Instant::now(),
            unread: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while it is held")
    }

    /// Bytes have arrived.
    pub(super) fn received(&self) {
        let mut state = self.state();
        match state.phase {
            // The time for the head counts from the first moment.
            Phase::New => state.phase = Phase::Head,
            Phase::Rest => {
                state.phase = Phase::Head;
                state.since = Instant::now();
            }
            Phase::Head | Phase::Busy => {}
        }
    }

    /// A request is whole, but for its body.
    pub(super) fn busy(&self) {
        self.state().phase = Phase::Busy;
    }

    /// Its answer has been made.
    pub(super) fn rest(&self) {
        let mut state = self.state();
        state.phase = Phase::Rest;
        state.since = Instant::now();
    }

    /// The client takes what is sent to it, or does not.
    pub(super) fn sent(&self, taken: bool) {
        let mut state = self.state();
        match taken {
            true => state.unread = None,
            false => {
                state.unread.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Since when it has been waiting for a request, if it is.
    pub(super) fn waits(&self) -> Option<Instant> {
        let state = self.state();
        (state.phase != Phase::Busy).then_some(state.since)
    }

    /// Whether nobody loses anything when it is closed.
    pub(super) fn is_silent(&self) -> bool {
        let state = self.state();
        matches!(state.phase, Phase::New | Phase::Rest) && state.unread.is_none()
    }

    /// When it has taken too long, as things stand.
    pub(super) fn deadline(&self, settings: &Server) -> Option<Instant> {
        let state = self.state();
        let phase = match state.phase {
            Phase::New | Phase::Head => Some(state.since + settings.header_timeout),
            Phase::Rest => Some(state.since + settings.idle_timeout),
            Phase::Busy => None,
        };
        let unread = state.unread.map(|since| since + settings.send_timeout);
        match (phase, unread) {
            (Some(phase), Some(unread)) => Some(phase.min(unread)),
            (phase, unread) => phase.or(unread),
        }
    }
}
