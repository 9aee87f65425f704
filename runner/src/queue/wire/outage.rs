//! Whether Redis serves just now, for one word when it stops and one when it goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::queue::wire::error::Error;
use crate::units;

/// Since when calls fail that Redis itself is to blame for.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    lasts: AtomicBool,
    since: Mutex<Option<(Instant, bool)>>,
}

impl Outage {
    /// A call failed.
    pub(crate) fn failed(&self, error: &Error) {
        let refused = matches!(error, Error::Unready { .. });
        if error.is_transient() && !self.lasts.swap(true, Ordering::AcqRel) {
            *self.since() = Some((Instant::now(), refused));
        }
    }

    /// A call that writes was served.
    pub(crate) fn served(&self) {
        if !self.lasts.load(Ordering::Acquire) {
            return;
        }
        let Some((since, refused)) = self.since().take() else {
            return;
        };
        self.lasts.store(false, Ordering::Release);
        let lasted = units::rough_duration(since.elapsed());
        if refused {
            tracing::info!("Redis takes writes again, after {lasted}");
        } else {
            tracing::info!("Redis answers again, after {lasted}");
        }
    }

    fn since(&self) -> std::sync::MutexGuard<'_, Option<(Instant, bool)>> {
        self.since.lock().expect("no panic while it is held")
    }
}
