//! The chores of a worker: notes of running jobs, wishes to cancel, waiting jobs that
//! expire, jobs parked at gates, jobs that stalled or whose runner died. An error
//! costs one round of a chore; the next one makes up for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::settle;
use super::shared::Died;
use crate::config;
use crate::queue::{Attempt, Dead, Queue, Spacing};
use crate::telemetry::limit::limited;

/// Room for one chore at a time. It makes progress while its worker waits for it,
/// and ends with the worker.
#[derive(Default)]
pub(super) struct Chore(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Chore {
    pub(super) fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn begin(&mut self, chore: impl Future<Output = ()> + Send + 'static) {
        self.0 = Some(Box::pin(chore));
    }

    /// Until the chore is done. Cancel safe.
    pub(super) async fn done(&mut self) {
        if let Some(chore) = &mut self.0 {
            chore.await;
            self.0 = None;
        }
    }
}

/// Ticks with at least this time between two of them.
pub(super) fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Write the progress and log lines of these attempts.
pub(super) async fn note(queue: Queue, attempts: Vec<Arc<Attempt>>) {
    if let Err(error) = queue.note(&attempts).await {
        tracing::debug!(queue = queue.name(), %error, "progress and logs wait");
    }
}

/// Return jobs of processes that have died, then jobs whose lock has expired.
pub(super) async fn recover(queue: Queue, dead: Option<Arc<Dead>>) {
    reap(&queue, dead).await;
    match queue.recover().await {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            tracing::warn!(queue = queue.name(), jobs = ?ids, "stalled jobs were returned to the queue");
        }
        Err(error) => {
            tracing::debug!(queue = queue.name(), %error, "stalled jobs were not looked for");
        }
    }
}

/// Stop those of these attempts that somebody cancelled.
pub(super) async fn stop_cancelled(queue: Queue, attempts: Vec<Arc<Attempt>>) {
    if let Err(error) = queue.stop_cancelled(&attempts).await {
        tracing::debug!(queue = queue.name(), %error, "cancelled jobs were not looked for");
    }
}

/// Fail jobs that have waited longer than `expires`, though nobody takes them.
pub(super) async fn expire(queue: Queue, config: Arc<config::Queue>, died: Died) {
    match queue.expire(|name| config.settings(name).expires).await {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            limited!(
                warn,
                queue.name(),
                "jobs expired while they waited",
                queue = queue.name(),
                jobs = ids.len()
            );
            tokio::spawn(settle::bury_these(queue, ids, false, died));
        }
        Err(error) => {
            tracing::debug!(queue = queue.name(), %error, "expired jobs were not looked for")
        }
    }
}

/// Let through parked jobs that the gates, as they are configured now, do not hold.
pub(super) async fn open_gates(queue: Queue) {
    let opened = match queue.settings().gates {
        Some(_) => queue.open_gates().await,
        None => queue.unpark().await.map(drop),
    };
    if let Err(error) = opened {
        tracing::debug!(queue = queue.name(), %error, "gates were not opened");
    }
}

/// Return the jobs of processes that have died.
pub(super) async fn reap(queue: &Queue, dead: Option<Arc<Dead>>) {
    let Some(dead) = dead else { return };
    match queue.reap(&dead).await {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            tracing::warn!(queue = queue.name(), jobs = ?ids, "jobs of a runner that died were returned to the queue");
        }
        Err(error) => {
            limited!(
                warn,
                queue.name(),
                "jobs of a runner that died could not be returned yet",
                queue = queue.name(),
                %error
            );
        }
    }
}

/// Fail jobs whose ids are not text, again after an error until their locks expire.
pub(super) async fn fail_unnamed(queue: Queue, ids: Vec<Vec<u8>>, token: String) {
    let until = Instant::now() + queue.settings().lock;
    let mut pause = Spacing::default();
    while let Err(error) = queue.fail_unnamed(&ids, &token).await {
        if Instant::now() >= until {
            limited!(
                error,
                queue.name(),
                "jobs whose ids are not text could not be failed",
                queue = queue.name(),
                %error
            );
            return;
        }
        tokio::time::sleep(pause.next()).await;
    }
}
