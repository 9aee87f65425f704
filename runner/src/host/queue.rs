//! `runner:plugin/queue`: add jobs to declared queues.

use std::time::Duration;

use super::writes::{Target, ended};
use super::{Effect, State};
use crate::config::{Backoff, BackoffKind, JobDefaults, Keep};
use crate::contract::check_json;
use crate::cost::Kind;
use crate::queue::{self, ChildFailure, Deduplication, FlowJob, NewJob};
use runner_bindings::runner::plugin::queue as wit;
use runner_bindings::runner::plugin::queue::{Error, Host};

impl Host for State {
    async fn add(&mut self, queue: String, job: wit::NewJob) -> Result<String, Error> {
        let ids = self.add_bulk(queue, vec![job]).await?;
        Ok(ids.into_iter().next().expect("one id for one job"))
    }

    async fn add_bulk(
        &mut self,
        queue: String,
        jobs: Vec<wit::NewJob>,
    ) -> Result<Vec<String>, Error> {
        self.refuse_lost().map_err(Error::Lost)?;
        let target = self.target(&queue)?;
        self.afford(jobs.len())?;
        let mut jobs: Vec<NewJob> = jobs
            .into_iter()
            .map(|job| self.checked(&target, job))
            .collect::<Result<_, _>>()
            .map_err(Error::Invalid)?;
        let size = jobs.iter().map(size).sum();
        self.budget.spend(size).map_err(Error::Limit)?;
        let target = match target {
            Target::Queue(target) => target,
            Target::Record(_) => {
                let jobs = jobs.into_iter();
                return Ok(self.record(jobs.map(|job| (queue.clone(), job, false))));
            }
        };
        let call = self.attempt.cost.begin(Kind::Add, &queue);
        if let Some(trace) = self.attempt.trace() {
            let trace = Some(trace.with_span(call.span()));
            jobs.iter_mut().for_each(|job| job.trace = trace);
        }
        let _turn = self.writes.turn(size).await;
        let added = target.add(&jobs).await;
        ended(call, &added, size);
        let added = added.map_err(|error| match error {
            queue::Error::Invalid(reason) => Error::Invalid(reason),
            other => Error::Unavailable(other.to_string()),
        })?;
        self.jobs_added += added.len();
        Ok(added.into_iter().map(|added| added.id).collect())
    }

    async fn add_flow(&mut self, jobs: Vec<wit::FlowJob>) -> Result<Vec<String>, Error> {
        self.add_tree(jobs, false).await
    }

    async fn add_children(&mut self, jobs: Vec<wit::FlowJob>) -> Result<Vec<String>, Error> {
        self.add_tree(jobs, true).await
    }
}

impl State {
    /// A queue that is declared.
    fn target(&self, queue: &str) -> Result<Target, Error> {
        self.writes.target(queue).map_err(|declared| {
            Error::UnknownQueue(format!(
                "queue {queue:?} is not declared in queues.toml; declared are {}",
                declared.join(", ")
            ))
        })
    }

    /// Record jobs instead of adding them, children of others or not; their ids.
    fn record(&mut self, jobs: impl Iterator<Item = (String, NewJob, bool)>) -> Vec<String> {
        let jobs = jobs.enumerate().map(|(at, (queue, job, child))| {
            let next = || (self.jobs_added + at + 1).to_string();
            let id = job.id.clone().unwrap_or_else(next);
            let effect = if child { Effect::Child } else { Effect::Added };
            self.writes.record(effect(queue, Box::new(job)));
            id
        });
        let ids: Vec<String> = jobs.collect();
        self.jobs_added += ids.len();
        ids
    }

    /// Whether the attempt may add this many more jobs.
    fn afford(&self, jobs: usize) -> Result<(), Error> {
        let max = self.settings.max_adds;
        if self.jobs_added + jobs > max {
            return Err(Error::Limit(format!(
                "this attempt has added {} jobs and wants {jobs} more; it may add {max} (max_adds)",
                self.jobs_added,
            )));
        }
        Ok(())
    }

    /// Add jobs that wait for each other, or for which the current job waits.
    async fn add_tree(
        &mut self,
        jobs: Vec<wit::FlowJob>,
        children: bool,
    ) -> Result<Vec<String>, Error> {
        self.refuse_lost().map_err(Error::Lost)?;
        self.afford(jobs.len())?;
        let mut tree = Vec::with_capacity(jobs.len());
        let mut recorded = Vec::new();
        let mut bytes = 0;
        for of in jobs {
            let target = self.target(&of.queue)?;
            let job = self.checked(&target, of.job).map_err(Error::Invalid)?;
            bytes += size(&job);
            let child = of.parent.is_some() || children;
            match target {
                Target::Record(_) => recorded.push((of.queue, job, child)),
                Target::Queue(queue) => tree.push(FlowJob {
                    job,
                    queue,
                    parent: of.parent.map(|parent| parent as usize),
                    on_failure: of.on_failure.map(child_failure),
                }),
            }
        }
        self.budget.spend(bytes).map_err(Error::Limit)?;
        if !recorded.is_empty() {
            return Ok(self.record(recorded.into_iter()));
        }
        if children && self.attempt.queue().is_none() {
            return Err(Error::Invalid(
                "a handler that is invoked over HTTP is no job, and has no children".to_owned(),
            ));
        }
        let current = children.then_some(&*self.attempt);
        let queue = tree.first().map_or("", |job| job.queue.name());
        let call = self.attempt.cost.begin(Kind::Add, queue);
        if let Some(trace) = self.attempt.trace() {
            let trace = Some(trace.with_span(call.span()));
            tree.iter_mut().for_each(|of| of.job.trace = trace);
        }
        let _turn = self.writes.turn(bytes).await;
        let added = queue::add_flow(current, &tree).await;
        ended(call, &added, bytes);
        match added {
            Ok(Some(ids)) => {
                self.jobs_added += ids.len();
                Ok(ids)
            }
            Ok(None) => Err(Error::Lost(self.refuse_lost().err().unwrap_or_default())),
            Err(queue::Error::Invalid(reason)) => Err(Error::Invalid(reason)),
            Err(error) => Err(Error::Unavailable(error.to_string())),
        }
    }

    /// A job of the guest, as it can be added.
    fn checked(&self, target: &Target, job: wit::NewJob) -> Result<NewJob, String> {
        let max = self.settings.max_payload;
        let wit::NewJob {
            name,
            data,
            options,
        } = job;
        check_json("data", &data, self.settings.max_depth)
            .map_err(|fault| format!("the payload of job {name:?} {fault}"))?;
        if data.len() > max {
            return Err(format!(
                "the payload of job {name:?} has {} bytes; this queue takes {max} (max_payload)",
                data.len()
            ));
        }
        let job = NewJob {
            data: queue::carry(data, self.request_id.as_deref()),
            name,
            id: options.id,
            delay: options.delay.unwrap_or(0),
            priority: options.priority.unwrap_or(0),
            lifo: options.lifo,
            options: JobDefaults {
                attempts: options.attempts,
                backoff: options.backoff.map(backoff),
                remove_on_complete: options.remove_on_complete.map(keep),
                remove_on_fail: options.remove_on_fail.map(keep),
                size_limit: options.size_limit,
            },
            deduplication: options.deduplication.map(deduplication),
            fingerprint: None,
            trace: None,
        };
        // A queue checks it itself.
        if let Target::Record(settings) = target {
            job.check(settings).map_err(|error| error.to_string())?;
        }
        Ok(job)
    }
}

fn child_failure(of: wit::ChildFailure) -> ChildFailure {
    match of {
        wit::ChildFailure::FailParent => ChildFailure::FailParent,
        wit::ChildFailure::ContinueParent => ChildFailure::ContinueParent,
        wit::ChildFailure::Ignore => ChildFailure::Ignore,
        wit::ChildFailure::Remove => ChildFailure::Remove,
    }
}

/// Bytes of a job, as they are sent to Redis.
fn size(job: &NewJob) -> usize {
    job.name.len() + job.data.len()
}

fn backoff(backoff: wit::Backoff) -> Backoff {
    Backoff {
        kind: match backoff.kind {
            wit::BackoffKind::Fixed => BackoffKind::Fixed,
            wit::BackoffKind::Exponential => BackoffKind::Exponential,
        },
        delay: Duration::from_millis(backoff.delay),
        jitter: if backoff.jitter.is_nan() {
            0.0
        } else {
            backoff.jitter.clamp(0.0, 1.0)
        },
    }
}

fn deduplication(of: wit::Deduplication) -> Deduplication {
    Deduplication {
        id: of.id,
        ttl: of.ttl.unwrap_or(0),
        extend: of.extend,
        replace: of.replace,
        keep_last_if_active: of.keep_last_if_active,
        reschedule: of.reschedule,
    }
}

fn keep(keep: wit::Keep) -> Keep {
    match keep {
        wit::Keep::All => Keep::default(),
        wit::Keep::None => Keep {
            count: Some(0),
            age: None,
            ..Keep::default()
        },
        wit::Keep::Count(count) => Keep {
            count: Some(count.into()),
            age: None,
            ..Keep::default()
        },
        wit::Keep::Age(age) => Keep {
            count: None,
            age: Some(age),
            ..Keep::default()
        },
    }
}
