//! How long a job waits before it is tried again, as BullMQ's `Backoffs` calculates
//! it. Workers, which read options as any producer wrote them, and `runner explain`
//! use the same function.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Backoff, BackoffKind};

/// No wait is longer: a month is what any queue can mean. BullMQ has no limit and
/// overflows.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Backoff {
    /// The wait after `ended` attempts. `random`, from 0 to 1, chooses it within the
    /// jitter.
    pub fn wait(&self, ended: u32, random: f64) -> Duration {
        let delay = self.delay.as_millis() as f64;
        let wait = wait(self.kind, delay, self.jitter, ended, random);
        Duration::from_millis(wait.expect("a duration is not negative"))
    }
}

/// The wait after `ended` attempts, in milliseconds, for a `delay` as it is stored.
/// `exponential` is `delay · 2^(ended − 1)`, of which `jitter` is the random share.
/// `None` when that is -1, BullMQ's word for "no further attempt".
pub fn wait(kind: BackoffKind, delay: f64, jitter: f64, ended: u32, random: f64) -> Option<u64> {
    let full = match kind {
        BackoffKind::Exponential => (delay * f64::from(ended.saturating_sub(1)).exp2()).round(),
        BackoffKind::Fixed => delay,
    };
    (full != -1.0).then(|| jittered(full, jitter, random))
}

/// This many milliseconds, of which `jitter` is the random share.
fn jittered(full: f64, jitter: f64, random: f64) -> u64 {
    let full = full.clamp(0.0, LONGEST_WAIT.as_millis() as f64);
    let wait = if jitter > 0.0 {
        (random * full * jitter + full * (1.0 - jitter)).floor()
    } else {
        full.ceil()
    };
    wait as u64
}

/// `[backoff.<name>]`: how jobs wait whose `backoff.type` has this name, as the
/// `backoffStrategy` of a BullMQ worker decides in code.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// The shape of the waits, where `waits` does not list them.
    pub kind: BackoffKind,
    /// The wait, or the first of a doubling series.
    pub delay: Duration,
    /// No wait is longer.
    pub max: Duration,
    /// The waits one by one; the last holds for all that follow.
    pub waits: Vec<Duration>,
    /// Which share of each wait is random, from 0 to 1.
    pub jitter: f64,
}

/// What a job waits by whose strategy nobody has declared: from a second on, doubled up
/// to an hour. It spends attempts slowly, whatever the producer meant.
impl Default for Strategy {
    fn default() -> Self {
        Self {
            kind: BackoffKind::Exponential,
            delay: Duration::from_secs(1),
            max: Duration::from_secs(3600),
            waits: Vec::new(),
            jitter: 0.0,
        }
    }
}

impl Strategy {
    /// The wait after `ended` attempts. `random`, from 0 to 1, chooses it within the
    /// jitter.
    pub fn wait(&self, ended: u32, random: f64) -> Duration {
        let at = (ended.max(1) - 1) as usize;
        let full = match self.waits.get(at).or(self.waits.last()) {
            Some(wait) => *wait,
            None => Backoff {
                kind: self.kind,
                delay: self.delay,
                jitter: 0.0,
            }
            .wait(ended, 0.0),
        };
        let full = full.min(self.max).as_millis() as f64;
        Duration::from_millis(jittered(full, self.jitter, random))
    }
}

/// The name of the strategy for types that have none.
pub(crate) const DEFAULT: &str = "default";

/// `[backoff]`: strategies by the `backoff.type` of producers' jobs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strategies(pub BTreeMap<String, Strategy>);

impl Strategies {
    /// The strategy of this name; else `default`, if it is declared.
    pub fn find(&self, name: &str) -> Option<&Strategy> {
        self.0.get(name).or_else(|| self.0.get(DEFAULT))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_exponential_wait_doubles_and_stops_at_thirty_days() {
        let backoff = Backoff {
            kind: BackoffKind::Exponential,
            delay: Duration::from_secs(10 * 86_400),
            jitter: 0.0,
        };
        let days = [1, 2, 3, 90_000].map(|ended| backoff.wait(ended, 0.0).as_secs() / 86_400);
        assert_eq!(days, [10, 20, 30, 30]);
    }

    proptest! {
        /// Node: `floor(random · max · jitter + max · (1 − jitter))`.
        #[test]
        fn jitter_stays_within_its_share(
            delay in 0.0..1e9f64, jitter in 0.0..=1.0f64, ended in 0u32..200, random in 0.0..1.0f64
        ) {
            let full = wait(BackoffKind::Exponential, delay, 0.0, ended, 0.0).unwrap();
            let wait = wait(BackoffKind::Exponential, delay, jitter, ended, random).unwrap();
            prop_assert!(wait <= full);
            prop_assert!(wait as f64 >= (full as f64 * (1.0 - jitter)).floor() - 1.0);
            prop_assert!(full <= 2_592_000_000);
        }
    }
}
