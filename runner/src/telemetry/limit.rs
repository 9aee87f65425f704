//! Logs what a loop may have to say again and again once a minute for each cause,
//! with a count of what was held back. A cause is a message and what it is about: a
//! queue, a reason.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Between two lines of one cause.
const EVERY: Duration = Duration::from_secs(60);
/// Causes told apart at a time, some 200 bytes each; beyond that, all other causes
/// of a message count as one.
const CAUSES: usize = 1000;

/// Log at most once a minute for each `about`. The arguments are a level of
/// `tracing`, what the message is about, the message, and its fields.
macro_rules! limited {
    ($level:ident, $about:expr, $message:literal $(, $($fields:tt)+)?) => {
        match $crate::telemetry::limit::pass($message, $about) {
            Some(0) => tracing::$level!($($($fields)+,)? $message),
            Some(held_back) => tracing::$level!($($($fields)+,)? held_back, $message),
            None => {}
        }
    };
}
pub(crate) use limited;

static TOLD: LazyLock<Mutex<Told>> = LazyLock::new(Mutex::default);

/// What was logged in the last minute.
#[derive(Debug, Default)]
struct Told(HashMap<(&'static str, String), Cause>);

#[derive(Debug)]
struct Cause {
    told: Instant,
    held_back: u64,
}

impl Told {
    /// Whether to log it now: how often it was held back before, or `None`.
    fn pass(&mut self, message: &'static str, about: &str, now: Instant) -> Option<u64> {
        let full = self.0.len() >= CAUSES && !self.0.contains_key(&(message, about.to_owned()));
        let about = if full { "" } else { about };
        let cause = self.0.entry((message, about.to_owned()));
        let mut first = false;
        let cause = cause.or_insert_with(|| {
            first = true;
            Cause {
                told: now,
                held_back: 0,
            }
        });
        if first {
            return Some(0);
        }
        if now.duration_since(cause.told) < EVERY {
            cause.held_back += 1;
            return None;
        }
        cause.told = now;
        Some(std::mem::take(&mut cause.held_back))
    }

    /// Forget the causes that were not logged for a minute. Returns those of which
    /// something was held back meanwhile, and how often.
    fn silent(&mut self, now: Instant) -> Vec<(&'static str, String, u64)> {
        let over = |cause: &Cause| now.duration_since(cause.told) >= EVERY;
        let over = self.0.extract_if(|_, cause| over(cause));
        over.filter(|(_, cause)| cause.held_back > 0)
            .map(|((message, about), cause)| (message, about, cause.held_back))
            .collect()
    }
}

fn told() -> std::sync::MutexGuard<'static, Told> {
    TOLD.lock().expect("no panic while it is held")
}

/// Whether to log this now: how often it was held back before, or `None`.
pub(crate) fn pass(message: &'static str, about: &str) -> Option<u64> {
    told().pass(message, about, Instant::now())
}

/// Log what was held back and has not come again since. To be called about every
/// second.
pub(crate) fn sweep() {
    let silent = told().silent(Instant::now());
    for (message, about, held_back) in silent {
        tracing::warn!(
            about,
            held_back,
            "more of the same in the last minute: {message}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_cause_is_told_once_a_minute_with_what_was_held_back() {
        let mut told = Told::default();
        let start = Instant::now();
        assert_eq!(told.pass("refused", "q", start), Some(0));
        for ms in 0..5000 {
            assert_eq!(told.pass("refused", "q", start + SECOND * ms / 100), None);
        }
        assert_eq!(told.pass("refused", "other", start), Some(0));
        assert_eq!(told.pass("lost", "q", start), Some(0));
        assert_eq!(told.pass("refused", "q", start + EVERY), Some(5000));
        assert_eq!(told.pass("refused", "q", start + EVERY), None);
    }

    #[test]
    fn what_does_not_come_again_is_told_when_the_minute_is_over() {
        let mut told = Told::default();
        let start = Instant::now();
        told.pass("refused", "q", start);
        told.pass("refused", "q", start);
        told.pass("refused", "once", start);
        assert_eq!(told.silent(start + EVERY - SECOND), []);
        let over = told.silent(start + EVERY);
        assert_eq!(over, [("refused", "q".to_owned(), 1)]);
        assert_eq!(told.silent(start + EVERY), []);
        assert_eq!(told.pass("refused", "q", start + EVERY), Some(0));
    }

    #[test]
    fn causes_without_end_share_a_line() {
        let mut told = Told::default();
        let start = Instant::now();
        let count = |from: usize, to: usize, told: &mut Told| {
            let passed = (from..to).map(|n| told.pass("refused", &n.to_string(), start));
            passed.flatten().count()
        };
        assert_eq!(count(0, CAUSES, &mut told), CAUSES);
        assert_eq!(count(CAUSES, 10 * CAUSES, &mut told), 1);
        assert!(told.0.len() <= CAUSES + 1);
    }
}
