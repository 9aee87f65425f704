//! How long a job waits before it is tried again, as BullMQ's `Backoffs` calculates
//! it. Workers, which read options as any producer wrote them, and `runner explain`
//! use the same function.

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
    if full == -1.0 {
        return None;
    }
    let full = full.clamp(0.0, LONGEST_WAIT.as_millis() as f64);
    let wait = if jitter > 0.0 {
        (random * full * jitter + full * (1.0 - jitter)).floor()
    } else {
        full.ceil()
    };
    Some(wait as u64)
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
