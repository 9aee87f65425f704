//! The worker of one queue: it takes jobs from Redis for its free slots, hands them
//! to the executor, and settles how they ended together with the next take.
//!
//! - A batch is what has ended by the time a call can go out; nothing waits for a
//!   batch to fill.
//! - Nothing is taken while no slot is free, while the worker stops, and while jobs
//!   of a lost reply have not been returned.
//! - The application starts and drains workers; a worker knows `queue`, `config` and
//!   `outcome`, and the executor only as the function [`Start`].

mod admit;
mod asking;
mod calls;
mod next_run;
mod orphans;
mod run;
mod settle;
mod shared;
mod start;
mod upkeep;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;

use self::run::Run;
use self::shared::Stage;
use crate::config;
use crate::queue::{self, InFlight, Spacing, Stop};

pub(crate) use self::admit::refused;
pub use self::shared::{Died, Done, Shared, Start};

/// A handle on the worker of one queue. When it is dropped the worker goes on; only
/// [`Worker::drain`] ends it.
#[derive(Debug)]
pub struct Worker {
    /// The settings that the worker is to work by.
    config: watch::Sender<Arc<config::Queue>>,
    /// What the worker is to do.
    stage: watch::Sender<Stage>,
    /// Ends when the worker has been drained.
    task: tokio::task::JoinHandle<()>,
}

impl Worker {
    /// Start the worker of a queue on the current runtime.
    pub fn spawn(shared: Shared, config: Arc<config::Queue>) -> Worker {
        let (config_tx, config_rx) = watch::channel(config.clone());
        let (stage_tx, stage_rx) = watch::channel(Stage::Run);
        let presence = shared.presence.then(|| {
            let (redis, runner) = (shared.redis.clone(), shared.runner.clone());
            tokio::spawn(queue::present(redis, config.name.clone(), runner))
        });
        let task = tokio::spawn(async move {
            live(&shared, config_rx, stage_rx).await;
            shared.renewal.forget(&config.name);
            shared.queue(&config).leave_markers();
            if let Some(presence) = presence {
                presence.abort();
            }
        });
        Worker {
            config: config_tx,
            stage: stage_tx,
            task,
        }
    }

    /// Go on with changed settings: concurrency, limiter, job settings. Running
    /// jobs keep theirs.
    pub fn update(&self, config: Arc<config::Queue>) {
        self.config.send_replace(config);
    }

    /// Take nothing more. Jobs that still run after `grace` are stopped and return
    /// to the queue without spending an attempt. A second call can shorten the
    /// time.
    pub fn drain(&self, grace: Duration) {
        self.stage
            .send_replace(Stage::Drain(Instant::now() + grace));
    }

    /// Wait until all jobs are settled, after [`Worker::drain`]. May be called again.
    pub async fn stopped(&mut self) {
        // A handle that has given its answer must not be polled again.
        if !self.task.is_finished() {
            // A worker that panicked has nothing more to settle.
            let _ = (&mut self.task).await;
        }
    }
}

/// Run a worker to its end. One that panics starts again: it finds the locks of the
/// jobs it held, knows none of them, and returns these jobs as it does those of a
/// lost reply.
async fn live(
    shared: &Shared,
    config: watch::Receiver<Arc<config::Queue>>,
    stage: watch::Receiver<Stage>,
) {
    let in_flight = Arc::new(InFlight::default());
    let mut pause = Spacing::default();
    loop {
        let (config, stage) = (config.clone(), stage.clone());
        let run = Run::new(shared.clone(), config, stage, in_flight.clone());
        let queue = run.queue.clone();
        if AssertUnwindSafe(run.run()).catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!(
            queue = queue.name(),
            "a bug in runner: the worker starts again"
        );
        let held = in_flight.all();
        for attempt in &held {
            attempt.stop(Stop::LockLost);
        }
        in_flight.remove(&held);
        queue.leave_markers();
        tokio::time::sleep(pause.next()).await;
    }
}
