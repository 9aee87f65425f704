//! The next run of a scheduler is written before this one begins, as in BullMQ's
//! workers: a handler that reads or changes its own schedule finds it complete, and
//! the next job repeats this one as it was taken, whatever happens to its hash.

use std::sync::Arc;

use tokio::sync::watch;

use super::shared::Stage;
use crate::outcome::Outcome;
use crate::queue::{Attempt, Queue, Scheduler, Settlement, Spacing};
use crate::telemetry::limit::limited;

/// The attempt, once it may begin: its next run is written, or cannot be written and
/// the log says so. While Redis takes no writes it waits, as long as the job is ours
/// and the worker is not stopping.
///
/// # Errors
/// The outcome of an attempt that is not to begin.
pub(super) async fn written(
    queue: Queue,
    attempt: Arc<Attempt>,
    mut stage: watch::Receiver<Stage>,
) -> Result<Arc<Attempt>, Settlement> {
    let Some(scheduler) = &attempt.job.scheduler else {
        return Ok(attempt);
    };
    let outcome = tokio::select! {
        biased;
        () = write(&queue, &attempt, scheduler) => {
            attempt.ready();
            return Ok(attempt);
        }
        () = lost(&attempt) => Outcome::Lost,
        Ok(_) = stage.wait_for(|stage| *stage != Stage::Run) => Outcome::Released,
    };
    Err(Settlement { attempt, outcome })
}

/// Wait until the job is no longer ours.
async fn lost(attempt: &Attempt) {
    if !attempt.stopping().await.is_loss() {
        std::future::pending().await
    }
}

/// Write the next run, again after each transient error; writing it twice is
/// harmless.
async fn write(queue: &Queue, attempt: &Attempt, scheduler: &Scheduler) {
    let job = &attempt.job.id;
    let mut pause = Spacing::default();
    let mut told = false;
    loop {
        match queue.schedule_next(attempt, scheduler).await {
            Ok(_) => return,
            Err(error) if error.is_transient() => {
                if !std::mem::replace(&mut told, true) {
                    limited!(
                        warn,
                        queue.name(),
                        "a scheduled job waits until its next run can be written",
                        queue = queue.name(),
                        job,
                        %error
                    );
                }
                tokio::time::sleep(pause.next()).await;
            }
            Err(error) => {
                limited!(
                    error,
                    queue.name(),
                    "the next run was not scheduled",
                    queue = queue.name(),
                    job,
                    %error
                );
                return;
            }
        }
    }
}
