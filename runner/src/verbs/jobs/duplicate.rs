//! Adding jobs again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ends::{Ends, missing};
use crate::queue::{Error as RedisError, Queue};
use crate::verbs::{Kind, Refusal, Result};

/// A job that was added again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobDuplicated)]
pub struct Duplicated {
    /// The queue.
    pub queue: String,
    /// The new job.
    pub id: String,
    /// The job that it is a copy of.
    pub of: String,
}

/// Add a job again: the same name, payload and options, and an id of its own.
///
/// # Errors
/// [`Kind::UnknownJob`], and what makes that such a job cannot be added any more.
pub async fn duplicate(queue: &Queue, id: &str) -> Result<Duplicated> {
    let copy = queue.duplicate(id).await?;
    Ok(Duplicated {
        queue: queue.name().to_owned(),
        id: copy.ok_or_else(|| missing(queue, id))?,
        of: id.to_owned(),
    })
}

/// The same of several jobs.
pub(super) async fn all(queue: &Queue, ids: &[String]) -> Result<Ends> {
    let mut ends = Ends::default();
    for id in ids {
        let refusal = match queue.duplicate(id).await {
            Ok(Some(_)) => {
                ends.done += 1;
                continue;
            }
            Ok(None) => missing(queue, id),
            Err(RedisError::Invalid(why)) => Refusal::new(Kind::InvalidJob, why),
            Err(error) => return Err(error.into()),
        };
        ends.refused.push(refusal.of(id));
    }
    Ok(ends)
}
