//! The worker of one queue: holds free slots, takes jobs for them, hands them to
//! the executor, and settles how they ended together with the next take.
//!
//! A batch is what has ended by the time a call can go out: nothing waits for it
//! to fill. It refuses to take while the queue has no free slot, while it stops,
//! and while jobs of a lost answer have not been given back.

mod admit;
mod settle;

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::settle::{Answer, settle};
use crate::config::{self, JobSettings};
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::{
    self, Attempt, Batch, Dead, DeadLetters, InFlight, Pause, Queue, Redis, Renewal, Settings,
    Settled, Settlement, Stop, Wake,
};

/// Settle calls under way at once: while one is on the wire the next one forms.
const CALLS: usize = 2;
/// Ends, and jobs, in one call: a script of so many holds Redis about 1 ms.
const BATCH: usize = 64;
/// Jobs started at most before the connection has its turn again.
const TURN: usize = 32;
/// How long starting jobs may take before the connection has its turn again: a
/// job that is run at once takes 10 µs or so, but some take more.
const TURN_TIME: Duration = Duration::from_micros(500);
/// A queue that is silent for so long is asked all the same, as BullMQ's workers
/// do (`drainDelay`): a marker may have been lost with the worker that popped it.
const POLL: Duration = Duration::from_secs(5);
/// How often waiting jobs that may have expired are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How often progress and log lines of running jobs are written.
const NOTES: Duration = Duration::from_millis(250);

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
        Queue::new(
            self.redis.clone(),
            Settings {
                name: config.name.clone(),
                runner: self.runner.clone(),
                lock: self.runtime.lock,
                max_stalled: self.runtime.max_stalled,
                max_crashes: self.runtime.max_crashes,
                stalled_interval: self.runtime.stalled_interval,
                limiter: config.limiter,
                max_logs: config.base.max_logs,
                defaults: config.defaults.clone(),
                metrics: config.metrics,
                dead_letters: DeadLetters::of(config),
            },
        )
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

type Call = Pin<Box<dyn Future<Output = Answer> + Send>>;

struct Run {
    shared: Shared,
    config: Arc<config::Queue>,
    queue: Queue,
    in_flight: Arc<InFlight>,
    wake: Arc<Wake>,
    done: mpsc::UnboundedSender<Settlement>,
    /// Taken and not started yet.
    ready: VecDeque<Arc<Attempt>>,
    /// Attempts that have not ended, started or not.
    running: usize,
    /// Jobs asked for in calls under way.
    asked: usize,
    ended: Vec<Settlement>,
    calls: FuturesUnordered<Call>,
    /// There may be jobs waiting.
    hungry: bool,
    /// That was said by a marker, which others may need if jobs are left over.
    woken: bool,
    /// Jobs of a lost answer are to be given back before anything is taken.
    adopt: bool,
    /// When that is tried again.
    adopt_at: Instant,
    /// Processes whose jobs go back.
    dead: watch::Receiver<Option<Arc<Dead>>>,
    /// Stalled checks at which it is done once more: a call that was given up
    /// may be carried out later, when a stopped Redis goes on.
    doubts: u8,
    /// When the queue is asked at the latest.
    look_at: Instant,
    limited_until: Option<Instant>,
    pause: Pause,
    /// Since when running jobs are to be stopped.
    stopping: Option<Instant>,
}

impl Run {
    fn new(
        shared: Shared,
        config: Arc<config::Queue>,
        in_flight: Arc<InFlight>,
        done: mpsc::UnboundedSender<Settlement>,
        stage: &watch::Receiver<Stage>,
    ) -> Run {
        let queue = shared.queue(&config);
        shared.renewal.watch(&queue, in_flight.clone());
        let now = Instant::now();
        Run {
            wake: queue.enter_markers(),
            dead: shared.renewal.dead(),
            shared,
            config,
            queue,
            in_flight,
            done,
            ready: VecDeque::new(),
            running: 0,
            asked: 0,
            ended: Vec::new(),
            calls: FuturesUnordered::new(),
            hungry: true,
            woken: true,
            adopt: true,
            adopt_at: now,
            doubts: 0,
            look_at: now,
            limited_until: None,
            pause: Pause::default(),
            stopping: match *stage.borrow() {
                Stage::Run => None,
                Stage::Drain(until) => Some(until),
            },
        }
    }

    async fn run(
        mut self,
        mut done: mpsc::UnboundedReceiver<Settlement>,
        mut config: watch::Receiver<Arc<config::Queue>>,
        mut stage: watch::Receiver<Stage>,
    ) {
        let mut notes = tokio::time::interval(NOTES);
        notes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let interval = self.shared.runtime.stalled_interval;
        let mut recover = tokio::time::interval(interval.mul_f64(0.95 + fastrand::f64() / 10.0));
        recover.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut recovering: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>> =
            FuturesUnordered::new();
        let mut noting: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>> =
            FuturesUnordered::new();
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut told = false;
        loop {
            self.start_some();
            while let Ok(settlement) = done.try_recv() {
                self.end(settlement);
            }
            if self.adopt && self.calls.is_empty() && self.adopt_at <= Instant::now() {
                self.give_back_orphans().await;
            }
            if self.send() {
                // It goes out before the next jobs are run, so that Redis works
                // while the guests do.
                tokio::task::yield_now().await;
            }
            let finished = self.stopping.is_some()
                && self.calls.is_empty()
                && self.ended.is_empty()
                && self.in_flight.is_empty();
            if finished {
                break;
            }
            let free = self.free();
            let limited = self.limited_until.is_some();
            // While an answer is due it says whether there is more.
            let wants = free > 0 && self.asked == 0 && !self.hungry;
            self.queue
                .arm(&self.wake, wants && !limited && self.stopping.is_none());
            let idle = self.stopping.is_none() && free > 0 && self.calls.len() < CALLS;

            tokio::select! {
                () = tokio::task::yield_now(), if !self.ready.is_empty() => {}
                Some(settlement) = done.recv() => self.end(settlement),
                Some(answer) = self.calls.next(), if !self.calls.is_empty() => self.answered(answer).await,
                ids = self.wake.mail() => {
                    let attempts = self.in_flight.all();
                    tokio::spawn(stop_cancelled(
                        self.queue.clone(),
                        attempts.into_iter().filter(|attempt| ids.contains(&attempt.job.id)).collect(),
                    ));
                }
                _ = sweep.tick(), if self.config.has_expiry() && recovering.is_empty() && self.stopping.is_none() => {
                    recovering.push(Box::pin(expire(self.queue.clone(), self.config.clone())));
                }
                () = self.wake.rung() => {
                    self.hungry = true;
                    self.woken = true;
                    if free == 0 {
                        // Somebody else may have a slot for it.
                        let queue = self.queue.clone();
                        tokio::spawn(async move { queue.pass_on().await });
                    }
                }
                () = tokio::time::sleep_until(self.look_at), if idle => {
                    self.hungry = true;
                    self.limited_until = None;
                    self.look_at = Instant::now() + POLL;
                }
                () = tokio::time::sleep_until(self.adopt_at), if self.adopt && self.calls.is_empty() => {}
                _ = notes.tick(), if noting.is_empty() && !self.in_flight.is_empty() => {
                    let (queue, attempts) = (self.queue.clone(), self.in_flight.all());
                    noting.push(Box::pin(async move {
                        if let Err(error) = queue.note(&attempts).await {
                            tracing::debug!(queue = queue.name(), %error, "progress and logs wait");
                        }
                    }));
                }
                Some(()) = noting.next(), if !noting.is_empty() => {}
                _ = recover.tick(), if recovering.is_empty() && self.stopping.is_none() => {
                    if self.doubts > 0 {
                        self.doubts -= 1;
                        self.adopt = true;
                    }
                    // A wake-up that was lost with a connection.
                    tokio::spawn(stop_cancelled(self.queue.clone(), self.in_flight.all()));
                    let queue = self.queue.clone();
                    let dead = self.dead.borrow_and_update().clone();
                    recovering.push(Box::pin(async move {
                        reap(&queue, dead).await;
                        match queue.recover().await {
                            Ok(ids) if ids.is_empty() => {}
                            Ok(ids) => tracing::warn!(queue = queue.name(), jobs = ?ids, "stalled jobs went back"),
                            Err(error) => tracing::debug!(queue = queue.name(), %error, "stalled jobs were not looked for"),
                        }
                    }));
                }
                Some(()) = recovering.next(), if !recovering.is_empty() => {}
                Ok(()) = self.dead.changed(), if recovering.is_empty() && !self.adopt => {
                    let (queue, dead) = (self.queue.clone(), self.dead.borrow_and_update().clone());
                    recovering.push(Box::pin(async move { reap(&queue, dead).await }));
                }
                Ok(()) = config.changed() => {
                    self.config = config.borrow_and_update().clone();
                    self.queue = self.shared.queue(&self.config);
                    self.shared.renewal.watch(&self.queue, self.in_flight.clone());
                    self.hungry = true;
                }
                Ok(()) = stage.changed() => {
                    if let Stage::Drain(until) = *stage.borrow_and_update() {
                        self.stopping = Some(until);
                    }
                }
                () = tokio::time::sleep_until(self.stopping.unwrap_or(self.look_at)),
                    if self.stopping.is_some() && !told =>
                {
                    told = true;
                    for attempt in self.in_flight.all() {
                        attempt.stop(Stop::Shutdown);
                    }
                }
            }
        }
        // A marker may have been popped for us after the last take.
        let _ = self.queue.pass_on().await;
    }

    fn free(&self) -> usize {
        self.config
            .concurrency
            .get()
            .saturating_sub(self.running + self.asked)
    }

    fn end(&mut self, settlement: Settlement) {
        settlement.attempt.end();
        self.running -= 1;
        self.ended.push(settlement);
    }

    /// Hand to the connection what is ready: ends, and the wish for jobs. Whether
    /// there was anything.
    fn send(&mut self) -> bool {
        let mut sent = false;
        // Nothing is taken any more while stopping, so ends need not wait.
        if self.adopt && self.stopping.is_none() {
            return sent;
        }
        while self.calls.len() < CALLS {
            let limited = self.limited_until.is_some();
            let take = if self.stopping.is_some() || limited {
                0
            } else {
                self.free().min(BATCH)
            };
            if self.ended.is_empty() && !(self.hungry && take > 0 && self.asked == 0) {
                break;
            }
            let count = self.ended.len().min(BATCH);
            let mut batch = Batch::new(self.ended.drain(..count).collect());
            if take > 0 {
                if !std::mem::take(&mut self.woken) {
                    batch = batch.continuing();
                }
                self.hungry = false;
                self.asked += take;
            }
            let mut call: Call = Box::pin(settle(self.queue.clone(), batch, take));
            // The connection gets it now, not when its answer is waited for.
            if let Some(answer) = call.as_mut().now_or_never() {
                call = Box::pin(std::future::ready(answer));
            }
            self.calls.push(call);
            sent = true;
        }
        sent
    }

    async fn answered(&mut self, answer: Answer) {
        self.asked -= answer.asked;
        self.in_flight.remove(answer.batch.attempts());
        if answer.faulty {
            self.adopt = true;
            self.doubts = 2;
        }
        let (settled, taken) = match answer.result {
            Ok(done) => done,
            Err(error) => {
                tracing::warn!(queue = self.queue.name(), %error, ends = answer.batch.len(), "jobs could not be settled or taken");
                self.hungry = false;
                self.look_at = Instant::now() + self.pause.next();
                return;
            }
        };
        self.pause = Pause::default();
        for (attempt, state) in answer.batch.attempts().zip(&settled) {
            match state {
                Settled::Now(_) => {}
                Settled::ChildFailed => self.fail_with_child(attempt),
                Settled::Lost => tracing::warn!(
                    queue = self.queue.name(),
                    job = attempt.job.id,
                    "the lock was lost: nothing was written"
                ),
            }
        }
        for (id, reason) in &taken.quarantined {
            tracing::error!(
                queue = self.queue.name(),
                job = id,
                reason,
                "a job that cannot be run was failed"
            );
        }
        settle::bury(&self.queue, &taken);
        if answer.asked > 0 {
            let now = Instant::now();
            let full = taken.jobs.len() + taken.quarantined.len() >= answer.asked;
            self.limited_until = taken.limited_for.map(|wait| now + wait);
            self.hungry |= full;
            let wait = [taken.limited_for, taken.delayed_for]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(POLL);
            self.look_at = now + wait.min(POLL);
        }
        for job in taken.jobs {
            self.begin(job, &taken.token);
        }
    }

    /// The job is still ours and cannot complete: it fails, as in Node.
    fn fail_with_child(&mut self, attempt: &Arc<Attempt>) {
        self.in_flight.insert(attempt);
        self.ended.push(Settlement {
            attempt: attempt.clone(),
            outcome: Outcome::Rejected(Failure {
                cause: Cause::Deferred,
                reason: "it cannot complete because a child has failed".to_owned(),
                frames: Vec::new(),
            }),
        });
    }

    fn begin(&mut self, job: crate::queue::Job, token: &str) {
        let config = self.config.clone();
        let settings = config.settings(&job.name);
        let attempt = Attempt::new(job, self.queue.clone(), token.to_owned(), settings.timeout);
        let attempt = Arc::new(attempt);
        self.in_flight.insert(&attempt);
        for field in &attempt.job.options.ignored {
            tracing::debug!(
                queue = self.queue.name(),
                job = attempt.job.id,
                field,
                "an option was ignored"
            );
        }
        if attempt.job.scheduler.is_some() {
            tokio::spawn(schedule(attempt.clone()));
        }
        self.running += 1;
        self.ready.push_back(attempt);
    }

    /// Start up to half of what may run: while Redis settles one half, the other
    /// is run.
    fn start_some(&mut self) {
        let began = Instant::now();
        let half = self.config.concurrency.get().div_ceil(2).min(TURN);
        for _ in 0..half {
            let Some(attempt) = self.ready.pop_front() else {
                break;
            };
            self.start(attempt);
            if began.elapsed() > TURN_TIME {
                break;
            }
        }
    }

    fn start(&mut self, attempt: Arc<Attempt>) {
        let config = self.config.clone();
        let settings = config.settings(&attempt.job.name);
        // Asked for before the stop: goes back unopened.
        let stopped = self.stopping.map(|_| Outcome::Released);
        if let Some(outcome) = stopped.or_else(|| admit::refused(&attempt, &config, settings)) {
            self.end(Settlement { attempt, outcome });
            return;
        }
        let done = self.done.clone();
        (self.shared.start)(
            attempt,
            settings,
            Box::new(move |attempt, outcome| {
                // Nobody listens only when the worker itself is gone.
                let _ = done.send(Settlement { attempt, outcome });
            }),
        );
    }

    async fn give_back_orphans(&mut self) {
        match self.queue.adopt(&self.in_flight).await {
            Ok(ids) => {
                if !ids.is_empty() {
                    tracing::info!(queue = self.queue.name(), jobs = ?ids, "jobs of a lost answer went back");
                }
                // What an earlier life of this runner held goes before new jobs.
                let dead = self.dead.borrow_and_update().clone();
                reap(&self.queue, dead).await;
                self.adopt = false;
                self.pause = Pause::default();
                self.hungry = true;
                self.woken = true;
            }
            Err(error) => {
                tracing::warn!(queue = self.queue.name(), %error, "waiting for Redis");
                self.adopt_at = Instant::now() + self.pause.next();
            }
        }
    }
}

/// Stop those of these attempts that somebody cancelled.
async fn stop_cancelled(queue: Queue, attempts: Vec<Arc<Attempt>>) {
    if let Err(error) = queue.stop_cancelled(&attempts).await {
        tracing::debug!(queue = queue.name(), %error, "cancelled jobs were not looked for");
    }
}

/// Fail jobs that have waited too long though nobody takes them.
async fn expire(queue: Queue, config: Arc<config::Queue>) {
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

/// Put back the jobs of processes that have died. After an error the next check
/// for stalled jobs does it.
async fn reap(queue: &Queue, dead: Option<Arc<Dead>>) {
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

/// Keep the schedule of a job that starts going. Repeating it is harmless.
async fn schedule(attempt: Arc<Attempt>) {
    let (queue, job) = (&attempt.queue, &attempt.job);
    let Some(scheduler) = &job.scheduler else {
        return;
    };
    let until = Instant::now() + queue.settings().lock;
    let mut pause = Pause::default();
    loop {
        match queue.schedule_next(job, scheduler).await {
            Ok(_) => return,
            Err(error) if error.is_transient() && Instant::now() < until => {
                tokio::time::sleep(pause.next()).await;
            }
            Err(error) => {
                tracing::error!(queue = queue.name(), job = job.id, %error, "the next run was not scheduled");
                return;
            }
        }
    }
}
