//! On whose behalf a request is sent, and how long it may take.

use std::time::{Duration, Instant};

use url::Url;

use super::{Error, Room, TIME, response};
use crate::queue::Attempt;
use crate::units;

/// On whose behalf a request is sent.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Queue of the job.
    pub queue: String,
    /// Id of the job.
    pub job: String,
    /// When the attempt ends; no request outlives it.
    pub deadline: Instant,
    /// Sent as `X-Request-Id` unless the request has one.
    pub request_id: Option<String>,
    /// Which of the attempt's idempotent requests this is, from 1; used when
    /// the request asks for a key.
    pub nth: u32,
    /// What its requests may take.
    pub room: Room,
}

impl Caller {
    /// The job of this attempt.
    pub fn new(attempt: &Attempt, request_id: Option<String>, nth: u32, room: Room) -> Self {
        Caller {
            queue: attempt.queue.name().to_owned(),
            job: attempt.job.id.clone(),
            deadline: attempt.deadline(),
            request_id,
            nth,
            room,
        }
    }
}

/// When a request must have ended, and by which of its limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) until: Instant,
    time: Duration,
    pub(super) why: &'static str,
}

impl Limit {
    /// The nearest of the limits of a request that begins now.
    pub(super) fn new(caller: &Caller, own: Option<Duration>) -> Limit {
        let general = (TIME, "the limit of a request");
        let own = own.map(|time| (time, "the timeout of the request"));
        let job = Limit::of_job(caller);
        let (time, why) = std::iter::once(general)
            .chain(own)
            .chain([(job.time, job.why)])
            .min_by_key(|(time, _)| *time)
            .expect("two limits always apply");
        Limit {
            until: Instant::now() + time,
            time,
            why,
        }
    }

    /// That of the job alone.
    pub(super) fn of_job(caller: &Caller) -> Limit {
        Limit {
            until: caller.deadline,
            time: caller.deadline.saturating_duration_since(Instant::now()),
            why: "what was left of the job's timeout",
        }
    }

    /// The time, for people.
    pub(super) fn time(&self) -> String {
        units::duration(self.time)
    }

    /// What is done within the limit, for the request to this URL.
    pub(super) async fn keep<T>(
        &self,
        url: &Url,
        what: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let kept = tokio::time::timeout_at(self.until.into(), what).await;
        kept.map_err(|_| response::late(&url.origin(), self.time, self.why))
    }
}
