//! What a worker looks after beside its jobs: wishes to cancel, waiting jobs that
//! expire, jobs parked at gates, jobs of runners that died.

use std::sync::Arc;

use super::settle;
use crate::config;
use crate::queue::{Attempt, Dead, Queue};

/// Stop those of these attempts that somebody cancelled.
pub(super) async fn stop_cancelled(queue: Queue, attempts: Vec<Arc<Attempt>>) {
    if let Err(error) = queue.stop_cancelled(&attempts).await {
        tracing::debug!(queue = queue.name(), %error, "cancelled jobs were not looked for");
    }
}

/// Fail jobs that have waited too long though nobody takes them.
pub(super) async fn expire(queue: Queue, config: Arc<config::Queue>) {
    match queue.expire(|name| config.settings(name).expires).await {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            tracing::warn!(
                queue = queue.name(),
                jobs = ids.len(),
                "jobs expired while they waited"
            );
            tokio::spawn(settle::bury_these(queue, ids, false));
        }
        Err(error) => {
            tracing::debug!(queue = queue.name(), %error, "expired jobs were not looked for")
        }
    }
}

/// Let parked jobs through that the gates, as they are configured now, do not
/// hold. After an error they wait for the next time their gate is looked at.
pub(super) async fn open_gates(queue: Queue) {
    let opened = match queue.settings().gates {
        Some(_) => queue.open_gates().await,
        None => queue.unpark().await.map(drop),
    };
    if let Err(error) = opened {
        tracing::debug!(queue = queue.name(), %error, "gates were not opened");
    }
}

/// Put back the jobs of processes that have died. After an error the next check
/// for stalled jobs does it.
pub(super) async fn reap(queue: &Queue, dead: Option<Arc<Dead>>) {
    let Some(dead) = dead else { return };
    match queue.reap(&dead).await {
        Ok(ids) if ids.is_empty() => {}
        Ok(ids) => {
            tracing::warn!(queue = queue.name(), jobs = ?ids, "jobs of a runner that died went back");
        }
        Err(error) => {
            tracing::warn!(queue = queue.name(), %error, "jobs of a runner that died wait");
        }
    }
}
