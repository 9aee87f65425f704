//! Adding jobs, with the checks and the encoding of BullMQ's `queue.add`.

pub(in crate::queue) mod adder;
mod duplicate;
pub(in crate::queue) mod flow;
mod once;
pub(in crate::queue) mod schedule;

use std::sync::Arc;

use redis::{Cmd, Value as Reply};
use serde_json::{Map, Value, json};

use crate::config::{Backoff, BackoffKind, JobDefaults, Keep, PRIORITY_LIMIT};
use crate::contract::is_json;
use crate::queue::handle::Queue;
use crate::queue::settings::Settings;
use crate::queue::stored::deduplication::Deduplication;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, texts};
use crate::queue::wire::script::script;
use crate::trace;

script!(
    ADD,
    "add",
    "lib/queue",
    "lib/enqueue",
    "lib/remove",
    "add/deduplicate",
    "add/add"
);

/// Jobs in one call; more are added in several, all or none only within one.
pub(in crate::queue) const CALL: usize = 1000;

/// A job to add.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewJob {
    /// Job name.
    pub name: String,
    /// JSON text.
    pub data: String,
    /// Custom id.
    pub id: Option<String>,
    /// Milliseconds before it may start.
    pub delay: u64,
    /// 0 is the highest, [`PRIORITY_LIMIT`] the lowest.
    pub priority: u32,
    /// Add in front.
    pub lifo: bool,
    /// Options that override the queue's defaults.
    pub options: JobDefaults,
    /// What it was added for, stored as `opts.tm`.
    pub trace: Option<trace::Context>,
    /// Add it only if no job with the same meaning is there.
    pub deduplication: Option<Deduplication>,
    /// Stored with it, to tell a request that is repeated from another one with the
    /// same key: [`Queue::fingerprint`].
    pub fingerprint: Option<String>,
}

/// Where a fingerprint stands in `opts`; BullMQ carries what it does not know.
const FINGERPRINT: &str = "fingerprint";

/// What became of a job that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The id of the job, or of the one that is there instead.
    pub id: String,
    /// Why it was not added; none when it was.
    pub instead: Option<Instead>,
}

/// Why another job is there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// A job with its id was there already; its payload stays as it is.
    Known,
    /// A job with its deduplication id stands for it.
    Deduplicated,
    /// As `Deduplicated`, but this one is added once that has ended.
    Kept,
}

impl Added {
    fn read(reply: Reply) -> Option<Added> {
        let Reply::Array(pair) = reply else {
            let id = text(reply)?;
            return Some(Added { id, instead: None });
        };
        let [id, why] = <[String; 2]>::try_from(texts(Reply::Array(pair))).ok()?;
        let instead = match why.as_str() {
            "known" => Instead::Known,
            "kept" => Instead::Kept,
            _ => Instead::Deduplicated,
        };
        Some(Added {
            id,
            instead: Some(instead),
        })
    }
}

/// The keys of every queue: a job of such an id would take the place of one, and the
/// queue would stand still.
const OWN_KEYS: [&str; 19] = [
    "active",
    "completed",
    "delay",
    "delayed",
    "events",
    "failed",
    "id",
    "limiter",
    "marker",
    "meta",
    "paused",
    "pc",
    "prioritized",
    "priority",
    "repeat",
    "stalled",
    "stalled-check",
    "wait",
    "waiting-children",
];

impl NewJob {
    /// Refuse what BullMQ refuses, and what would break its layout.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Invalid(reason));
        if let Some(id) = &self.id {
            if id.is_empty() {
                return wrong("the job id is empty; leave it out to get one".to_owned());
            }
            if id.contains(':') {
                return wrong(format!(
                    "the job id \"{id}\" contains \":\"; use another separator, such as \"-\""
                ));
            }
            if OWN_KEYS.contains(&id.as_str()) {
                return wrong(format!(
                    "the job id \"{id}\" is the name of one of the queue's own keys; put something in front, such as \"job-{id}\""
                ));
            }
            // Those are given by Redis' counter.
            if id.parse::<i128>().is_ok_and(|n| n.to_string() == *id) {
                return wrong(format!(
                    "the job id \"{id}\" is a number; put a letter in front"
                ));
            }
        }
        if self.priority > PRIORITY_LIMIT {
            return wrong(format!(
                "the priority {} is over {PRIORITY_LIMIT}, the lowest",
                self.priority
            ));
        }
        if let Err(fault) = is_json(&self.data) {
            return wrong(format!("the payload {fault}"));
        }
        let limit = self.options.size_limit.or(settings.defaults.size_limit);
        if let Some(limit) = limit.filter(|limit| *limit > 0 && self.data.len() as u64 > *limit) {
            return wrong(format!(
                "the payload of job {:?} has {} bytes, more than its size limit of {limit}",
                self.name,
                self.data.len()
            ));
        }
        if let Some(deduplication) = &self.deduplication {
            deduplication.check().map_err(Error::Invalid)?;
        }
        if let Some(contract) = &settings.contract {
            contract
                .check(&self.name, &self.data)
                .map_err(Error::Invalid)?;
        }
        Ok(())
    }

    /// The arguments by which `add.lua` and `flow.lua` are told of it.
    pub(in crate::queue) fn write(&self, command: &mut Cmd, options: &str) {
        command
            .arg(self.id.as_deref().unwrap_or(""))
            .arg(&self.name)
            .arg(&self.data)
            .arg(options)
            .arg(self.delay)
            .arg(self.priority)
            .arg(if self.lifo { "RPUSH" } else { "LPUSH" });
    }

    /// Whether it has options of its own; `plain` has none.
    fn has_options(&self, plain: &NewJob) -> bool {
        let NewJob {
            name: _,
            data: _,
            id,
            delay,
            priority,
            lifo,
            options,
            trace,
            deduplication,
            fingerprint,
        } = self;
        id.is_some()
            || (*delay, *priority, *lifo) != (0, 0, false)
            || *options != plain.options
            || trace.is_some()
            || deduplication.is_some()
            || fingerprint.is_some()
    }

    /// `opts` as npm stores it.
    pub(in crate::queue) fn options(&self, defaults: &JobDefaults) -> String {
        Value::Object(self.stored(defaults)).to_string()
    }

    /// `opts` as npm stores it, as an object.
    pub(in crate::queue) fn stored(&self, defaults: &JobDefaults) -> Map<String, Value> {
        let mut options = Map::new();
        let own = &self.options;
        let attempts = own.attempts.or(defaults.attempts).unwrap_or(0);
        options.insert("attempts".to_owned(), attempts.into());
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                options.insert(name.to_owned(), value);
            }
        };
        put("jobId", self.id.as_deref().map(Value::from));
        put("delay", (self.delay > 0).then(|| self.delay.into()));
        put(
            "priority",
            (self.priority > 0).then(|| self.priority.into()),
        );
        put("lifo", self.lifo.then(|| true.into()));
        put(
            "backoff",
            own.backoff.or(defaults.backoff).as_ref().map(backoff),
        );
        let keep_done = own.remove_on_complete.or(defaults.remove_on_complete);
        put("removeOnComplete", keep_done.map(keep));
        let keep_failed = own.remove_on_fail.or(defaults.remove_on_fail);
        put("removeOnFail", keep_failed.map(keep));
        let size_limit = own.size_limit.or(defaults.size_limit);
        put("sizeLimit", size_limit.map(Value::from));
        let deduplication = self.deduplication.as_ref();
        put("tm", self.trace.map(|trace| trace.carrier().into()));
        put("de", deduplication.map(Deduplication::json));
        put(FINGERPRINT, self.fingerprint.as_deref().map(Value::from));
        options
    }
}

fn backoff(backoff: &Backoff) -> Value {
    let kind = match backoff.kind {
        BackoffKind::Fixed => "fixed",
        BackoffKind::Exponential => "exponential",
    };
    let delay = u64::try_from(backoff.delay.as_millis()).unwrap_or(u64::MAX);
    if backoff.jitter > 0.0 {
        json!({ "type": kind, "delay": delay, "jitter": backoff.jitter })
    } else {
        json!({ "type": kind, "delay": delay })
    }
}

fn keep(keep: Keep) -> Value {
    match (keep.age, keep.count, keep.limit) {
        (None, None, None) => return false.into(),
        (None, Some(0), None) => return true.into(),
        (None, Some(count), None) => return count.into(),
        _ => {}
    }
    let fields = [
        ("age", keep.age),
        ("count", keep.count),
        ("limit", keep.limit),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
        .collect()
}

impl Queue {
    /// Add jobs, all or none; what became of each, in order. A job whose custom
    /// id is known is not added again, nor is one that was deduplicated.
    ///
    /// # Errors
    /// [`Error::Invalid`] before anything is sent, when one of them cannot be
    /// added; transient errors leave open whether the jobs were added.
    pub async fn add(&self, jobs: &[NewJob]) -> Result<Vec<Added>, Error> {
        if jobs.len() > CALL {
            return Err(Error::Invalid(format!(
                "{} jobs in one call; add at most {CALL} at once",
                jobs.len()
            )));
        }
        for job in jobs {
            job.check(self.settings())?;
        }
        self.add_checked(jobs).await
    }

    /// [`Queue::add`] for jobs that were checked, as many as one call takes.
    async fn add_checked(&self, jobs: &[NewJob]) -> Result<Vec<Added>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let defaults = &self.settings().defaults;
        // Most jobs have none of their own.
        let plain = NewJob::default();
        let defaults_alone: Arc<str> = plain.options(defaults).into();
        let options = jobs.iter().map(|job| match job.has_options(&plain) {
            true => job.options(defaults).into(),
            false => defaults_alone.clone(),
        });
        let options: Vec<Arc<str>> = options.collect();
        let reply = ADD
            .run(self.redis(), self.base(), |command| {
                for (job, options) in jobs.iter().zip(&options) {
                    job.write(command, options);
                    match &job.deduplication {
                        Some(deduplication) => command.arg(deduplication.json().to_string()),
                        None => command.arg(""),
                    };
                }
            })
            .await?;
        let added: Vec<Added> = list(reply).into_iter().filter_map(Added::read).collect();
        match added.len() == jobs.len() {
            true => Ok(added),
            false => Err(Error::Answer(ADD.name())),
        }
    }

    /// The fingerprint with which a job was added.
    pub async fn fingerprint(&self, id: &str) -> Result<Option<String>, Error> {
        let mut command = redis::cmd("HGET");
        command.arg(self.key(id)).arg("opts");
        let options = text(self.redis().call(&command).await?).unwrap_or_default();
        let options: Value = serde_json::from_str(&options).unwrap_or_default();
        Ok(options[FINGERPRINT].as_str().map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut NewJob)) -> String {
        let mut job = NewJob {
            data: "{}".to_owned(),
            ..NewJob::default()
        };
        change(&mut job);
        job.check(&settings(JobDefaults::default()))
            .unwrap_err()
            .to_string()
    }

    fn settings(defaults: JobDefaults) -> Settings {
        Settings {
            defaults,
            ..Settings::named("mail")
        }
    }

    #[test]
    fn no_job_takes_the_place_of_a_key_that_scripts_know() {
        let source = include_str!("../lib/keys.lua");
        let table = source.split("local job_keys").next().unwrap();
        let names = table.split('\'').skip(1).step_by(2);
        let kinds = ["list", "zset", "hash", "set", "stream", "string"];
        let names: Vec<&str> = names
            .filter(|name| !kinds.contains(name) && !name.contains(':'))
            .collect();
        assert!(names.len() > 15, "{names:?}");
        for name in names {
            assert!(OWN_KEYS.contains(&name), "{name}");
        }
    }

    #[test]
    fn jobs_bullmq_refuses_are_refused_with_the_way_out() {
        assert_eq!(
            refused(|job| job.id = Some("a:b".into())),
            "the job id \"a:b\" contains \":\"; use another separator, such as \"-\""
        );
        assert_eq!(
            refused(|job| job.id = Some("17".into())),
            "the job id \"17\" is a number; put a letter in front"
        );
        assert_eq!(
            refused(|job| job.id = Some("delayed".into())),
            "the job id \"delayed\" is the name of one of the queue's own keys; put something in front, such as \"job-delayed\""
        );
        assert_eq!(
            refused(|job| job.id = Some(String::new())),
            "the job id is empty; leave it out to get one"
        );
        assert_eq!(
            refused(|job| job.priority = 2_097_152),
            "the priority 2097152 is over 2097151, the lowest"
        );
        assert_eq!(
            refused(|job| job.data = "{".into()),
            "the payload is not JSON: EOF while parsing an object at line 1 column 1"
        );
    }

    #[test]
    fn a_payload_over_its_size_limit_is_refused_and_one_of_that_size_is_not() {
        let job = |limit: Option<u64>| NewJob {
            name: "mail".into(),
            data: "\"ä\"".into(),
            options: JobDefaults {
                size_limit: limit,
                ..JobDefaults::default()
            },
            ..NewJob::default()
        };
        let defaults = settings(JobDefaults {
            size_limit: Some(3),
            ..JobDefaults::default()
        });
        let none = settings(JobDefaults::default());
        assert!(job(None).check(&none).is_ok());
        assert!(job(Some(4)).check(&defaults).is_ok());
        // To npm 0 is no limit.
        assert!(job(Some(0)).check(&none).is_ok());
        assert_eq!(
            job(None).check(&defaults).unwrap_err().to_string(),
            "the payload of job \"mail\" has 4 bytes, more than its size limit of 3"
        );
    }

    #[test]
    fn options_are_encoded_as_npm_stores_them() {
        let job = NewJob {
            delay: 5,
            lifo: true,
            options: JobDefaults {
                attempts: Some(3),
                remove_on_complete: Some(Keep {
                    age: None,
                    count: Some(0),
                    ..Keep::default()
                }),
                ..JobDefaults::default()
            },
            ..NewJob::default()
        };
        assert_eq!(
            job.options(&JobDefaults::default()),
            r#"{"attempts":3,"delay":5,"lifo":true,"removeOnComplete":true}"#
        );
    }
}
