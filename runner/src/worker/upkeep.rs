//! What a worker looks after beside its jobs: wishes to cancel, waiting jobs that
//! expire, jobs parked at gates, jobs of runners that died.

use std::sync::Arc;

use tokio::time::Instant;

use super::settle;
use crate::config;
use crate::queue::{Attempt, Dead, Pause, Queue};
use crate::telemetry::limit::limited;

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
            limited!(
                warn,
                queue.name(),
                "jobs expired while they waited",
                queue = queue.name(),
                jobs = ids.len()
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
            limited!(
                warn,
                queue.name(),
                "jobs of a runner that died wait",
                queue = queue.name(),
                %error
            );
        }
    }
}

/// Fail jobs whose ids are no text, again after an error until their locks are gone.
pub(super) async fn fail_unnamed(queue: Queue, ids: Vec<Vec<u8>>, token: String) {
    let until = Instant::now() + queue.settings().lock;
    let mut pause = Pause::default();
    while let Err(error) = queue.fail_unnamed(&ids, &token).await {
        if Instant::now() >= until {
            limited!(
                error,
                queue.name(),
                "jobs whose ids are no text were not failed",
                queue = queue.name(),
                %error
            );
            return;
        }
        tokio::time::sleep(pause.next()).await;
    }
}
