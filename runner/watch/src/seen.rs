//! When a change of a place is to be reported: once it has stopped changing.

use std::time::{Duration, Instant};

use super::stat::Stat;
use super::way::Look;

/// How often all files are looked at, even without events. A look is a few system
/// calls per file, and two seconds are a wait that people accept on a network file
/// system.
pub const LOOK: Duration = Duration::from_secs(2);

/// A file that has not changed for this long is taken as written. Compilers write
/// in pieces a few milliseconds apart; people do not notice a tenth of a second.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// A file that is missing or empty counts as gone after this long.
pub const GONE: Duration = Duration::from_secs(2);

/// How one place has looked.
pub(super) struct Seen {
    /// How it looked when it was last reported, or first watched. `None` until the
    /// first look.
    reported: Option<Look>,
    /// How it looked last.
    now: Look,
    /// When `now` was first seen.
    since: Instant,
    /// When it is reported once more, however it looks then: on a file system that
    /// counts whole seconds a second change can bear the same time.
    again: Option<Instant>,
}

impl Seen {
    pub(super) fn new() -> Seen {
        Seen {
            reported: None,
            now: Look::new(),
            since: Instant::now(),
            again: None,
        }
    }

    pub(super) fn see(&mut self, look: Look) {
        match &self.reported {
            None => {
                self.reported = Some(look.clone());
                self.now = look;
            }
            Some(_) if self.now != look => {
                self.now = look;
                self.since = Instant::now();
            }
            Some(_) => {}
        }
    }

    /// Whether it has changed and is quiet again.
    pub(super) fn is_due(&self) -> bool {
        if self.again.is_some_and(|at| at <= Instant::now()) {
            return true;
        }
        let Some(before) = self.reported.as_ref().filter(|look| **look != self.now) else {
            return false;
        };
        let lost = before
            .iter()
            .any(|(path, stat)| !stat.is_empty() && self.now.get(path).is_none_or(Stat::is_empty));
        self.since.elapsed() >= if lost { GONE } else { QUIET }
    }

    /// Whether there is nothing to report, now or later.
    pub(super) fn is_settled(&self) -> bool {
        self.again.is_none() && self.reported.as_ref() == Some(&self.now)
    }

    /// Take its present look as reported.
    pub(super) fn report(&mut self) {
        let changed = self.reported.as_ref() != Some(&self.now);
        let coarse = changed && self.now.values().any(Stat::is_coarse);
        self.again = coarse.then(|| Instant::now() + LOOK);
        self.reported = Some(self.now.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::way::{Place, Way};

    #[test]
    fn a_change_in_whole_seconds_is_reported_again() {
        let look = |size, part| {
            let stat = Stat {
                file: (1, 2),
                size,
                modified: (1_700_000_000, part),
                changed: (1_700_000_000, part),
            };
            Look::from([(PathBuf::from("a"), stat)])
        };
        for (part, again) in [(0, true), (5, false)] {
            let mut seen = Seen::new();
            seen.see(look(1, part));
            assert!(seen.is_settled() && !seen.is_due());
            seen.see(look(2, part));
            assert!(
                !seen.is_settled() && !seen.is_due(),
                "it may still be written"
            );
            seen.since -= QUIET;
            assert!(seen.is_due());
            seen.report();
            assert_eq!(seen.again.is_some(), again);
            seen.again = seen.again.map(|at| at - LOOK);
            assert_eq!(seen.is_due(), again);
            seen.report();
            assert!(seen.is_settled(), "once is enough");
        }
    }

    #[test]
    fn what_is_gone_or_empty_is_reported_later() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        let place = Place::File(file.clone());
        fs::write(&file, "text").unwrap();
        let mut seen = Seen::new();
        seen.see(Way::default().look(&place));
        for empty in [true, false] {
            match empty {
                true => fs::write(&file, "").unwrap(),
                false => fs::remove_file(&file).unwrap(),
            }
            seen.see(Way::default().look(&place));
            seen.since -= QUIET;
            assert!(!seen.is_due());
            seen.since -= GONE;
            assert!(seen.is_due());
        }
    }
}
