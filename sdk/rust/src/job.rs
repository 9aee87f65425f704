//! The job being worked on.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::runner::plugin::job as wit;
use crate::{Result, host, reject, retry};

/// One attempt of one job.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Job {
    /// Unique within the queue and the same over all attempts.
    pub id: String,
    /// Name of the queue, as in `queues.toml`.
    pub queue: String,
    /// Name of the job, the first argument of BullMQ's `queue.add`.
    pub name: String,
    /// The payload as JSON text, byte for byte as the producer stored it;
    /// [`Job::data`] reads it.
    pub json: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// How many times the job may be attempted before it fails for good.
    pub max_attempts: u32,
    /// When the producer added the job.
    pub added_at: SystemTime,
    /// When this attempt began, by the clock of the host.
    pub started_at: SystemTime,
    /// 0 is the highest priority and the default, 2097151 the lowest.
    pub priority: u32,
    /// How long the producer asked to wait before the first attempt.
    pub delay: Duration,
    /// The `requestId` or `xRequestId` of the payload.
    pub request_id: Option<String>,
    /// Set when the job is a child in a flow.
    pub parent: Option<Parent>,
}

/// The parent of a job that was added as part of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Id of the parent job.
    pub id: String,
    /// Qualified name of the parent's queue, e.g. `bull:invoices`.
    pub queue: String,
}

/// How many children a job has in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dependencies {
    /// Completed; [`Job::children_values`] has their results.
    pub processed: u64,
    /// Not done yet.
    pub unprocessed: u64,
    /// Failed, and so will this job; [`Job::failed_children`] names them.
    pub failed: u64,
    /// Failed without failing this job; [`Job::ignored_failures`] says why.
    pub ignored: u64,
}

impl Job {
    /// The job of this attempt. For functions of a contract, which are given only its
    /// payload.
    #[allow(
        clippy::useless_conversion,
        reason = "the host's own job in a component, a job already in tests"
    )]
    pub fn current() -> Job {
        host::job::current().into()
    }

    /// Read the payload.
    ///
    /// # Errors
    /// Rejects the job when the payload does not fit: it will not fit next
    /// time either. The reason names the place, as in
    /// `data.items[1].quantity: invalid type: string "two", expected u32 at
    /// line 1 column 48`. It quotes the value, so give a sensitive field a type
    /// whose errors do not.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T> {
        let mut json = serde_json::Deserializer::from_str(&self.json);
        let data = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let dot = if path.starts_with('[') { "" } else { "." };
            match path.as_str() {
                "." => reject(format!("data: {}", error.inner())),
                path => reject(format!("data{dot}{path}: {}", error.inner())),
            }
        })?;
        json.end()
            .map_err(|error| reject(format!("data: {error}")))?;
        Ok(data)
    }

    /// How long ago the job was added, at the start of this attempt.
    pub fn age(&self) -> Duration {
        // A producer whose clock is ahead has just added the job.
        self.started_at
            .duration_since(self.added_at)
            .unwrap_or_default()
    }

    /// A key for providers that drop repeated requests: the same in all attempts,
    /// different for every other job and step (`queue/id/added-at/step`). The time
    /// is part of it because ids start again when a queue is obliterated.
    pub fn idempotency_key(&self, step: &str) -> String {
        let added_at = self
            .added_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        format!("{}/{}/{added_at}/{step}", self.queue, self.id)
    }

    /// Replace the payload in Redis, for the next attempt.
    ///
    /// # Errors
    /// Rejects when `data` cannot be written as JSON; asks for a retry when the
    /// host refuses it or the job's lock was lost.
    pub fn update_data(&self, data: &impl Serialize) -> Result {
        let json = serde_json::to_string(data)
            .map_err(|error| reject(format!("the new data cannot be written as JSON: {error}")))?;
        host::job::update_data(&json).map_err(retry)
    }

    /// The return values of the children that have completed, by the key of the
    /// child, e.g. `bull:lines:7`.
    ///
    /// # Errors
    /// Rejects when a value does not fit; asks for a retry when Redis could not
    /// be asked.
    pub fn children_values<T: DeserializeOwned>(&self) -> Result<BTreeMap<String, T>> {
        let values = host::job::children_values().map_err(retry)?;
        let read = |(key, json): (String, String)| match serde_json::from_str(&json) {
            Ok(value) => Ok((key, value)),
            Err(error) => Err(reject(format!("the value of child {key}: {error}"))),
        };
        values.into_iter().map(read).collect()
    }

    /// The reasons of the children that failed without failing this job, by the key
    /// of the child.
    ///
    /// # Errors
    /// Asks for a retry when Redis could not be asked.
    pub fn ignored_failures(&self) -> Result<BTreeMap<String, String>> {
        let failures = host::job::ignored_failures().map_err(retry)?;
        Ok(failures.into_iter().collect())
    }

    /// The keys of the children whose failure fails this job.
    ///
    /// # Errors
    /// Asks for a retry when Redis could not be asked.
    pub fn failed_children(&self) -> Result<Vec<String>> {
        host::job::failed_children().map_err(retry)
    }

    /// How many children there are in each state.
    ///
    /// # Errors
    /// Asks for a retry when Redis could not be asked.
    pub fn dependencies(&self) -> Result<Dependencies> {
        let found = host::job::dependencies().map_err(retry)?;
        Ok(Dependencies {
            processed: found.processed,
            unprocessed: found.unprocessed,
            failed: found.failed,
            ignored: found.ignored,
        })
    }

    /// Remove the children that have not started, and their own children, so that
    /// the job can continue without them. A job that completes while it has children
    /// left is called again when they are done.
    ///
    /// # Errors
    /// Asks for a retry when Redis could not be asked or the job's lock was lost.
    pub fn remove_unprocessed_children(&self) -> Result {
        host::job::remove_unprocessed_children().map_err(retry)
    }

    /// How long until this attempt is stopped by its timeout.
    pub fn time_left(&self) -> Duration {
        Duration::from_millis(host::job::time_left())
    }
}

impl From<wit::Job> for Job {
    fn from(job: wit::Job) -> Self {
        let instant = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        Job {
            id: job.id,
            queue: job.queue,
            name: job.name,
            json: job.data,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            added_at: instant(job.added_at),
            started_at: instant(job.started_at),
            priority: job.priority,
            delay: Duration::from_millis(job.delay),
            request_id: job.request_id,
            parent: job.parent.map(|parent| Parent {
                id: parent.id,
                queue: parent.queue,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::{Failure, testing};

    #[derive(Debug, Deserialize)]
    struct Order {
        #[expect(dead_code, reason = "only its fault matters")]
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    struct Item {
        #[expect(dead_code, reason = "only its fault matters")]
        quantity: u32,
    }

    fn fault(json: &str) -> String {
        match testing::job("order", json).data::<Order>() {
            Err(Failure::Reject(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn data_names_the_place_of_a_fault() {
        assert_eq!(
            fault(r#"{"items":[{"quantity":1},{"quantity":"two"}]}"#),
            "data.items[1].quantity: invalid type: string \"two\", expected u32 at line 1 column 42"
        );
        assert_eq!(
            fault("{}"),
            "data: missing field `items` at line 1 column 2"
        );
        assert_eq!(
            fault("{\"items\":[]} x"),
            "data: trailing characters at line 1 column 14"
        );
    }

    #[test]
    fn the_idempotency_key_outlives_the_attempt_but_not_the_job() {
        let first = testing::job("order", "{}");
        let mut second = first.clone();
        second.attempt = 2;
        assert_eq!(
            first.idempotency_key("email"),
            second.idempotency_key("email")
        );
        second.id = "2".into();
        assert_ne!(
            first.idempotency_key("email"),
            second.idempotency_key("email")
        );
    }
}
