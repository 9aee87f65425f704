//! Adding jobs that wait for each other: BullMQ's `FlowProducer.add`, and
//! children of a running job. A queue of another Redis or, on a cluster, of
//! another slot cannot be part of it.

use std::collections::HashMap;

use redis::Value;

use crate::queue::add::{CALL, NewJob};
use crate::queue::attempt::Attempt;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::texts;
use crate::queue::wire::script::checked;

checked!(FLOW, "flow", "lib/parents", "add/flow");

/// What the failure of a child does to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildFailure {
    /// `failParentOnFailure`.
    FailParent,
    /// `continueParentOnFailure`.
    ContinueParent,
    /// `ignoreDependencyOnFailure`.
    Ignore,
    /// `removeDependencyOnFailure`.
    Remove,
}

impl ChildFailure {
    /// The name BullMQ stores.
    fn stored(self) -> &'static str {
        match self {
            ChildFailure::FailParent => "fpof",
            ChildFailure::ContinueParent => "cpof",
            ChildFailure::Ignore => "idof",
            ChildFailure::Remove => "rdof",
        }
    }
}

/// A job of a flow.
#[derive(Debug, Clone)]
pub struct FlowJob {
    /// Where to add it.
    pub queue: Queue,
    /// The job.
    pub job: NewJob,
    /// The position of its parent, which is before it.
    pub parent: Option<usize>,
    /// None: the parent waits until the child has been retried by hand.
    pub on_failure: Option<ChildFailure>,
}

/// Add jobs that wait for each other, all or none; their ids in order. A job
/// whose custom id is known is not added again but becomes the child. With a
/// running job, those without a parent become its children; `None`: its lock is
/// lost and nothing was added.
///
/// # Errors
/// [`Error::Invalid`] when one of them cannot be added; transient errors leave
/// open whether the jobs were added.
pub async fn add_flow(
    current: Option<&Attempt>,
    jobs: &[FlowJob],
) -> Result<Option<Vec<String>>, Error> {
    let Some(first) = jobs.first() else {
        return Ok(Some(Vec::new()));
    };
    check(jobs)?;
    check_tree(current, jobs)?;
    let mut parents = vec![false; jobs.len()];
    for parent in jobs.iter().filter_map(|job| job.parent) {
        parents[parent] = true;
    }
    let options: Vec<String> = jobs
        .iter()
        .map(|job| job.job.options(&job.queue.settings().defaults))
        .collect();
    let queue = current.and_then(Attempt::queue).unwrap_or(&first.queue);
    for job in jobs {
        queue.reaches(&job.queue)?;
    }
    let reply = FLOW
        .run(queue.redis(), queue.base(), |command| {
            command
                .arg(current.map_or("", |attempt| &attempt.job.id))
                .arg(current.map_or("", |attempt| &attempt.token))
                .arg(jobs.len());
            for ((of, options), has_children) in jobs.iter().zip(&options).zip(&parents) {
                command.arg(of.queue.base());
                of.job.write(command, options);
                match (of.parent, current) {
                    (Some(parent), _) => command.arg(parent + 1),
                    (None, Some(_)) => command.arg(0),
                    (None, None) => command.arg(""),
                };
                command
                    .arg(of.on_failure.map_or("", ChildFailure::stored))
                    .arg(u8::from(*has_children));
            }
        })
        .await
        .map_err(adopted)?;
    if reply == Value::Int(-1) {
        if let Some(attempt) = current {
            queue.lose(attempt).await;
        }
        return Ok(None);
    }
    Ok(Some(texts(reply)))
}

/// The refusal of the script, in our words.
fn adopted(error: Error) -> Error {
    match error.to_string().split_once("FLOW") {
        Some((_, reason)) => {
            // The client puts the code of an error in quotes.
            let reason = reason.trim_start_matches(['"', ':', ' ']);
            Error::Invalid(reason.to_owned())
        }
        None => error,
    }
}

fn check(jobs: &[FlowJob]) -> Result<(), Error> {
    if jobs.len() > CALL {
        return Err(Error::Invalid(format!(
            "{} jobs in one flow; add at most {CALL} at once",
            jobs.len()
        )));
    }
    for (at, job) in jobs.iter().enumerate() {
        job.job.check(job.queue.settings())?;
        let name = &job.job.name;
        if job.parent.is_some_and(|parent| parent >= at) {
            return Err(Error::Invalid(format!(
                "the parent of job {name:?} is not before it in the list"
            )));
        }
        if job.job.deduplication.is_some() {
            return Err(Error::Invalid(format!(
                "job {name:?} is part of a flow, which cannot have a deduplication; give it an id"
            )));
        }
    }
    Ok(())
}

/// A job that is named twice is one job: BullMQ would let it wait for itself, or the
/// first of two parents wait for ever.
fn check_tree(current: Option<&Attempt>, jobs: &[FlowJob]) -> Result<(), Error> {
    let named = |at: usize| {
        let of = &jobs[at];
        let id = of.job.id.as_deref()?;
        Some((of.queue.name(), id))
    };
    let running = current.map(|attempt| (attempt.queue_name(), attempt.job.id.as_str()));
    let mut parents = HashMap::new();
    for (at, of) in jobs.iter().enumerate() {
        let Some(job) = named(at) else { continue };
        let mut above = std::iter::successors(of.parent, |parent| jobs[*parent].parent);
        if running == Some(job) || above.any(|parent| named(parent) == Some(job)) {
            let (queue, id) = job;
            return Err(Error::Invalid(format!(
                "job {id:?} of queue {queue:?} is below itself in the flow: it would wait for itself"
            )));
        }
        if of.parent.is_none() && current.is_none() {
            continue;
        }
        let parent = of.parent.map(|parent| named(parent).ok_or(parent));
        if parents
            .insert(job, parent)
            .is_some_and(|other| other != parent)
        {
            let (queue, id) = job;
            return Err(Error::Invalid(format!(
                "job {id:?} of queue {queue:?} has two parents in the flow; a job has one"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::settings::Settings;
    use crate::queue::wire::redis::Redis;

    fn tree(rows: &[(&str, Option<usize>)]) -> Result<(), String> {
        let redis = Redis::new("redis://127.0.0.1", "bull").unwrap();
        let queue = Queue::new(redis, Settings::named("q"));
        let jobs: Vec<FlowJob> = rows
            .iter()
            .map(|(id, parent)| FlowJob {
                queue: queue.clone(),
                job: NewJob {
                    id: (!id.is_empty()).then(|| (*id).to_owned()),
                    ..NewJob::default()
                },
                parent: *parent,
                on_failure: None,
            })
            .collect();
        check_tree(None, &jobs).map_err(|error| error.to_string())
    }

    #[test]
    fn a_job_is_not_below_itself() {
        assert_eq!(
            tree(&[("a", None), ("", Some(0)), ("a", Some(1))]).unwrap_err(),
            "job \"a\" of queue \"q\" is below itself in the flow: it would wait for itself"
        );
    }

    #[test]
    fn a_job_has_one_parent_however_often_it_is_named() {
        assert_eq!(
            tree(&[("a", None), ("", None), ("c", Some(0)), ("c", Some(1))]).unwrap_err(),
            "job \"c\" of queue \"q\" has two parents in the flow; a job has one"
        );
        assert_eq!(tree(&[("a", None), ("c", Some(0)), ("c", Some(0))]), Ok(()));
        assert_eq!(tree(&[("c", None), ("a", None), ("c", Some(1))]), Ok(()));
    }
}
