//! What one attempt may still write to Redis: log lines, and bytes of everything
//! it adds, updates, records, reports and logs. One plugin that writes without
//! end would delay all queues of that Redis.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// Counts down what is left; shared by the interfaces of an attempt and its output.
#[derive(Debug)]
pub struct Budget {
    lines: AtomicUsize,
    bytes: AtomicUsize,
    max_lines: usize,
    max_bytes: usize,
    reached: AtomicBool,
}

/// Whether a log line may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Line {
    /// It may.
    Fits,
    /// The last one, which says so.
    Last,
    /// There are none left.
    Dropped,
}

impl Budget {
    /// A budget of this many lines and bytes.
    pub fn new(lines: usize, bytes: usize) -> Budget {
        Budget {
            lines: lines.into(),
            bytes: bytes.into(),
            max_lines: lines,
            max_bytes: bytes,
            reached: AtomicBool::default(),
        }
    }

    /// Spend bytes.
    ///
    /// # Errors
    /// When fewer are left; then none are spent. The text names the limit.
    pub(in crate::host) fn spend(&self, bytes: usize) -> Result<(), String> {
        let left = self
            .bytes
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes));
        left.map(drop).map_err(|left| {
            self.reached.store(true, Relaxed);
            format!(
                "this attempt has sent {} bytes to Redis and wants to send {bytes} more; \
                 it may send {} (max_sent)",
                self.max_bytes - left,
                self.max_bytes
            )
        })
    }

    /// Spend a log line.
    pub(in crate::host) fn line(&self) -> Line {
        match self
            .lines
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
        {
            Err(_) => Line::Dropped,
            Ok(1) => {
                self.reached.store(true, Relaxed);
                Line::Last
            }
            Ok(_) => Line::Fits,
        }
    }

    /// Give up the log lines that are left; whether there were any.
    pub(in crate::host) fn silence(&self) -> bool {
        self.lines.swap(0, Relaxed) > 0
    }

    /// Whether the attempt wanted more than one of the two.
    pub(in crate::host) fn is_reached(&self) -> bool {
        self.reached.load(Relaxed)
    }

    /// Lines there were in all.
    pub(in crate::host) fn max_lines(&self) -> usize {
        self.max_lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_spent() {
        let budget = Budget::new(2, 10);
        assert_eq!(budget.spend(6), Ok(()));
        let refused = "this attempt has sent 6 bytes to Redis and wants to send 5 more; \
                       it may send 10 (max_sent)";
        assert_eq!(budget.spend(5), Err(refused.to_owned()));
        assert_eq!(budget.spend(4), Ok(()));
        assert_eq!(budget.spend(0), Ok(()));
    }

    #[test]
    fn the_last_line_is_known_as_such() {
        let budget = Budget::new(2, 10);
        assert_eq!(budget.line(), Line::Fits);
        assert_eq!(budget.line(), Line::Last);
        assert_eq!(budget.line(), Line::Dropped);
        assert!(!budget.silence());
        assert!(Budget::new(2, 10).silence());
    }
}
