//! Jobs whose lock is ours without our knowing: the reply that brought them was
//! lost, or an earlier life of this worker took them. They are returned before
//! anything new is taken.

use std::time::Duration;

use tokio::time::Instant;

/// How many checks for stalled jobs search again: a call that was given up may be
/// carried out later, when a stopped Redis goes on.
const REPEATS: u8 = 2;

/// When orphans are searched for. A new worker begins with a search.
#[derive(Debug)]
pub(super) struct Orphans {
    /// When the search is due. `None`: there is no reason to search.
    search_at: Option<Instant>,
    /// Checks for stalled jobs that still repeat it.
    repeats: u8,
}

impl Orphans {
    pub(super) fn new() -> Orphans {
        Orphans {
            search_at: Some(Instant::now()),
            repeats: 0,
        }
    }

    /// When the search is due, if there is one.
    pub(super) fn search_at(&self) -> Option<Instant> {
        self.search_at
    }

    /// A reply was lost.
    pub(super) fn suspect(&mut self) {
        self.search_at.get_or_insert_with(Instant::now);
        self.repeats = REPEATS;
    }

    /// It is time for a check for stalled jobs.
    pub(super) fn check(&mut self) {
        if self.repeats > 0 {
            self.repeats -= 1;
            self.search_at.get_or_insert_with(Instant::now);
        }
    }

    /// The search failed.
    pub(super) fn retry_in(&mut self, wait: Duration) {
        self.search_at = Some(Instant::now() + wait);
    }

    /// The search succeeded.
    pub(super) fn found(&mut self) {
        self.search_at = None;
    }
}
