//! Long lists of jobs: some hundred to a call, and a verdict for each.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::fault::{Fault, Kind, pointer};
use super::items::Items;
use super::named;
use super::one::{Instead, state_of};
use super::options::Options;
use crate::config;
use crate::queue::{Added, NewJob, Queue};

/// Jobs in one call: Redis serves nobody else meanwhile, which is then a few
/// milliseconds.
const CALL: usize = 500;
/// Bytes in one call, likewise.
const BYTES: usize = 512 << 10;

/// A job of a list, as BullMQ's `addBulk` has it.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    /// The job's name; without one, the queue's default.
    #[serde(default)]
    name: Option<String>,
    /// The payload.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    data: &'a RawValue,
    /// The options.
    #[serde(default)]
    opts: Options,
}

/// What became of a job of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The line of the job, or its element of the array, from 1.
    pub line: u64,
    /// The id of the job, or of the one that is there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Where the job waits, when it was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why another job is there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
    /// Why the job was not added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
}

impl Verdict {
    /// The job of this line was not added.
    pub fn refused(line: u64, fault: Fault) -> Verdict {
        Verdict {
            line,
            job_id: None,
            state: None,
            instead: None,
            error: Some(fault),
        }
    }

    /// Redis was away when the job should have been added.
    fn is_unserved(&self) -> bool {
        let error = self.error.as_ref();
        error.is_some_and(|fault| fault.kind == Kind::RedisUnavailable)
    }

    fn added(line: u64, state: &'static str, added: Added) -> Verdict {
        let is_new = added.instead.is_none();
        Verdict {
            line,
            job_id: Some(added.id),
            state: is_new.then(|| state.to_owned()),
            instead: added.instead.map(Into::into),
            error: None,
        }
    }
}

/// Jobs that are sent with one call: to Redis, or to a server.
pub trait Batch: Sized {
    /// Why no call can be made any more.
    type Stop;

    /// Take a line.
    fn take(&mut self, line: u64, text: Bytes);

    /// Whether it should be sent before it takes more.
    fn is_full(&self) -> bool;

    /// Whether there is nothing to send.
    fn is_empty(&self) -> bool;

    /// An empty one for the same queue.
    fn next(&self) -> Self;

    /// What was taken, to be sent; this one is empty then.
    fn split(&mut self) -> Self {
        let next = self.next();
        std::mem::replace(self, next)
    }

    /// Add the jobs, and say of each line what became of it.
    fn send(self) -> BoxFuture<'static, Result<Vec<Verdict>, Self::Stop>>;
}

/// Jobs that go to Redis with one call.
#[derive(Debug)]
pub struct Bulk {
    queue: Queue,
    declared: Arc<config::Queue>,
    /// The name of a job that has none.
    name: Option<String>,
    jobs: Vec<NewJob>,
    /// What is known of each line: the state that its job will have, or why it is not
    /// added.
    lines: Vec<(u64, Result<&'static str, Fault>)>,
    bytes: usize,
}

impl Bulk {
    /// Nothing yet, for a declared queue; `name` is that of jobs without one.
    pub fn new(queue: Queue, declared: Arc<config::Queue>, name: Option<String>) -> Bulk {
        Bulk {
            queue,
            declared,
            name,
            jobs: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
        }
    }

    async fn add(self) -> Vec<Verdict> {
        let mut added = self.queue.add_each(&self.jobs).await.into_iter();
        let verdict = |(line, state)| match state {
            Err(fault) => Verdict::refused(line, fault),
            Ok(state) => match added.next() {
                Some(Ok(added)) => Verdict::added(line, state, added),
                Some(Err(error)) => Verdict::refused(line, Fault::once_sent(error)),
                None => Verdict::refused(line, Fault::of(Kind::RedisRefused, "no answer")),
            },
        };
        self.lines.into_iter().map(verdict).collect()
    }

    fn read(&self, text: &[u8]) -> Result<NewJob, Fault> {
        let Item { name, data, opts } = match serde_json::from_slice::<Item<'_>>(text) {
            Ok(item) => item,
            Err(_) => return Err(why(text)),
        };
        let name = name.as_deref().or(self.name.as_deref());
        let name = named::name(&self.declared, name)?;
        if opts.on_failure().is_ok_and(|of| of.is_some()) {
            return Err(Fault::invalid(
                "failParentOnFailure and its like are for children of a flow: POST /api/flows",
            )
            .at("/opts"));
        }
        let job = opts.job(name, data.get().to_owned());
        match job.check(self.queue.settings()) {
            Ok(()) => Ok(job),
            Err(error) => Err(Fault::of_job(error, &self.declared, &job, "/data")),
        }
    }
}

impl Batch for Bulk {
    /// What Redis says is the verdict of a line.
    type Stop = Infallible;

    fn take(&mut self, line: u64, text: Bytes) {
        let job = self.read(&text);
        let state = job.map(|job| {
            let state = state_of(&job).name();
            self.bytes += job.data.len();
            self.jobs.push(job);
            state
        });
        self.lines.push((line, state));
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= CALL || self.bytes >= BYTES
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn next(&self) -> Bulk {
        Bulk::new(self.queue.clone(), self.declared.clone(), self.name.clone())
    }

    fn send(self) -> BoxFuture<'static, Result<Vec<Verdict>, Infallible>> {
        self.add().map(Ok).boxed()
    }
}

/// What became of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that were added.
    pub added: u64,
    /// Jobs in whose place another one is.
    pub instead: u64,
    /// Lines that were refused.
    pub refused: u64,
}

impl Tally {
    fn count(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let of = match verdict {
                Verdict { error: Some(_), .. } => &mut self.refused,
                Verdict {
                    instead: Some(_), ..
                } => &mut self.instead,
                Verdict { .. } => &mut self.added,
            };
            *of += 1;
        }
    }
}

/// Add the jobs of a text that comes in parts, and tell of each line what became of it.
/// What comes while a call is on its way goes with the next one. It ends early when
/// nobody listens any more (`tell` says no), when the text cannot be read on, and when
/// Redis does not serve; the last two are told as the verdict of the line they begin at.
///
/// # Errors
/// Why no call can be made any more. What was told before stays so.
pub async fn add_all<B: Batch, E: Display, T: Future<Output = bool>>(
    mut bulk: B,
    mut items: Items,
    text: impl Stream<Item = Result<Bytes, E>>,
    mut tell: impl FnMut(Vec<Verdict>) -> T,
) -> Result<Tally, B::Stop> {
    let mut text = std::pin::pin!(text.fuse());
    let mut tally = Tally::default();
    let mut call: Option<BoxFuture<'static, Result<Vec<Verdict>, B::Stop>>> = None;
    // What is told when all lines before it have been.
    let (mut end, mut ended) = (None, false);
    loop {
        while end.is_none() && !bulk.is_full() {
            let next = match items.next_job() {
                Ok(None) if ended => items.last(),
                next => next,
            };
            match next {
                Ok(Some((line, job))) => bulk.take(line, job),
                Ok(None) => break,
                Err((line, fault)) => end = Some(Verdict::refused(line, fault)),
            }
        }
        if call.is_none() && !bulk.is_empty() {
            call = Some(bulk.split().send());
        }
        let reads = end.is_none() && !ended && !bulk.is_full();
        tokio::select! {
            verdicts = async { call.as_mut().expect("there is a call").await }, if call.is_some() => {
                call = None;
                let verdicts = verdicts?;
                tally.count(&verdicts);
                let last = verdicts.last().map_or(0, |last| last.line);
                let away = verdicts.iter().any(Verdict::is_unserved);
                if !tell(verdicts).await {
                    return Ok(tally);
                }
                if away {
                    end = Some(Verdict::refused(last + 1, unread()));
                    bulk = bulk.next();
                }
            }
            part = text.next(), if reads => match part {
                Some(Ok(part)) => items.push(&part),
                Some(Err(error)) => {
                    let fault = Fault::of(Kind::NotJson, format!("the text broke off: {error}"));
                    end = Some(Verdict::refused(items.count() + 1, fault));
                }
                None => ended = true,
            },
            else => {
                if let Some(end) = end {
                    tally.refused += 1;
                    tell(vec![end]).await;
                }
                return Ok(tally);
            }
        }
    }
}

fn unread() -> Fault {
    Fault::of(
        Kind::RedisUnavailable,
        "this line and those after it were not read, because Redis does not serve; send them again",
    )
}

/// Why a text is no job.
fn why(text: &[u8]) -> Fault {
    read_at::<Item<'_>>(text)
        .err()
        .unwrap_or_else(|| Fault::invalid("the job cannot be read"))
}

/// JSON text as `T`, or where it is not one.
pub(super) fn read_at<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Fault> {
    let not_json = |error: &serde_json::Error| {
        Fault::of(Kind::NotJson, format!("the job is not JSON: {error}"))
    };
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = pointer(error.path());
        let error = error.into_inner();
        match error.is_data() {
            true => Fault::invalid(words(&error)).at(place),
            false => not_json(&error),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

/// What serde says, without the place in a text that has one line.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
