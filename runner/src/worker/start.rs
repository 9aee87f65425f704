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
        self.running += 1;
        if attempt.job.scheduler.is_some() {
            let written = next_run::written(self.queue.clone(), attempt, self.stages.clone());
            self.scheduling.push(Box::pin(written));
        } else {
            self.ready.push_back(attempt);
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
