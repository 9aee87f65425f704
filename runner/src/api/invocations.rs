//! Handlers that requests run at once, without Redis: as many of a queue as a worker of it
//! would run. For the route that runs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;

use super::problem::Problem;

/// How many handlers of each queue run at once.
#[derive(Debug, Default)]
pub(super) struct Invocations(Arc<Mutex<HashMap<String, usize>>>);

/// One that runs, until it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    of: Arc<Mutex<HashMap<String, usize>>>,
    queue: String,
}

impl Invocations {
    /// One more of a queue, unless `most` run already.
    pub(super) fn enter(&self, queue: &str, most: usize) -> Result<Running, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(queue.to_owned()).or_default();
        if *count >= most {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                format!("{most} handlers of queue {queue:?} run already (concurrency); try again"),
            )
            .after(1));
        }
        *count += 1;
        Ok(Running {
            of: self.0.clone(),
            queue: queue.to_owned(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.queue) {
            *count = count.saturating_sub(1);
        }
    }
}
