//! Add jobs to queues that are declared in `queues.toml`.
//!
//! ```no_run
//! use std::time::Duration;
//! use runner_sdk::queue;
//!
//! # fn handle() -> runner_sdk::Result {
//! let data = serde_json::json!({ "order": 7 });
//! let id = queue::add("reminders", "remind", &data)
//!     .delay(Duration::from_secs(3600))
//!     .send()?;
//! # Ok(()) }
//! ```

mod deduplication;

use std::time::Duration;

use serde::Serialize;

pub use self::deduplication::Deduplication;
use crate::bindings::runner::plugin::queue as wit;
use crate::{Failure, host, millis, reject, retry};

/// A job to add, with BullMQ's options. Those that are not given come from the
/// queue's defaults in `queues.toml`.
#[derive(Debug)]
#[must_use = "the job is added by `send`"]
pub struct NewJob {
    queue: String,
    name: String,
    data: Result<String, serde_json::Error>,
    options: wit::Options,
    children: Vec<NewJob>,
    on_failure: Option<wit::ChildFailure>,
}

/// Which finished jobs to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All of them.
    All,
    /// None: each job is removed when it ends.
    None,
    /// Only the newest ones, this many.
    Count(u32),
    /// Those that ended within this time, to the second.
    Age(Duration),
}

/// Why a job was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The queue is not declared in `queues.toml`.
    #[error("the job was not added: {0}")]
    UnknownQueue(String),
    /// The job is wrong: name, payload or an option.
    #[error("the job was not added: {0}")]
    Invalid(String),
    /// The attempt has reached its limit of added jobs (`max_adds`) or of bytes sent
    /// to Redis (`max_sent`).
    #[error("the job was not added: {0}")]
    Limit(String),
    /// The current job has lost its lock, so it may not add jobs any more.
    #[error("the job was not added: {0}")]
    Lost(String),
    /// Redis could not be asked. The job may have been added.
    #[error("the job may not have been added: {0}")]
    Unavailable(String),
}

impl Error {
    /// What `?` makes of it.
    pub(crate) fn verdict(&self) -> Failure {
        match self {
            Error::UnknownQueue(_) | Error::Invalid(_) | Error::Limit(_) => reject(self),
            Error::Lost(_) | Error::Unavailable(_) => retry(self),
        }
    }
}

/// Prepare a job; [`NewJob::send`] adds it.
pub fn add(queue: &str, name: &str, data: &impl Serialize) -> NewJob {
    NewJob {
        queue: queue.into(),
        name: name.into(),
        data: serde_json::to_string(data),
        options: wit::Options {
            id: None,
            delay: None,
            priority: None,
            lifo: false,
            attempts: None,
            backoff: None,
            remove_on_complete: None,
            remove_on_fail: None,
            size_limit: None,
            deduplication: None,
        },
        children: Vec::new(),
        on_failure: None,
    }
}

/// Add several jobs to one queue at once: all or none. Returns their ids in the
/// order given.
///
/// # Errors
/// [`Error`]; [`Error::Invalid`] also when the jobs name different queues.
pub fn add_all(jobs: impl IntoIterator<Item = NewJob>) -> Result<Vec<String>, Error> {
    let mut queue: Option<String> = None;
    let mut bulk = Vec::new();
    for job in jobs {
        let first = queue.get_or_insert_with(|| job.queue.clone());
        if *first != job.queue {
            return Err(Error::Invalid(format!(
                "one call adds to one queue, not to \"{first}\" and \"{}\"",
                job.queue
            )));
        }
        if !job.children.is_empty() {
            return Err(Error::Invalid(format!(
                "job {:?} has children; add it by `send`",
                job.name
            )));
        }
        bulk.push(job.into_wit()?);
    }
    let Some(queue) = queue else {
        return Ok(Vec::new());
    };
    let ids = host::queue::add_bulk(&queue, &bulk)?;
    Ok(ids)
}

/// Add jobs as children of the current job, all or none. It can then end with
/// [`wait_children`](crate::wait_children) and is called again when they are done.
/// Returns the ids of the jobs given, in order. A repeated attempt adds them again,
/// unless it checks first or they have ids.
///
/// ```no_run
/// use runner_sdk::prelude::*;
///
/// fn handle(job: Job) -> Result<f64> {
///     if job.dependencies()? == Default::default() {
///         queue::add_children((1..=3).map(|page| queue::add("pages", "render", &page)))?;
///     }
///     if job.dependencies()?.unprocessed > 0 {
///         return Err(wait_children());
///     }
///     Ok(job.children_values::<f64>()?.values().sum())
/// }
/// ```
///
/// # Errors
/// [`Error`].
pub fn add_children(jobs: impl IntoIterator<Item = NewJob>) -> Result<Vec<String>, Error> {
    let mut flat = Vec::new();
    let mut given = Vec::new();
    for job in jobs {
        given.push(flat.len());
        job.flatten(None, &mut flat)?;
    }
    let ids = host::queue::add_children(&flat)?;
    Ok(given.into_iter().map(|at| ids[at].clone()).collect())
}

impl NewJob {
    /// Start this job only when that one is done. Its return value is then in
    /// [`Job::children_values`](crate::Job::children_values).
    pub fn child(mut self, child: NewJob) -> Self {
        self.children.push(child);
        self
    }

    /// When this job fails, its parent fails.
    pub fn fail_parent_on_failure(mut self) -> Self {
        self.on_failure = Some(wit::ChildFailure::FailParent);
        self
    }

    /// When this job fails, its parent starts without waiting for the others.
    pub fn continue_parent_on_failure(mut self) -> Self {
        self.on_failure = Some(wit::ChildFailure::ContinueParent);
        self
    }

    /// When this job fails, its parent continues and finds the reason in
    /// [`Job::ignored_failures`](crate::Job::ignored_failures).
    pub fn ignore_dependency_on_failure(mut self) -> Self {
        self.on_failure = Some(wit::ChildFailure::Ignore);
        self
    }

    /// When this job fails, its parent continues as if it had never been added.
    pub fn remove_dependency_on_failure(mut self) -> Self {
        self.on_failure = Some(wit::ChildFailure::Remove);
        self
    }

    /// This job and all jobs below it, each after its parent.
    fn flatten(self, parent: Option<u32>, into: &mut Vec<wit::FlowJob>) -> Result<(), Error> {
        let at = u32::try_from(into.len()).ok();
        let (queue, on_failure) = (self.queue.clone(), self.on_failure);
        let mut below = self;
        let children = std::mem::take(&mut below.children);
        into.push(wit::FlowJob {
            queue,
            job: below.into_wit()?,
            parent,
            on_failure,
        });
        children
            .into_iter()
            .try_for_each(|child| child.flatten(at, into))
    }

    /// An id of your own. A second job with the same id is not added while the first
    /// is in the queue, even when it has ended. Must not be a number or contain `:`.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.options.id = Some(id.into());
        self
    }

    /// Wait before the job may start.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = Some(millis(delay));
        self
    }

    /// 1 (first) to 2097151 (last); jobs without a priority go first.
    pub fn priority(mut self, priority: u32) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// Put the job in front of the waiting ones.
    pub fn lifo(mut self) -> Self {
        self.options.lifo = true;
        self
    }

    /// How many times the job may be attempted, at least 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.attempts = Some(attempts);
        self
    }

    /// Wait this long between attempts.
    pub fn fixed_backoff(mut self, delay: Duration) -> Self {
        self.options.backoff = Some(backoff(wit::BackoffKind::Fixed, delay));
        self
    }

    /// Wait this long after the first attempt, and twice as long after each further
    /// one.
    pub fn exponential_backoff(mut self, delay: Duration) -> Self {
        self.options.backoff = Some(backoff(wit::BackoffKind::Exponential, delay));
        self
    }

    /// What to keep of completed jobs.
    pub fn remove_on_complete(mut self, keep: Keep) -> Self {
        self.options.remove_on_complete = Some(keep.into());
        self
    }

    /// What to keep of failed jobs.
    pub fn remove_on_fail(mut self, keep: Keep) -> Self {
        self.options.remove_on_fail = Some(keep.into());
        self
    }

    /// Refuse the job when its payload, as JSON, has more bytes than this.
    pub fn size_limit(mut self, bytes: u64) -> Self {
        self.options.size_limit = Some(bytes);
        self
    }

    /// Add the job only if none stands for it already.
    pub fn deduplicate(mut self, deduplication: Deduplication) -> Self {
        self.options.deduplication = Some(deduplication.0);
        self
    }

    /// Add the job and its children, all or none; returns its id.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Invalid`] also when the data cannot be written as
    /// JSON.
    pub fn send(self) -> Result<String, Error> {
        if !self.children.is_empty() {
            let mut flat = Vec::new();
            self.flatten(None, &mut flat)?;
            let mut ids = host::queue::add_flow(&flat)?;
            return Ok(ids.swap_remove(0));
        }
        let queue = self.queue.clone();
        let id = host::queue::add(&queue, &self.into_wit()?)?;
        Ok(id)
    }

    fn into_wit(self) -> Result<wit::NewJob, Error> {
        let data = self
            .data
            .map_err(|error| Error::Invalid(format!("data: {error}")))?;
        Ok(wit::NewJob {
            name: self.name,
            data,
            options: self.options,
        })
    }
}

fn backoff(kind: wit::BackoffKind, delay: Duration) -> wit::Backoff {
    wit::Backoff {
        kind,
        delay: millis(delay),
        jitter: 0.0,
    }
}

impl From<Keep> for wit::Keep {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::All => wit::Keep::All,
            Keep::None => wit::Keep::None,
            Keep::Count(count) => wit::Keep::Count(count),
            Keep::Age(age) => wit::Keep::Age(age.as_secs()),
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::UnknownQueue(reason) => Error::UnknownQueue(reason),
            wit::Error::Invalid(reason) => Error::Invalid(reason),
            wit::Error::Limit(reason) => Error::Limit(reason),
            wit::Error::Lost(reason) => Error::Lost(reason),
            wit::Error::Unavailable(reason) => Error::Unavailable(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_job_is_added_with_its_options() {
        let host = testing::Host::new();
        let id = add("mail", "welcome", &7)
            .id("welcome-7")
            .delay(Duration::from_secs(2))
            .attempts(5)
            .exponential_backoff(Duration::from_secs(1))
            .remove_on_complete(Keep::Count(100))
            .remove_on_fail(Keep::Age(Duration::from_secs(3600)))
            .size_limit(100)
            .deduplicate(Deduplication::debounce("w", Duration::from_secs(9)).keep_last_if_active())
            .send();
        assert_eq!(id, Ok("welcome-7".into()));
        let added = host.added();
        assert_eq!(
            (added[0].queue.as_str(), added[0].name.as_str()),
            ("mail", "welcome")
        );
        assert_eq!(added[0].data, 7);
        assert_eq!(added[0].options.delay, Some(2000));
        assert_eq!(added[0].options.attempts, Some(5));
        assert_eq!(
            added[0].options.backoff.map(|backoff| backoff.delay),
            Some(1000)
        );
        assert!(matches!(
            added[0].options.remove_on_complete,
            Some(wit::Keep::Count(100))
        ));
        assert!(matches!(
            added[0].options.remove_on_fail,
            Some(wit::Keep::Age(3600))
        ));
        assert_eq!(added[0].options.size_limit, Some(100));
        let Some(one) = &added[0].options.deduplication else {
            panic!("no deduplication");
        };
        assert_eq!((one.id.as_str(), one.ttl), ("w", Some(9000)));
        assert!(one.extend && one.replace && one.keep_last_if_active && !one.reschedule);
    }

    #[test]
    fn a_flow_is_added_with_each_job_after_its_parent() {
        let host = testing::Host::new();
        let line = add("lines", "line", &1).fail_parent_on_failure();
        let page = add("pages", "page", &2).child(line);
        let id = add("invoices", "total", &3)
            .id("total-3")
            .child(page)
            .child(add("pages", "page", &4).ignore_dependency_on_failure())
            .send();
        assert_eq!(id, Ok("total-3".into()));
        let added = host.added();
        let tree: Vec<_> = added
            .iter()
            .map(|job| (job.queue.as_str(), job.parent))
            .collect();
        assert_eq!(
            tree,
            [
                ("invoices", testing::Parent::None),
                ("pages", testing::Parent::Added(0)),
                ("lines", testing::Parent::Added(1)),
                ("pages", testing::Parent::Added(0)),
            ]
        );
        assert_eq!(added[2].on_failure, Some(wit::ChildFailure::FailParent));
        assert_eq!(added[3].on_failure, Some(wit::ChildFailure::Ignore));
        let bulk = add_all([add("mail", "a", &1).child(add("mail", "b", &2))]);
        assert_eq!(
            bulk,
            Err(Error::Invalid(
                "job \"a\" has children; add it by `send`".into()
            ))
        );
    }

    #[test]
    fn children_of_the_current_job_come_back_in_the_order_given() {
        let host = testing::Host::new();
        let job = testing::job("report", "{}");
        let nested = add("pages", "page", &1).child(add("lines", "line", &1));
        let ids = add_children([nested, add("pages", "page", &2)]);
        assert_eq!(ids, Ok(vec!["1".into(), "3".into()]));
        let parents: Vec<_> = host.added().iter().map(|job| job.parent).collect();
        let (current, first) = (testing::Parent::Current, testing::Parent::Added(0));
        assert_eq!(parents, [current, first, current]);
        assert_eq!(job.dependencies().map(|seen| seen.unprocessed), Ok(2));

        assert_eq!(job.remove_unprocessed_children(), Ok(()));
        assert_eq!(job.dependencies().map(|seen| seen.unprocessed), Ok(0));

        host.child_completed("bull:pages:1", 7.into());
        host.child_ignored("bull:pages:3", "torn");
        let values = job.children_values::<u8>().expect("a number");
        assert_eq!(values["bull:pages:1"], 7);
        assert_eq!(
            job.ignored_failures().expect("known")["bull:pages:3"],
            "torn"
        );
        assert_eq!(
            job.children_values::<String>(),
            Err(reject(
                "the value of child bull:pages:1: invalid type: integer `7`, expected a string \
                 at line 1 column 1"
            ))
        );
    }

    #[test]
    fn a_bulk_goes_to_one_queue() {
        let host = testing::Host::new();
        assert_eq!(add_all([]), Ok(vec![]));
        let ids = add_all([add("mail", "a", &1), add("mail", "b", &2)]).expect("one queue");
        assert_eq!(ids.len(), 2);
        assert_eq!(
            add_all([add("mail", "a", &1), add("sms", "b", &2)]),
            Err(Error::Invalid(
                "one call adds to one queue, not to \"mail\" and \"sms\"".into()
            ))
        );
        assert_eq!(host.added().len(), 2);
    }

    #[test]
    fn an_unknown_queue_rejects_and_an_unreachable_redis_retries() {
        let host = testing::Host::new();
        host.refuse_adds(Error::UnknownQueue("no queue \"mial\"".into()));
        let unknown = add("mial", "welcome", &7).send().expect_err("refused");
        assert_eq!(
            Failure::from(unknown),
            reject("the job was not added: no queue \"mial\"")
        );
        host.refuse_adds(Error::Unavailable("connection refused".into()));
        let unavailable = add("mail", "welcome", &7).send().expect_err("refused");
        assert_eq!(
            Failure::from(unavailable),
            retry("the job may not have been added: connection refused")
        );
    }
}
