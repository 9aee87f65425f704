//! Changing a job where it is.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ends::{missing, next_run};
use crate::queue::{Change, Changed as Outcome, Queue};
use crate::verbs::{Error, Kind, Refusal, Result};

/// What of a job is to be another; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobChanges)]
pub struct Changes {
    /// The payload. It must fit the contract of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub data: Option<Box<RawValue>>,
    /// Milliseconds from now until a delayed job is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9007199254740991_u64)]
    pub delay: Option<u64>,
    /// From 0, the highest, to 2097151, the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2097151)]
    pub priority: Option<u32>,
    /// With a priority: put the job before those that have it already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifo: bool,
}

/// A job that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobChanged)]
pub struct Changed {
    /// The queue.
    pub queue: String,
    /// The job.
    pub id: String,
    /// What is another now: `data`, `delay`, `priority`.
    pub changed: Vec<String>,
}

/// Milliseconds beyond which JavaScript does not count in whole numbers.
const LONGEST: u64 = (1 << 53) - 1;

/// Change a job: all that is asked, or nothing.
///
/// # Errors
/// [`Kind::InvalidJob`] for what cannot be stored, and a refusal for a job that is not
/// in a state for it.
pub async fn change(queue: &Queue, id: &str, to: &Changes) -> Result<Changed> {
    let changed = [
        ("data", to.data.is_some()),
        ("delay", to.delay.is_some()),
        ("priority", to.priority.is_some()),
    ];
    let changed = changed.into_iter().filter(|(_, asked)| *asked);
    let changed: Vec<String> = changed.map(|(name, _)| name.to_owned()).collect();
    if changed.is_empty() {
        let detail = "nothing is to be changed: name data, delay or priority";
        return Err(Error::refused(Kind::InvalidRequest, detail));
    }
    if let Some(delay) = to.delay.filter(|delay| *delay > LONGEST) {
        return Err(Error::refused(
            Kind::InvalidJob,
            format!("the delay {delay} is over {LONGEST} ms"),
        ));
    }
    let job = queue.find(id).await?.ok_or_else(|| missing(queue, id))?;
    let change = Change {
        data: to.data.as_ref().map(|data| data.get().to_owned()),
        delay: to.delay,
        priority: to.priority,
        lifo: to.lifo,
    };
    let refusal = match queue.change(id, &job.name, &change).await? {
        Outcome::Done => {
            return Ok(Changed {
                queue: queue.name().to_owned(),
                id: id.to_owned(),
                changed,
            });
        }
        Outcome::Missing => missing(queue, id),
        Outcome::NextRun => next_run(queue, id),
        Outcome::Running => Refusal::new(
            Kind::Running,
            format!(
                "a worker is running job {id:?} with the payload it has; change it when it has \
                 ended, or cancel it"
            ),
        ),
        Outcome::NotDelayed => Refusal::new(
            Kind::WrongState,
            format!(
                "job {id:?} is {}; only delayed jobs can be given another delay",
                job.state
            ),
        ),
    };
    Err(refusal.into())
}
