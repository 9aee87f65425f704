//! One job, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::fault::{Fault, Kind};
use super::named;
use super::options::Options;
use crate::config;
use crate::queue::{self, Added, Adder, NewJob, State};
use crate::trace;

/// Characters of an idempotency key that are the job's id as they are.
const PLAIN: usize = 64;
/// Characters an idempotency key may have.
const LONGEST: usize = 255;

/// A job as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// Its name, if one is given.
    pub name: Option<String>,
    /// Its payload, JSON text.
    pub data: String,
    /// Its options.
    pub options: Options,
    /// Makes the job's id: asked twice with the same key and payload, it is added once.
    pub key: Option<String>,
    /// Carried on in the payload, unless that has one.
    pub request_id: Option<String>,
    /// What it is added for; it goes on with the job.
    pub trace: Option<trace::Context>,
}

/// What became of a job that was to be added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Addition {
    /// The id of the job, or of the one that is there instead.
    pub job_id: String,
    /// The queue.
    pub queue: String,
    /// The job's name.
    pub name: String,
    /// Where the job of this id is now.
    pub state: String,
    /// Why another job is there instead; without it, the job was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
    /// What the job returned, when its end was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub returnvalue: Option<Box<RawValue>>,
    /// Why the job failed, when its end was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_reason: Option<String>,
}

/// Why another job is there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Instead {
    /// A job with its id was there already; its payload stays as it is.
    Known,
    /// A job with its deduplication id stands for it.
    Deduplicated,
    /// The same, but this one is added once that has ended.
    Kept,
}

impl From<queue::Instead> for Instead {
    fn from(instead: queue::Instead) -> Instead {
        match instead {
            queue::Instead::Known => Instead::Known,
            queue::Instead::Deduplicated => Instead::Deduplicated,
            queue::Instead::Kept => Instead::Kept,
        }
    }
}

/// Add a job to a declared queue.
///
/// # Errors
/// Why it is not added; the place is one of the payload.
pub async fn add(adder: &Adder, declared: &config::Queue, new: New) -> Result<Addition, Fault> {
    let job = new.job(declared)?;
    let (name, fingerprint, state) = (job.name.clone(), job.fingerprint.clone(), state_of(&job));
    let queue = adder.queue();
    if let Err(error) = job.check(queue.settings()) {
        return Err(Fault::of_job(error, declared, &job, ""));
    }
    let added = adder.add(job).await;
    let Added { id, instead } = added.map_err(Fault::once_sent)?;
    let (job_id, state) = match instead {
        None => (id, state),
        Some(instead) => {
            if instead == queue::Instead::Known && fingerprint.is_some() {
                same_request(queue, &id, fingerprint).await?;
            }
            let state = queue.state(&id).await?;
            (id, state)
        }
    };
    Ok(Addition {
        job_id,
        queue: declared.name.clone(),
        name,
        state: state.name().to_owned(),
        instead: instead.map(Into::into),
        returnvalue: None,
        failed_reason: None,
    })
}

/// Refuse another job under an idempotency key that has one.
async fn same_request(
    queue: &queue::Queue,
    id: &str,
    fingerprint: Option<String>,
) -> Result<(), Fault> {
    match queue.fingerprint(id).await? == fingerprint {
        true => Ok(()),
        false => Err(Fault::of(
            Kind::KeyReused,
            format!(
                "the Idempotency-Key was used before with another name or payload: job {id:?} of \
                 queue {:?} has it",
                queue.name()
            ),
        )),
    }
}

/// Where a job waits once it is added.
pub(super) fn state_of(job: &NewJob) -> State {
    match (job.delay, job.priority) {
        (0, 0) => State::Waiting,
        (0, _) => State::Prioritized,
        _ => State::Delayed,
    }
}

impl New {
    fn job(self, declared: &config::Queue) -> Result<NewJob, Fault> {
        let name = named::name(declared, self.name.as_deref())?;
        let contract = declared.base.contract.as_ref();
        let strict = contract.filter(|contract| contract.strict);
        let fits = |data: &str| strict.is_none_or(|strict| strict.check(&name, data).is_ok());
        let id = self.request_id.as_deref();
        let carried = id.map(|_| queue::carry(self.data.clone(), id));
        let carried = carried.filter(|data| fits(data));
        let key = match &self.key {
            Some(_) if self.options.job_id.is_some() => {
                return Err(Fault::invalid(
                    "the job has a jobId and an Idempotency-Key, which would be its id, too: \
                     leave one out",
                ));
            }
            Some(key) => Some((id_of(key)?, fingerprint(&name, &self.data))),
            None => None,
        };
        let mut job = self.options.job(name, carried.unwrap_or(self.data));
        job.trace = self.trace;
        if let Some((id, fingerprint)) = key {
            (job.id, job.fingerprint) = (Some(id), Some(fingerprint));
        }
        Ok(job)
    }
}

/// The job id that an idempotency key makes. The draft of the IETF writes the key in
/// quotes, most clients do not.
fn id_of(key: &str) -> Result<String, Fault> {
    let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    let key = quoted.unwrap_or(key);
    if key.is_empty() || key.len() > LONGEST {
        return Err(Fault::invalid(format!(
            "the Idempotency-Key must have 1 to {LONGEST} characters, such as a UUID"
        )));
    }
    match key.len() <= PLAIN && !key.contains(':') {
        true => Ok(format!("idem-{key}")),
        false => Ok(format!("idem-{}", digest(&[key]))),
    }
}

fn fingerprint(name: &str, data: &str) -> String {
    digest(&[name, data])
}

fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_becomes_an_id_whatever_it_has_in_it() {
        assert_eq!(id_of("order-7").unwrap(), "idem-order-7");
        assert_eq!(id_of("\"order-7\"").unwrap(), "idem-order-7");
        let odd = id_of("req:7").unwrap();
        assert_eq!((odd.len(), odd.contains(':')), (37, false));
        assert_ne!(odd, id_of("req:8").unwrap());
        let wrong = "the Idempotency-Key must have 1 to 255 characters, such as a UUID";
        for key in ["", "\"\"", &"x".repeat(256)] {
            assert_eq!(id_of(key).unwrap_err().detail, wrong);
        }
    }
}
