//! `runner:plugin/queue`: add jobs to declared queues.

use std::time::Duration;

use super::{Effect, State, state};
use crate::config::{Backoff, BackoffKind, JobDefaults, Keep};
use crate::contract::check_json;
use crate::queue::{self, ChildFailure, Deduplication, FlowJob, NewJob, Queue};
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
        let jobs: Vec<NewJob> = jobs
            .into_iter()
            .map(|job| self.checked(&target, job))
            .collect::<Result<_, _>>()
            .map_err(Error::Invalid)?;
        let size = jobs.iter().map(size).sum();
        self.budget.spend(size).map_err(Error::Limit)?;
        if self.writes.records() {
            let added = jobs.into_iter().enumerate().map(|(at, job)| {
                let id = job
                    .id
                    .clone()
                    .unwrap_or_else(|| (self.jobs_added + at + 1).to_string());
                self.writes
                    .record(|| Effect::Added(queue.clone(), Box::new(job)));
                id
            });
            let ids: Vec<String> = added.collect();
            self.jobs_added += ids.len();
            return Ok(ids);
        }
        let _turn = self.writes.turn(size).await;
        let added = target.add(&jobs).await.map_err(|error| match error {
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
    fn target(&self, queue: &str) -> Result<Queue, Error> {
        let queues = self.writes.queues();
        queues.get(queue).cloned().ok_or_else(|| {
            let mut declared: Vec<&str> = queues.keys().map(String::as_str).collect();
            declared.sort_unstable();
            Error::UnknownQueue(format!(
                "queue {queue:?} is not declared in queues.toml; declared are {}",
                declared.join(", ")
            ))
        })
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
        for of in jobs {
            let queue = self.target(&of.queue)?;
            tree.push(FlowJob {
                job: self.checked(&queue, of.job).map_err(Error::Invalid)?,
                queue,
                parent: of.parent.map(|parent| parent as usize),
                on_failure: of.on_failure.map(child_failure),
            });
        }
        let size = tree.iter().map(|of| size(&of.job)).sum();
        self.budget.spend(size).map_err(Error::Limit)?;
        if self.writes.records() {
            let ids = tree.into_iter().enumerate().map(|(at, of)| {
                let next = || (self.jobs_added + at + 1).to_string();
                let id = of.job.id.clone().unwrap_or_else(next);
                let queue = of.queue.name().to_owned();
                let child = of.parent.is_some() || children;
                let effect = if child { Effect::Child } else { Effect::Added };
                self.writes.record(|| effect(queue, Box::new(of.job)));
                id
            });
            let ids: Vec<String> = ids.collect();
            self.jobs_added += ids.len();
            return Ok(ids);
        }
        let current = children.then_some(&*self.attempt);
        let _turn = self.writes.turn(size).await;
        match queue::add_flow(current, &tree).await {
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
    fn checked(&self, target: &Queue, job: wit::NewJob) -> Result<NewJob, String> {
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
            data: carry(data, self.request_id.as_deref()),
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
        };
        // Else the queue does so itself.
        if self.writes.records() {
            job.check(target.settings())
                .map_err(|error| error.to_string())?;
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

/// Carry the request id on: put it in front of an object that has none. Every
/// other byte stays as the plugin wrote it.
fn carry(data: String, request_id: Option<&str>) -> String {
    let Some(request_id) = request_id else {
        return data;
    };
    let Some(fields) = data.trim_start().strip_prefix('{') else {
        return data;
    };
    if state::request_id(&data).is_some() {
        return data;
    }
    let id = serde_json::to_string(request_id).expect("a string is JSON");
    let comma = if fields.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"requestId\":{id}{comma}{fields}")
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
