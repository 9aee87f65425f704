//! The worker of one queue: holds free slots, takes jobs for them, hands them to
//! the executor, and settles how they ended together with the next take.
//!
//! A batch is what has ended by the time a call can go out: nothing waits for it
//! to fill. It refuses to take while the queue has no free slot, while it stops,
//! and while jobs of a lost answer have not been given back.

mod admit;
mod next_run;
mod run;
mod settle;
mod upkeep;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::run::Run;
use crate::config::{self, JobSettings};
use crate::outcome::Outcome;
use crate::queue::{self, Attempt, InFlight, Pause, Queue, Redis, Renewal, Settings, Stop};

/// Called exactly once with how the attempt ended.
pub type Done = Box<dyn FnOnce(Arc<Attempt>, Outcome) + Send>;
/// Starts an attempt; must not block.
pub type Start = Arc<dyn Fn(Arc<Attempt>, &JobSettings, Done) + Send + Sync>;

/// What this process gives all of its workers.
#[derive(Clone)]
pub struct Shared {
    /// The connection.
    pub redis: Redis,
    /// Lock renewal.
    pub renewal: Renewal,
    /// Name of this runner.
    pub runner: String,
    /// Whether BullMQ's `getWorkers` sees the workers.
    pub presence: bool,
    /// `[runtime]`.
    pub runtime: Arc<config::Runtime>,
    /// Starts an attempt.
    pub start: Start,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The queue of a configuration, as the worker and the host API use it.
    pub fn queue(&self, config: &config::Queue) -> Queue {
        let settings = Settings::of(config, &self.runtime, self.runner.clone());
        Queue::new(self.redis.clone(), settings)
    }
}

/// Stages of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Stage {
    Run,
    /// Take nothing more, let running jobs end until the instant.
    Drain(Instant),
}

/// A handle on the worker of one queue.
#[derive(Debug)]
pub struct Worker {
    config: watch::Sender<Arc<config::Queue>>,
    stage: watch::Sender<Stage>,
    in_flight: Arc<InFlight>,
    task: tokio::task::JoinHandle<()>,
}

impl Worker {
    /// Start the worker of a queue on the current runtime.
    pub fn spawn(shared: Shared, config: Arc<config::Queue>) -> Worker {
        let (config_tx, config_rx) = watch::channel(config.clone());
        let (stage_tx, stage_rx) = watch::channel(Stage::Run);
        let in_flight = Arc::new(InFlight::default());
        let presence = shared.presence.then(|| {
            let (redis, runner) = (shared.redis.clone(), shared.runner.clone());
            tokio::spawn(queue::present(redis, config.name.clone(), runner))
        });
        let held = in_flight.clone();
        let task = tokio::spawn(async move {
            live(&shared, config_rx, stage_rx, held).await;
            shared.renewal.forget(&config.name);
            shared.queue(&config).leave_markers();
            if let Some(presence) = presence {
                presence.abort();
            }
        });
        Worker {
            config: config_tx,
            stage: stage_tx,
            in_flight,
            task,
        }
    }

    /// Go on with changed settings: concurrency, limiter, job settings. Running
    /// jobs keep theirs.
    pub fn update(&self, config: Arc<config::Queue>) {
        self.config.send_replace(config);
    }

    /// Jobs between take and settle.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Take nothing more. Jobs that still run after `grace` are stopped and
    /// handed back without spending an attempt. A second call can shorten the
    /// time.
    pub fn drain(&self, grace: Duration) {
        self.stage
            .send_replace(Stage::Drain(Instant::now() + grace));
    }

    /// When all jobs were settled, after [`Worker::drain`]. May be asked again.
    pub async fn stopped(&mut self) {
        // A handle that has given its answer must not be polled again.
        if !self.task.is_finished() {
            // A worker that panicked has nothing more to settle.
            let _ = (&mut self.task).await;
        }
    }
}

/// Run a worker to its end. One that panics starts again: it finds the locks of
/// the jobs it held, knows none of them, and hands them back as it does with
/// those of a lost answer.
async fn live(
    shared: &Shared,
    config: watch::Receiver<Arc<config::Queue>>,
    stage: watch::Receiver<Stage>,
    in_flight: Arc<InFlight>,
) {
    let mut pause = Pause::default();
    loop {
        #[expect(clippy::disallowed_methods, reason = "a message per slot at most")]
        let (done_tx, done) = mpsc::unbounded_channel();
        let mut config = config.clone();
        let now = config.borrow_and_update().clone();
        let run = Run::new(shared.clone(), now, in_flight.clone(), done_tx, &stage);
        let queue = run.queue.clone();
        let run = AssertUnwindSafe(run.run(done, config, stage.clone()));
        if run.catch_unwind().await.is_ok() {
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
