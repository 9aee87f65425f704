//! How long to wait before what failed is tried again.

use std::time::Duration;

/// The first and the longest wait between two attempts to connect.
const SPACING: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Waits that double up to a limit, with a random half.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spacing(u32);

impl Spacing {
    /// The next wait: 50 ms, doubling to 5 s, of which half is random.
    pub(crate) fn next(&mut self) -> Duration {
        let full = (SPACING.0 * 2u32.pow(self.0.min(7))).min(SPACING.1);
        self.0 += 1;
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}
