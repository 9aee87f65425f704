//! Whether and when a worker asks Redis for jobs. It knows neither Redis nor jobs,
//! only what the answers said.

use std::time::Duration;

use tokio::time::Instant;

use crate::queue::Spacing;

/// A queue that has been silent for this long is asked all the same, as BullMQ's
/// workers do (`drainDelay`): a marker may have been lost with the worker that
/// popped it.
const POLL: Duration = Duration::from_secs(5);

/// What speaks for asking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Appetite {
    /// Nothing: the last answer was short, and no marker has come since.
    Sated,
    /// There may be jobs.
    Hungry,
    /// A marker says that there are jobs. It was popped for this worker, so the call
    /// that takes passes it on if jobs are left over.
    #[default]
    Woken,
}

/// The state of asking. A new worker asks at once.
#[derive(Debug)]
pub(super) struct Asking {
    appetite: Appetite,
    /// Jobs asked for in calls under way: they hold slots until the answer comes.
    due: usize,
    /// A rate limit holds all jobs of the queue until the next look.
    limited: bool,
    /// When the queue is asked even if nothing speaks for it.
    look_at: Instant,
    /// After a failed call nothing is taken before this instant.
    rest_until: Instant,
    /// How long the next rest is.
    pause: Spacing,
}

impl Asking {
    pub(super) fn new() -> Asking {
        let now = Instant::now();
        Asking {
            appetite: Appetite::default(),
            due: 0,
            limited: false,
            look_at: now,
            rest_until: now,
            pause: Spacing::default(),
        }
    }

    /// Jobs that answers under way may bring.
    pub(super) fn due(&self) -> usize {
        self.due
    }

    /// When to [`look`](Self::look).
    pub(super) fn look_at(&self) -> Instant {
        self.look_at
    }

    /// There are jobs: a marker came.
    pub(super) fn wake(&mut self) {
        self.appetite = Appetite::Woken;
    }

    /// There may be jobs.
    pub(super) fn suspect(&mut self) {
        self.appetite = self.appetite.max(Appetite::Hungry);
    }

    /// The queue was silent for long, or a limit or rest is over.
    pub(super) fn look(&mut self) {
        self.suspect();
        self.limited = false;
        self.look_at = Instant::now() + POLL;
    }

    /// Whether a call may take jobs now.
    pub(super) fn may_take(&self) -> bool {
        !self.limited && Instant::now() >= self.rest_until
    }

    /// Whether to make a call only to take. While an answer is due, it will say
    /// whether there is more.
    pub(super) fn is_hungry(&self) -> bool {
        self.appetite > Appetite::Sated && self.due == 0
    }

    /// Whether to wait for a marker.
    pub(super) fn awaits_marker(&self) -> bool {
        self.appetite == Appetite::Sated && self.due == 0 && !self.limited
    }

    /// So many jobs are asked for now. Returns what spoke for it.
    pub(super) fn ask(&mut self, jobs: usize) -> Appetite {
        self.due += jobs;
        std::mem::replace(&mut self.appetite, Appetite::Sated)
    }

    /// The answer to a call that asked for so many jobs is here.
    pub(super) fn arrived(&mut self, jobs: usize) {
        self.due -= jobs;
    }

    /// The call failed: rest.
    pub(super) fn failed(&mut self) {
        self.appetite = Appetite::Sated;
        self.rest_until = Instant::now() + self.next_pause();
        self.look_at = self.rest_until;
    }

    /// The next of the growing pauses between attempts to reach Redis.
    pub(super) fn next_pause(&mut self) -> Duration {
        self.pause.next()
    }

    /// A call was served.
    pub(super) fn served(&mut self) {
        self.pause = Spacing::default();
    }

    /// What an answer says about the next call: whether it brought all jobs that
    /// were asked for, how long a rate limit holds the rest, and when the next
    /// delayed job is due.
    pub(super) fn learn(
        &mut self,
        full: bool,
        limited: Option<Duration>,
        delayed: Option<Duration>,
    ) {
        if full {
            self.suspect();
        }
        self.limited = limited.is_some();
        let wait = [limited, delayed].into_iter().flatten().min();
        self.look_at = Instant::now() + wait.unwrap_or(POLL).min(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_asks_again_after_a_full_answer_a_marker_or_a_long_silence() {
        let mut asking = Asking::new();
        assert!(asking.is_hungry() && asking.may_take());
        assert_eq!(asking.ask(5), Appetite::Woken);
        assert!(!asking.is_hungry() && !asking.awaits_marker());
        asking.arrived(5);
        asking.learn(true, None, None);
        assert!(asking.is_hungry());
        assert_eq!(asking.ask(5), Appetite::Hungry);
        asking.arrived(5);
        asking.learn(false, None, None);
        assert!(!asking.is_hungry() && asking.awaits_marker());
        assert!(asking.look_at() <= Instant::now() + POLL);
        asking.look();
        assert_eq!(asking.ask(1), Appetite::Hungry);
        asking.arrived(1);
        asking.wake();
        asking.suspect();
        assert_eq!(asking.ask(1), Appetite::Woken);
    }

    #[test]
    fn nothing_is_taken_during_a_limit_or_a_rest() {
        let second = Duration::from_secs(1);
        let mut asking = Asking::new();
        asking.learn(false, Some(2 * second), Some(second));
        assert!(!asking.may_take() && !asking.awaits_marker());
        assert!(asking.look_at() <= Instant::now() + second);
        asking.look();
        assert!(asking.may_take());
        asking.failed();
        assert!(!asking.may_take() && !asking.is_hungry());
        asking.rest_until = Instant::now();
        assert!(asking.may_take());
    }
}
