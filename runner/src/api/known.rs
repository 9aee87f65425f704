//! The queues that were in Redis a moment ago.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a list of the queues in Redis is good: making one walks through all keys.
const FRESH: Duration = Duration::from_secs(10);

/// The queues that were in Redis, and when.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Instant, Vec<String>)>>);

impl Known {
    pub(super) fn get(&self) -> Option<Vec<String>> {
        let known = self.0.lock().expect("no panic while it is held");
        let (at, names) = known.as_ref()?;
        (at.elapsed() < FRESH).then(|| names.clone())
    }

    pub(super) fn set(&self, names: &[String]) {
        let mut known = self.0.lock().expect("no panic while it is held");
        *known = Some((Instant::now(), names.to_vec()));
    }
}
