//! From a job that was taken to an attempt that runs and reports how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::run::Run;
use super::{admit, next_run};
use crate::bug;
use crate::outcome::Outcome;
use crate::queue::{Attempt, Job, Settlement};

/// Jobs started at most before the connection has its turn again.
const TURN: usize = 32;
/// How long starting jobs may take before the connection has its turn again: a
/// job that is run at once takes 10 µs or so, but some take more.
const TURN_TIME: Duration = Duration::from_micros(500);
/// Types of backoffs that are told of: a producer may make up any number.
const TOLD: usize = 100;

impl Run {
    /// Enter a job that was taken. It starts in a later turn.
    pub(super) fn begin(&mut self, job: Job, token: &str) {
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
        self.tell_backoff(&attempt);
        self.running += 1;
        if attempt.job.scheduler.is_some() {
            let written = next_run::written(self.queue.clone(), attempt, self.stages.clone());
            self.scheduling.push(Box::pin(written));
        } else {
            self.ready.push_back(attempt);
        }
    }

    /// Say once of each backoff how its jobs wait, where neither their producer nor
    /// `queues.toml` does.
    fn tell_backoff(&mut self, attempt: &Attempt) {
        let Some(backoff) = &attempt.job.options.backoff else {
            return;
        };
        let found = |name: &str| self.config.backoffs.find(name).is_some();
        let (kind, waits) = match (&backoff.custom, backoff.delay) {
            (Some(custom), _) if found(custom) => return,
            (None, Some(_)) => return,
            (Some(custom), Some(_)) => (custom.as_str(), "its delay each time"),
            (Some(custom), None) => (custom.as_str(), "1s, doubled each time up to 1h"),
            (None, None) => (backoff.kind.name(), "as with a delay of 1s"),
        };
        if self.told.len() < TOLD && self.told.insert(kind.to_owned()) {
            let declare = backoff.custom.as_ref();
            let declare = declare.map(|name| format!("[backoff.{name:?}]"));
            tracing::warn!(
                queue = self.queue.name(),
                job = attempt.job.id,
                backoff = kind,
                waits,
                declare,
                "the backoff of a job does not say how long it waits"
            );
        }
    }

    /// Start up to half of what may run: while Redis settles one half, the other
    /// is run.
    pub(super) fn start_some(&mut self) {
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
        let stopped = if attempt.lost() {
            Some(Outcome::Lost)
        } else if !self.is_working() {
            // It was asked for before the stop, and returns unopened.
            Some(Outcome::Released)
        } else {
            None
        };
        let refused = bug::caught(|| admit::refused(&attempt, &config, settings));
        let refused = refused.unwrap_or_else(|text| Some(bug::outcome(&text)));
        if let Some(outcome) = stopped.or(refused) {
            self.end(Settlement { attempt, outcome });
            return;
        }
        let ending = Ending {
            attempt: Some(attempt.clone()),
            reports: self.reports.clone(),
        };
        // When this panics, the dropped ending reports it.
        let _ = bug::caught(|| {
            (self.shared.start)(
                attempt,
                settings,
                Box::new(move |_, outcome| ending.report(outcome)),
            );
        });
    }
}

/// Reports to the worker how an attempt has ended, exactly once: if whoever was to
/// report it panics, dropping this does.
struct Ending {
    /// `None` once it is reported.
    attempt: Option<Arc<Attempt>>,
    reports: mpsc::UnboundedSender<Settlement>,
}

impl Ending {
    fn report(mut self, outcome: Outcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.take() {
            // Nobody listens only when the worker itself is gone.
            let _ = self.reports.send(Settlement { attempt, outcome });
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.send(bug::outcome("the attempt was dropped"));
    }
}
