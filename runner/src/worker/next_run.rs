//! The next run of a scheduler is written before this one begins, as BullMQ's
//! workers do: a handler that reads or changes its own schedule finds it whole, and
//! what the job repeats is as it was taken, whatever becomes of its hash.

use std::sync::Arc;

use tokio::sync::watch;

use super::Stage;
use crate::outcome::Outcome;
use crate::queue::{Attempt, Pause, Scheduler, Settlement};
use crate::telemetry::limit::limited;

/// The attempt when it may begin: its next run is there, or cannot be written and
/// that was told. While Redis takes no writes it waits, as long as the job is ours and
/// the worker does not stop.
///
/// # Errors
/// How it ended that did not begin.
pub(super) async fn written(
    attempt: Arc<Attempt>,
    mut stage: watch::Receiver<Stage>,
) -> Result<Arc<Attempt>, Settlement> {
    let Some(scheduler) = &attempt.job.scheduler else {
        return Ok(attempt);
    };
    let outcome = tokio::select! {
        biased;
        () = write(&attempt, scheduler) => {
            attempt.ready();
            return Ok(attempt);
        }
        () = lost(&attempt) => Outcome::Lost,
        Ok(_) = stage.wait_for(|stage| *stage != Stage::Run) => Outcome::Released,
    };
    Err(Settlement { attempt, outcome })
}

/// Until the job is not ours any more.
async fn lost(attempt: &Attempt) {
    if !attempt.stopping().await.is_loss() {
        std::future::pending().await
    }
}

/// Repeating it is harmless.
async fn write(attempt: &Attempt, scheduler: &Scheduler) {
    let (queue, job) = (&attempt.queue, &attempt.job.id);
    let mut pause = Pause::default();
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
