//! The loop of a worker: what it waits for and what it does then.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::settle::{Answer, bury, settle};
use super::upkeep::{expire, fail_unnamed, open_gates, reap, stop_cancelled};
use super::{Shared, Stage, admit, next_run};
use crate::bug;
use crate::config;
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::{
    Attempt, Batch, Dead, InFlight, Job, Pause, Queue, Settled, Settlement, Stop, Wake,
};
use crate::telemetry::limit::limited;

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

type Call = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Scheduling = Pin<Box<dyn Future<Output = Result<Arc<Attempt>, Settlement>> + Send>>;

/// One life of a worker: what it knows and what is under way.
pub(super) struct Run {
    shared: Shared,
    config: Arc<config::Queue>,
    pub(super) queue: Queue,
    in_flight: Arc<InFlight>,
    wake: Arc<Wake>,
    done: mpsc::UnboundedSender<Settlement>,
    stage: watch::Receiver<Stage>,
    /// Taken, and their next run is not written yet.
    scheduling: FuturesUnordered<Scheduling>,
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
    /// Nothing is taken until then: the last call was refused.
    rest_until: Instant,
    pause: Pause,
    /// Since when running jobs are to be stopped.
    stopping: Option<Instant>,
}

impl Run {
    pub(super) fn new(
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
            stage: stage.clone(),
            scheduling: FuturesUnordered::new(),
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
            rest_until: now,
            pause: Pause::default(),
            stopping: match *stage.borrow() {
                Stage::Run => None,
                Stage::Drain(until) => Some(until),
            },
        }
    }

    pub(super) async fn run(
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
                Some(written) = self.scheduling.next(), if !self.scheduling.is_empty() => match written {
                    Ok(attempt) => self.ready.push_back(attempt),
                    Err(settlement) => self.end(settlement),
                },
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
                    let gates = self.queue.settings().gates.clone();
                    self.queue = self.shared.queue(&self.config);
                    if gates != self.queue.settings().gates {
                        tokio::spawn(open_gates(self.queue.clone()));
                    }
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
            let rests = self.limited_until.is_some() || Instant::now() < self.rest_until;
            let take = if self.stopping.is_some() || rests {
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
                limited!(
                    warn,
                    self.queue.name(),
                    "jobs could not be settled or taken",
                    queue = self.queue.name(),
                    %error,
                    ends = answer.batch.len()
                );
                self.hungry = false;
                self.rest_until = Instant::now() + self.pause.next();
                self.look_at = self.rest_until;
                return;
            }
        };
        self.pause = Pause::default();
        for (attempt, state) in answer.batch.attempts().zip(&settled) {
            match state {
                Settled::Now(_) | Settled::Left => {}
                Settled::ChildFailed(command) => self.fail_with_child(attempt, command),
                Settled::Removed => limited!(
                    warn,
                    self.queue.name(),
                    "the job was removed while it ran: nothing was written",
                    queue = self.queue.name(),
                    job = attempt.job.id
                ),
                Settled::Lost => limited!(
                    warn,
                    self.queue.name(),
                    "the lock was lost: nothing was written",
                    queue = self.queue.name(),
                    job = attempt.job.id
                ),
            }
        }
        for (id, reason) in &taken.quarantined {
            limited!(
                error,
                &format!("{}: {reason}", self.queue.name()),
                "a job cannot be run",
                queue = self.queue.name(),
                job = id,
                reason
            );
        }
        bury(&self.queue, &taken);
        if !taken.unnamed.is_empty() {
            let (ids, token) = (taken.unnamed.clone(), taken.token.clone());
            tokio::spawn(fail_unnamed(self.queue.clone(), ids, token));
        }
        if answer.asked > 0 {
            let now = Instant::now();
            let taken_out = taken.quarantined.len() + taken.unnamed.len();
            let full = taken.jobs.len() + taken_out >= answer.asked;
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

    /// The job is still ours and cannot complete: it fails, in the words of Node's
    /// worker, which people match.
    fn fail_with_child(&mut self, attempt: &Arc<Attempt>, command: &str) {
        let reason = format!(
            "Cannot complete job {} because it has at least one failed child. {command}",
            attempt.job.id
        );
        self.in_flight.insert(attempt);
        self.ended.push(Settlement {
            attempt: attempt.clone(),
            outcome: Outcome::Rejected(Failure {
                cause: Cause::Deferred,
                reason,
                frames: Vec::new(),
            }),
        });
    }

    fn begin(&mut self, job: Job, token: &str) {
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
        self.running += 1;
        if attempt.job.scheduler.is_some() {
            let written = next_run::written(attempt, self.stage.clone());
            self.scheduling.push(Box::pin(written));
        } else {
            self.ready.push_back(attempt);
        }
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
        let stopped = match attempt.lost() {
            true => Some(Outcome::Lost),
            false => self.stopping.map(|_| Outcome::Released),
        };
        let refused = bug::caught(|| admit::refused(&attempt, &config, settings));
        let refused = refused.unwrap_or_else(|text| Some(bug::outcome(&text)));
        if let Some(outcome) = stopped.or(refused) {
            self.end(Settlement { attempt, outcome });
            return;
        }
        let ending = Ending {
            attempt: Some(attempt.clone()),
            done: self.done.clone(),
        };
        // It tells of itself when it is dropped.
        let _ = bug::caught(|| {
            (self.shared.start)(
                attempt,
                settings,
                Box::new(move |_, outcome| ending.tell(outcome)),
            );
        });
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
                // Gates may have been others then.
                tokio::spawn(open_gates(self.queue.clone()));
                self.adopt = false;
                self.hungry = true;
                self.woken = true;
            }
            Err(error) => {
                self.queue.redis().outage().failed(&error);
                limited!(warn, self.queue.name(), "waiting for Redis", queue = self.queue.name(), %error);
                self.adopt_at = Instant::now() + self.pause.next();
            }
        }
    }
}

/// Tells the worker how an attempt has ended, exactly once: whoever was to tell it
/// and panicked has dropped it.
struct Ending {
    attempt: Option<Arc<Attempt>>,
    done: mpsc::UnboundedSender<Settlement>,
}

impl Ending {
    fn tell(mut self, outcome: Outcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.take() {
            // Nobody listens only when the worker itself is gone.
            let _ = self.done.send(Settlement { attempt, outcome });
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.send(bug::outcome("the attempt was dropped"));
    }
}
