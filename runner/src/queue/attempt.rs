//! One attempt of one job: the job, the lock that is held on it, the signal
//! that stops it, and what it has said so far but Redis does not know yet.
//!
//! Written by the guest's host calls (progress, log), by the worker's
//! housekeeping (stop, flush) and read at settle. It lives from take to settle.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::cost::{Cost, Ended};
use crate::queue::handle::Queue;
use crate::queue::stored::job::Job;
use crate::trace;

/// Why an attempt is stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stop {
    /// Its timeout passed.
    Deadline = 1,
    /// Its lock is no longer ours; nothing may be written.
    LockLost = 2,
    /// The process shuts down or the queue is removed: hand the job back.
    Shutdown = 3,
    /// Somebody cancelled the job.
    Cancelled = 4,
    /// The job was removed; nothing may be written.
    Removed = 5,
}

impl Stop {
    /// Whether the job is no longer ours.
    pub fn is_loss(self) -> bool {
        matches!(self, Stop::LockLost | Stop::Removed)
    }

    fn of(code: u8) -> Option<Stop> {
        match code {
            1 => Some(Stop::Deadline),
            2 => Some(Stop::LockLost),
            3 => Some(Stop::Shutdown),
            4 => Some(Stop::Cancelled),
            5 => Some(Stop::Removed),
            _ => None,
        }
    }
}

/// What a running job has said and Redis does not know yet.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Notes {
    /// The latest progress, JSON text.
    pub progress: Option<String>,
    /// New log lines, oldest first.
    pub logs: Vec<String>,
}

impl Notes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.progress.is_none() && self.logs.is_empty()
    }

    /// Put these before what was noted since.
    pub(in crate::queue) fn follow(&mut self, earlier: Notes) {
        let later = std::mem::replace(&mut self.logs, earlier.logs);
        self.logs.extend(later);
        if self.progress.is_none() {
            self.progress = earlier.progress;
        }
    }
}

/// Beside the reasons of [`Stop`]: there is nothing to stop any more.
const ENDED: u8 = u8::MAX;

/// Where a job is.
#[derive(Debug)]
enum Home {
    /// In this queue.
    Queue(Queue),
    /// In no Redis; what a queue of this name would have is tried.
    Trial(String),
}

/// One attempt of one job.
#[derive(Debug)]
pub struct Attempt {
    /// The job.
    pub job: Job,
    home: Home,
    /// The value of the job's lock, unique for this attempt.
    pub token: String,
    /// When it was taken, for durations.
    pub started: Instant,
    /// When it could begin, if its schedule had to be written first.
    ready: OnceLock<Instant>,
    /// Its wall-clock limit.
    pub timeout: Duration,
    /// What runs it, set by the executor and stored with the job as `rv`:
    /// `otp-sender@a1b2c3d4e5f6`.
    pub ran: OnceLock<String>,
    /// What it has cost so far.
    pub cost: Arc<Cost>,
    /// Its span, where spans are sent.
    span: OnceLock<trace::Context>,
    /// Why it was cancelled.
    cancelled: OnceLock<String>,
    stop: AtomicU8,
    wake: Notify,
    notes: Mutex<Notes>,
}

impl Attempt {
    /// An attempt of a job of this queue that begins now.
    pub fn new(job: Job, queue: Queue, token: String, timeout: Duration) -> Self {
        Attempt::of(job, Home::Queue(queue), token, timeout)
    }

    /// An attempt that begins now of a job that is in no Redis, as if it came from a
    /// queue of this name.
    pub fn trial(job: Job, queue: &str, timeout: Duration) -> Self {
        Attempt::of(job, Home::Trial(queue.to_owned()), String::new(), timeout)
    }

    fn of(job: Job, home: Home, token: String, timeout: Duration) -> Self {
        Attempt {
            job,
            home,
            token,
            started: Instant::now(),
            ready: OnceLock::new(),
            timeout,
            ran: OnceLock::new(),
            cost: Arc::default(),
            span: OnceLock::new(),
            cancelled: OnceLock::new(),
            stop: AtomicU8::new(0),
            wake: Notify::new(),
            notes: Mutex::default(),
        }
    }

    /// The queue it came from; none for a trial.
    pub fn queue(&self) -> Option<&Queue> {
        match &self.home {
            Home::Queue(queue) => Some(queue),
            Home::Trial(_) => None,
        }
    }

    /// The name of its queue.
    pub fn queue_name(&self) -> &str {
        match &self.home {
            Home::Queue(queue) => queue.name(),
            Home::Trial(name) => name,
        }
    }

    /// It has waited for something else than a slot until now.
    pub(crate) fn ready(&self) {
        let _ = self.ready.set(Instant::now());
    }

    /// It has a span of its own from now on.
    pub fn trace_as(&self, span: trace::Context) {
        let _ = self.span.set(span);
    }

    /// What its requests and the jobs it adds belong to: its own span, or where no spans
    /// are sent that of its producer.
    pub fn trace(&self) -> Option<trace::Context> {
        self.span.get().copied().or(self.job.options.trace)
    }

    /// When the timeout passes.
    pub fn deadline(&self) -> Instant {
        *self.ready.get().unwrap_or(&self.started) + self.timeout
    }

    /// What it has cost, as it is stored: `end` says how it ended, unless the job's own
    /// fields do. Nothing was spent if nothing ran it.
    pub(in crate::queue) fn spent(&self, end: Option<&str>) -> Option<String> {
        let by = self.ran.get()?;
        let how = end.map(|end| Ended {
            n: self.job.starts,
            at: self.job.started_at,
            ran: self.started.elapsed().as_millis() as u64,
            by,
            on: self.queue().map_or("", |queue| &queue.settings().runner),
            end,
        });
        Some(self.cost.stored(how.as_ref()))
    }

    /// Ask the guest to end. The first reason stays, except that the loss of the
    /// job overrules the others. False when the guest has ended already.
    pub fn stop(&self, why: Stop) -> bool {
        let lost = |old| Stop::of(old).is_some_and(Stop::is_loss);
        let change = |old| {
            let overruled = why.is_loss() && old != ENDED && !lost(old);
            (old == 0 || overruled).then_some(why as u8)
        };
        let old = self
            .stop
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
            .unwrap_or_else(|old| old);
        self.wake.notify_one();
        old != ENDED
    }

    /// Ask the guest to end because somebody cancelled the job, for this reason.
    pub(crate) fn cancel(&self, reason: &str) {
        let _ = self.cancelled.set(reason.to_owned());
        self.stop(Stop::Cancelled);
    }

    /// The reason it was cancelled for.
    pub fn cancel_reason(&self) -> &str {
        self.cancelled.get().map_or("cancelled", String::as_str)
    }

    /// The guest has ended and its outcome is on the way to Redis: from now on
    /// a missing lock means that it was settled.
    pub fn end(&self) {
        // A job that was lost before stays lost.
        let change = |old| (!Stop::of(old).is_some_and(Stop::is_loss)).then_some(ENDED);
        let _ = self
            .stop
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    /// Whether it was asked to end, and why.
    pub fn stopped(&self) -> Option<Stop> {
        Stop::of(self.stop.load(Ordering::Acquire))
    }

    /// Wait until it is asked to end. One waiter at a time.
    pub async fn stopping(&self) -> Stop {
        loop {
            if let Some(why) = self.stopped() {
                return why;
            }
            self.wake.notified().await;
        }
    }

    /// Whether the lock is known to be lost or the job to be removed: from then on
    /// every host call that writes is refused.
    pub fn lost(&self) -> bool {
        self.stopped().is_some_and(Stop::is_loss)
    }

    /// Change the pending notes.
    pub fn note(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes.lock().expect("no panic while notes are held"));
    }

    /// Take the pending notes for writing.
    pub fn take_notes(&self) -> Notes {
        std::mem::take(&mut self.notes.lock().expect("no panic while notes are held"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        let timeout = Duration::from_secs(60);
        Attempt::trial(Job::default(), "q", timeout)
    }

    #[test]
    fn the_timeout_begins_when_the_attempt_can() {
        let attempt = attempt();
        assert_eq!(attempt.deadline(), attempt.started + attempt.timeout);
        std::thread::yield_now();
        attempt.ready();
        let began = *attempt.ready.get().unwrap();
        assert!(began > attempt.started);
        assert_eq!(attempt.deadline(), began + attempt.timeout);
    }

    #[test]
    fn the_first_reason_to_stop_stays_but_for_the_loss_of_the_job() {
        for loss in [Stop::LockLost, Stop::Removed] {
            let attempt = attempt();
            assert!(attempt.stop(Stop::Shutdown));
            attempt.stop(Stop::Cancelled);
            assert_eq!(attempt.stopped(), Some(Stop::Shutdown));
            attempt.stop(loss);
            attempt.stop(Stop::LockLost);
            attempt.end();
            assert_eq!((attempt.stopped(), attempt.lost()), (Some(loss), true));
        }
        let ended = attempt();
        ended.end();
        assert!(!ended.stop(Stop::Removed));
        assert!(!ended.lost());
    }
}
