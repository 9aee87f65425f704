//! The calls of a worker to Redis: what each one settles and asks for, and what its
//! answer means.

use std::sync::Arc;

use futures::FutureExt;

use super::asking::Appetite;
use super::run::{CALLS, Run};
use super::settle::{Answer, bury, settle};
use super::upkeep::{fail_unnamed, open_gates, reap};
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::{Attempt, Batch, Settled, Settlement, Taken};
use crate::telemetry::limit::limited;

/// Ends, and jobs, in one call: a script with this many holds Redis for about 1 ms.
const BATCH: usize = 64;

impl Run {
    /// Hand to the connection what is ready: ends, and the wish for jobs. Returns
    /// whether there was anything.
    pub(super) fn send(&mut self) -> bool {
        let mut sent = false;
        // Nothing is taken any more while stopping, so ends need not wait.
        if self.is_working() && self.orphans.search_at().is_some() {
            return sent;
        }
        while self.calls.len() < CALLS {
            let take = match self.is_working() && self.asking.may_take() {
                true => self.free().min(BATCH),
                false => 0,
            };
            if self.ended.is_empty() && !(take > 0 && self.asking.is_hungry()) {
                break;
            }
            let count = self.ended.len().min(BATCH);
            let mut batch = Batch::new(self.ended.drain(..count).collect());
            if take > 0 && self.asking.ask(take) != Appetite::Woken {
                batch = batch.continuing();
            }
            let mut call = settle(self.queue.clone(), batch, take).boxed();
            // The connection gets it now, not when its answer is waited for.
            if let Some(answer) = call.as_mut().now_or_never() {
                call = std::future::ready(answer).boxed();
            }
            self.calls.push(call);
            sent = true;
        }
        sent
    }

    /// Take in the answer of a call.
    pub(super) fn answered(&mut self, answer: Answer) {
        self.asking.arrived(answer.asked);
        self.in_flight.remove(answer.batch.attempts());
        if answer.faulty {
            self.orphans.suspect();
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
                    results = answer.batch.len()
                );
                self.asking.failed();
                return;
            }
        };
        self.asking.served();
        for (attempt, settled) in answer.batch.attempts().zip(settled) {
            self.settled(attempt, settled);
        }
        self.look_after(&taken);
        if answer.asked > 0 {
            let removed = taken.quarantined.len() + taken.unnamed.len();
            let full = taken.jobs.len() + removed >= answer.asked;
            let (limited, delayed) = (taken.limited_for, taken.delayed_for);
            self.asking.learn(full, limited, delayed);
        }
        for job in taken.jobs {
            self.begin(job, &taken.token);
        }
    }

    /// See to an end that was not written.
    fn settled(&mut self, attempt: &Arc<Attempt>, settled: Settled) {
        match settled {
            Settled::Now(_) | Settled::Left => {}
            Settled::ChildFailed(command) => self.fail_with_child(attempt, command),
            Settled::Removed => limited!(
                warn,
                self.queue.name(),
                "the job was removed while it ran: its result was not saved",
                queue = self.queue.name(),
                job = attempt.job.id
            ),
            Settled::Lost => limited!(
                warn,
                self.queue.name(),
                "the lock was lost: the job's result was not saved",
                queue = self.queue.name(),
                job = attempt.job.id
            ),
        }
    }

    /// See to jobs that cannot be run as they are stored, and to copies that are
    /// missing in the dead letter queue.
    fn look_after(&self, taken: &Taken) {
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
        bury(&self.queue, taken, &self.shared.died);
        if !taken.unnamed.is_empty() {
            let (ids, token) = (taken.unnamed.clone(), taken.token.clone());
            tokio::spawn(fail_unnamed(self.queue.clone(), ids, token));
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

    /// Return the jobs of lost replies, and of processes that died.
    pub(super) async fn return_orphans(&mut self) {
        match self.queue.adopt(&self.in_flight).await {
            Ok(ids) => {
                if !ids.is_empty() {
                    tracing::info!(queue = self.queue.name(), jobs = ?ids, "jobs whose reply was lost were returned to the queue");
                }
                // What an earlier life of this runner held goes before new jobs.
                let dead = self.dead.borrow_and_update().clone();
                reap(&self.queue, dead).await;
                // Gates may have been others then.
                tokio::spawn(open_gates(self.queue.clone()));
                self.orphans.found();
                self.asking.wake();
            }
            Err(error) => {
                self.queue.redis().outage().failed(&error);
                limited!(warn, self.queue.name(), "waiting for Redis", queue = self.queue.name(), %error);
                self.orphans.retry_in(self.asking.next_pause());
            }
        }
    }
}
