//! How long a request may take, and what is told when it took longer.

use std::time::{Duration, Instant};

use url::{Origin, Url};

use super::{Error, TIME};
use crate::units;

/// When a request must have ended, and by which of its limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) until: Instant,
    time: Duration,
    pub(super) why: &'static str,
}

impl Limit {
    /// The nearest of the limits of a request that begins now, for a job with this
    /// deadline.
    pub(super) fn new(deadline: Instant, own: Option<Duration>) -> Limit {
        let general = (TIME, "the limit of a request");
        let own = own.map(|time| (time, "the timeout of the request"));
        let job = Limit::of_job(deadline);
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

    /// That of a call to an object store.
    pub(super) fn of_store(deadline: Instant, time: Duration) -> Limit {
        let job = Limit::of_job(deadline);
        match job.time <= time {
            true => job,
            false => Limit {
                until: Instant::now() + time,
                time,
                why: "the `timeout` of the store",
            },
        }
    }

    /// That of the job alone.
    pub(super) fn of_job(deadline: Instant) -> Limit {
        Limit {
            until: deadline,
            time: deadline.saturating_duration_since(Instant::now()),
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
        kept.map_err(|_| late(&url.origin(), self.time, self.why))
    }
}

/// The time passed, whichever limit it was.
pub(super) fn late(origin: &Origin, time: Duration, limit: &str) -> Error {
    let time = units::duration(time);
    let origin = origin.ascii_serialization();
    Error::Timeout(format!("{origin} did not answer within {time}, {limit}"))
}
