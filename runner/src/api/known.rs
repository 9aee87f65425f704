//! The queues that were in Redis a moment ago.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::queue::{self, Error, Redis};

/// How long a list of the queues in Redis is good: making one walks through all keys.
const FRESH: Duration = Duration::from_secs(10);

/// The queues that were in Redis, and when.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Instant, Vec<String>)>>);

impl Known {
    /// Look for them again when they are asked for next.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }

    /// Their names. Who asks while they are looked for waits for the same walk.
    pub(super) async fn names(&self, redis: &Redis) -> Result<Vec<String>, Error> {
        let mut known = self.0.lock().await;
        if let Some((at, names)) = &*known
            && at.elapsed() < FRESH
        {
            return Ok(names.clone());
        }
        let names = queue::queues(redis).await?;
        *known = Some((Instant::now(), names.clone()));
        Ok(names)
    }
}
