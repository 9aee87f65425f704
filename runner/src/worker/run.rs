//! The loop of a worker: what it knows, what it waits for, and what it does about
//! each event. How jobs are asked for and settled is in [`calls`](super::calls), how
//! they are started in [`start`](super::start), the chores in
//! [`upkeep`](super::upkeep).

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, sleep_until};

use super::asking::Asking;
use super::orphans::Orphans;
use super::settle::Answer;
use super::shared::{Shared, Stage};
use super::upkeep::{self, Chore};
use crate::config;
use crate::queue::{Attempt, Dead, InFlight, Queue, Settlement, Stop, Wake};

/// Settle calls under way at once: while one is on the wire the next one forms.
pub(super) const CALLS: usize = 2;
/// How often waiting jobs that may have expired are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How often progress and log lines of running jobs are written.
const NOTES: Duration = Duration::from_millis(250);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One life of a worker. It ends when the worker is drained or panics; the locks of
/// jobs that it then still holds are found by the next life, or expire.
pub(super) struct Run {
    /// What all workers of the process share.
    pub(super) shared: Shared,
    /// The queue's settings in force; an attempt keeps those it began with.
    pub(super) config: Arc<config::Queue>,
    /// The queue in Redis. Replaced together with `config`.
    pub(super) queue: Queue,
    /// How far the end of the worker has come.
    pub(super) life: Life,

    /// Jobs from take to settle. The renewal thread reads it and keeps their locks;
    /// what is struck off here loses its lock in time.
    pub(super) in_flight: Arc<InFlight>,
    /// Taken jobs that start once the next run of their scheduler is written.
    pub(super) scheduling: FuturesUnordered<Boxed<Result<Arc<Attempt>, Settlement>>>,
    /// Taken jobs that can start, in the order in which they were taken.
    pub(super) ready: VecDeque<Arc<Attempt>>,
    /// Attempts that have not ended, whether they have started or not: each holds a
    /// slot.
    pub(super) running: usize,
    /// Attempts that have ended, until a call takes them to Redis.
    pub(super) ended: Vec<Settlement>,
    /// Given to each attempt, which reports its end to `ends`.
    pub(super) reports: mpsc::UnboundedSender<Settlement>,
    ends: mpsc::UnboundedReceiver<Settlement>,

    /// Settle calls under way, at most [`CALLS`].
    pub(super) calls: FuturesUnordered<Boxed<Answer>>,
    /// Whether and when Redis is asked for jobs.
    pub(super) asking: Asking,
    /// When jobs of lost replies are searched for. Until that is done nothing is
    /// settled or taken, unless the worker is stopping.
    pub(super) orphans: Orphans,

    /// Types of backoffs that were told of.
    pub(super) told: BTreeSet<String>,

    /// Where markers and wishes to cancel arrive.
    wake: Arc<Wake>,
    /// The settings that are to be in force.
    configs: watch::Receiver<Arc<config::Queue>>,
    /// What the owner of the worker wants of it.
    pub(super) stages: watch::Receiver<Stage>,
    /// Processes found dead, whose jobs go back. The renewal thread writes it.
    pub(super) dead: watch::Receiver<Option<Arc<Dead>>>,

    /// When notes are written.
    notes: Interval,
    /// When stalled jobs are looked for.
    checks: Interval,
    /// When waiting jobs are looked through for expired ones.
    sweeps: Interval,
    /// The writing of notes, at most one at a time.
    noting: Chore,
    /// The search for jobs of dead workers or for expired ones, at most one at a
    /// time.
    searching: Chore,
}

/// How far the end of a worker has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It takes jobs and runs them.
    Working,
    /// It takes nothing more; attempts may end by themselves until the instant.
    Draining(Instant),
    /// All attempts were told to stop. It ends when they have been settled.
    Stopping,
}

/// What the loop waits for.
enum Event {
    /// Jobs are ready, or orphans can be searched for: the next turn sees to it.
    Turn,
    /// An attempt has ended.
    Ended(Settlement),
    /// A settle call is done.
    Answered(Answer),
    /// The next run of a scheduled job is written, or the job is not to start.
    Scheduled(Result<Arc<Attempt>, Settlement>),
    /// A marker came: there are jobs.
    Rung,
    /// Nothing has come for long, or a limit or rest is over.
    Look,
    /// Somebody wishes these jobs to be cancelled.
    Cancelled(Vec<String>),
    /// It is time to write notes.
    Notes,
    /// It is time to look for stalled jobs.
    Check,
    /// It is time to look for expired jobs.
    Sweep,
    /// A chore is done.
    ChoreDone,
    /// A process was found dead.
    Died,
    /// The settings have changed.
    Configured,
    /// The owner wants the worker to end.
    Staged,
    /// The time in which attempts may end by themselves is over.
    GraceOver,
}

impl Run {
    pub(super) fn new(
        shared: Shared,
        mut configs: watch::Receiver<Arc<config::Queue>>,
        stages: watch::Receiver<Stage>,
        in_flight: Arc<InFlight>,
    ) -> Run {
        let config = configs.borrow_and_update().clone();
        let queue = shared.queue(&config);
        shared.renewal.watch(&queue, in_flight.clone());
        #[expect(clippy::disallowed_methods, reason = "a message per slot at most")]
        let (reports, ends) = mpsc::unbounded_channel();
        // Runners that started together do not check together.
        let check = shared.runtime.stalled_interval;
        let check = check.mul_f64(0.95 + fastrand::f64() / 10.0);
        let mut run = Run {
            wake: queue.enter_markers(),
            dead: shared.renewal.dead(),
            shared,
            config,
            queue,
            life: Life::Working,
            in_flight,
            scheduling: FuturesUnordered::new(),
            ready: VecDeque::new(),
            running: 0,
            ended: Vec::new(),
            reports,
            ends,
            calls: FuturesUnordered::new(),
            asking: Asking::new(),
            orphans: Orphans::new(),
            told: BTreeSet::new(),
            configs,
            stages,
            notes: upkeep::every(NOTES),
            checks: upkeep::every(check),
            sweeps: upkeep::every(SWEEP),
            noting: Chore::default(),
            searching: Chore::default(),
        };
        run.take_stage();
        run
    }

    /// Work until the worker is drained and its last job settled.
    pub(super) async fn run(mut self) {
        loop {
            self.start_some();
            while let Ok(settlement) = self.ends.try_recv() {
                self.end(settlement);
            }
            let search = self.orphans.search_at();
            if self.calls.is_empty() && search.is_some_and(|at| at <= Instant::now()) {
                self.return_orphans().await;
            }
            if self.send() {
                // It goes out before the next jobs are run, so that Redis works
                // while the guests do.
                tokio::task::yield_now().await;
            }
            if self.is_done() {
                break;
            }
            let awaits = self.is_working() && self.free() > 0 && self.asking.awaits_marker();
            self.queue.arm(&self.wake, awaits);
            let event = self.next().await;
            self.handle(event);
        }
        // A marker may have been popped for us after the last take.
        let _ = self.queue.pass_on().await;
    }

    /// Wait for the next event.
    async fn next(&mut self) -> Event {
        let works = self.is_working();
        let looks = works && self.free() > 0 && self.calls.len() < CALLS;
        let search = self.orphans.search_at();
        let searches = search.filter(|_| self.calls.is_empty());
        let idle = self.searching.is_idle();
        let grace = match self.life {
            Life::Draining(until) => Some(until),
            Life::Working | Life::Stopping => None,
        };
        tokio::select! {
            () = tokio::task::yield_now(), if !self.ready.is_empty() => Event::Turn,
            Some(settlement) = self.ends.recv() => Event::Ended(settlement),
            Some(answer) = self.calls.next(), if !self.calls.is_empty() => Event::Answered(answer),
            Some(written) = self.scheduling.next(), if !self.scheduling.is_empty() => {
                Event::Scheduled(written)
            }
            () = self.wake.rung() => Event::Rung,
            ids = self.wake.mail() => Event::Cancelled(ids),
            () = sleep_until(self.asking.look_at()), if looks => Event::Look,
            () = until(searches), if searches.is_some() => Event::Turn,
            () = until(grace), if grace.is_some() => Event::GraceOver,
            _ = self.notes.tick(), if self.noting.is_idle() && !self.in_flight.is_empty() => {
                Event::Notes
            }
            _ = self.sweeps.tick(), if idle && works && self.config.has_expiry() => Event::Sweep,
            _ = self.checks.tick(), if idle && works => Event::Check,
            () = self.noting.done(), if !self.noting.is_idle() => Event::ChoreDone,
            () = self.searching.done(), if !idle => Event::ChoreDone,
            Ok(()) = self.dead.changed(), if idle && search.is_none() => Event::Died,
            Ok(()) = self.configs.changed() => Event::Configured,
            Ok(()) = self.stages.changed() => Event::Staged,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Turn | Event::ChoreDone => {}
            Event::Ended(settlement) | Event::Scheduled(Err(settlement)) => self.end(settlement),
            Event::Scheduled(Ok(attempt)) => self.ready.push_back(attempt),
            Event::Answered(answer) => self.answered(answer),
            Event::Rung => self.rung(),
            Event::Look => self.asking.look(),
            Event::Cancelled(ids) => {
                let mut attempts = self.in_flight.all();
                attempts.retain(|attempt| ids.contains(&attempt.job.id));
                tokio::spawn(upkeep::stop_cancelled(self.queue.clone(), attempts));
            }
            Event::Notes => {
                let attempts = self.in_flight.all();
                self.noting
                    .begin(upkeep::note(self.queue.clone(), attempts));
            }
            Event::Check => self.check(),
            Event::Sweep => {
                let (queue, config) = (self.queue.clone(), self.config.clone());
                let died = self.shared.died.clone();
                self.searching.begin(upkeep::expire(queue, config, died));
            }
            Event::Died => {
                let (queue, dead) = (self.queue.clone(), self.dead.borrow_and_update().clone());
                let reap = async move { upkeep::reap(&queue, dead).await };
                self.searching.begin(reap);
            }
            Event::Configured => self.configure(),
            Event::Staged => self.take_stage(),
            Event::GraceOver => {
                self.life = Life::Stopping;
                for attempt in self.in_flight.all() {
                    attempt.stop(Stop::Shutdown);
                }
            }
        }
    }

    fn rung(&mut self) {
        self.asking.wake();
        if self.free() == 0 {
            // Somebody else may have a slot for it.
            let queue = self.queue.clone();
            tokio::spawn(async move { queue.pass_on().await });
        }
    }

    /// Look for jobs that stalled, or whose runner died.
    fn check(&mut self) {
        self.orphans.check();
        // The mail about a wish may have been lost with a connection.
        let held = self.in_flight.all();
        tokio::spawn(upkeep::stop_cancelled(self.queue.clone(), held));
        let (queue, dead) = (self.queue.clone(), self.dead.borrow_and_update().clone());
        self.searching.begin(upkeep::recover(queue, dead));
    }

    /// Go on with the settings that are to be in force.
    fn configure(&mut self) {
        self.config = self.configs.borrow_and_update().clone();
        let gates = self.queue.settings().gates.clone();
        self.queue = self.shared.queue(&self.config);
        if gates != self.queue.settings().gates {
            tokio::spawn(upkeep::open_gates(self.queue.clone()));
        }
        let in_flight = self.in_flight.clone();
        self.shared.renewal.watch(&self.queue, in_flight);
        self.asking.suspect();
    }

    fn take_stage(&mut self) {
        if let Stage::Drain(until) = *self.stages.borrow_and_update()
            && self.life != Life::Stopping
        {
            self.life = Life::Draining(until);
        }
    }

    pub(super) fn is_working(&self) -> bool {
        self.life == Life::Working
    }

    fn is_done(&self) -> bool {
        !self.is_working()
            && self.calls.is_empty()
            && self.ended.is_empty()
            && self.in_flight.is_empty()
    }

    /// Slots without a job that runs or may come.
    pub(super) fn free(&self) -> usize {
        let used = self.running + self.asking.due();
        self.config.concurrency.get().saturating_sub(used)
    }

    /// An attempt has ended: its slot is free, and the next call settles it.
    pub(super) fn end(&mut self, settlement: Settlement) {
        settlement.attempt.end();
        self.running -= 1;
        self.ended.push(settlement);
    }
}

/// Until an instant; for ever without one.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
