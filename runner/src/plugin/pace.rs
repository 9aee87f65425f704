//! How quick a plugin's turns are: whether a job of it may have its first turn
//! on the thread that took it.
//!
//! Handing a job to another thread and back costs more than a short job. A
//! plugin earns the short way by many quick turns in a row and loses it by a few
//! slow ones, so that the thread of the queues is held by a guest for one epoch
//! at the worst, and then rarely.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::cost::Cost;

/// A turn that is no longer than this costs the queues less than handing the job
/// over.
const QUICK: Duration = Duration::from_micros(200);
/// Points at which the plugin is taken for quick.
const EARNED: u32 = 64;
/// Points beyond which more quick turns count nothing.
const MOST: u32 = 2 * EARNED;
/// Points a slow turn costs: one is forgiven as an
/// exception, two are not.
const SLOW: u32 = EARNED;

/// The pace of one version of a plugin.
#[derive(Debug, Default)]
pub struct Pace(AtomicU32);

impl Pace {
    /// Whether a first turn may be had at once.
    pub fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= EARNED
    }

    /// Have a turn, from a resume of the guest to its next pause or its end, and
    /// count it. What counts is the time of the processor: a thread that had to
    /// wait for one says nothing of the guest.
    pub fn turn<T>(&self, cost: &Cost, turn: impl FnOnce() -> T) -> T {
        let (end, took) = cost.turn(turn);
        self.count(took);
        end
    }

    fn count(&self, took: Duration) {
        let points = self.0.load(Ordering::Relaxed);
        let points = if took <= QUICK {
            (points + 1).min(MOST)
        } else {
            points.saturating_sub(SLOW)
        };
        // A turn counted at the same time by another thread may be lost.
        self.0.store(points, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(turns: impl IntoIterator<Item = Duration>) -> bool {
        let pace = Pace::default();
        for took in turns {
            pace.count(took);
        }
        pace.is_quick()
    }

    #[test]
    fn a_plugin_is_quick_after_many_quick_turns() {
        assert!(!after([QUICK; EARNED as usize - 1]));
        assert!(after([QUICK; EARNED as usize]));
    }

    #[test]
    fn one_slow_turn_is_forgiven_and_a_second_is_not() {
        let slow = QUICK * 2;
        let quick = [QUICK; MOST as usize + 10];
        assert!(after(quick.into_iter().chain([slow])));
        assert!(!after(quick.into_iter().chain([slow, slow])));
    }
}
