//! Whose turn it is to compile.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::plugin::crew::cores;

/// Who compiles just now: no more than there are cores, and each component once.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<BTreeSet<String>>,
    free: Condvar,
}

/// Dropped: another may compile.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    digest: &'a str,
}

impl Turns {
    /// Wait until the component of this digest may be compiled.
    pub(super) fn take<'a>(&'a self, digest: &'a str) -> Turn<'a> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self
            .free
            .wait_while(taken, |taken| {
                taken.len() >= cores() || taken.contains(digest)
            })
            .unwrap_or_else(PoisonError::into_inner);
        taken.insert(digest.to_owned());
        Turn {
            turns: self,
            digest,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let taken = self.turns.taken.lock();
        taken
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.digest);
        self.turns.free.notify_all();
    }
}
