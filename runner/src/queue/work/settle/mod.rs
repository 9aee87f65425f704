//! Settle and take: how attempts ended goes to Redis, the next jobs come back,
//! in one call.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::bug;
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::Queue;
use crate::queue::attempt::{Attempt, Notes};
use crate::queue::dead::copy::{Copy, Failed};
use crate::queue::stored::job::{Job, Retain, Scheduler};
use crate::queue::stored::options;
use crate::queue::wire::redis::Error;
use crate::queue::wire::script::script;
use crate::queue::work::verdict::{Reason, Verdict};

/// The script of the hot path; without gates it has no code for them.
macro_rules! settle {
    ($constant:ident, $name:literal, [$($gates:literal),+]) => {
        script!(
            $constant,
            $name,
            "lib/text_of",
            "work/settle/resume/begin",
            "lib/queue",
            "lib/metrics",
            $($gates,)+
            "work/settle/rarely/begin",
            "lib/keys",
            "lib/names",
            "lib/enqueue",
            "lib/remove",
            "lib/parents",
            "lib/deduplication",
            "lib/keep",
            "work/settle/quarantine",
            "work/settle/promote",
            "work/settle/put_back",
            "lib/dead_letter",
            "work/settle/copy",
            "work/settle/move",
            "work/settle/limit",
            "work/settle/rarely/end",
            "work/settle/settle",
            "work/settle/take",
            "work/settle/resume/end"
        );
    };
}

settle!(SETTLE, "settle", ["work/settle/gates/none"]);
settle!(
    SETTLE_GATED,
    "settle with gates",
    [
        "lib/parked",
        "work/settle/gates/rules",
        "work/settle/gates/gate",
        "work/settle/gates/park",
        "work/settle/gates/take"
    ]
);

/// Values of a job that is as it was added, as the script gives it.
const FRESH: usize = 6;
/// Log lines of one end in one call: Lua unpacks no more than 8000 values.
const LINES: usize = 5000;

/// A job that ended, with what is written about it.
#[derive(Debug)]
pub struct Settlement {
    /// The attempt.
    pub attempt: Arc<Attempt>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Ends that are written together. What is random or read once (the backoff,
/// the pending notes) is fixed here, so that a batch can be sent again.
#[derive(Debug, Default)]
pub struct Batch {
    ends: Vec<End>,
    continues: bool,
}

#[derive(Debug)]
struct End {
    attempt: Arc<Attempt>,
    verdict: Option<Verdict>,
    notes: Notes,
}

/// What became of one settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written; the state the job is in now: `completed`, `failed`, `delayed`,
    /// `waiting`, `prioritized`, `waiting-children`; `moved` when it is in another
    /// queue.
    Now(&'static str),
    /// The job cannot complete, because a child that failed is to fail it too:
    /// nothing was written, and the lock is still ours. BullMQ's name of what was
    /// refused: `moveToFinished`, `moveToWaitingChildren`.
    ChildFailed(&'static str),
    /// The job is gone: nothing was written.
    Removed,
    /// The lock was not ours any more: nothing was written.
    Lost,
}

/// Jobs taken in one call, and what to wait for if they are fewer than asked.
#[derive(Debug, Default)]
pub struct Taken {
    /// The lock value of all of them.
    pub token: String,
    /// The jobs, in the order they were queued.
    pub jobs: Vec<Job>,
    /// The queue is paused.
    pub paused: bool,
    /// The rate limit is used up for so long.
    pub limited_for: Option<Duration>,
    /// The next delayed job is due in so long.
    pub delayed_for: Option<Duration>,
    /// Jobs that cannot be run as they are stored and were failed: id, reason.
    pub quarantined: Vec<(String, String)>,
    /// Ids of jobs that are no text. They are ours: see [`Queue::fail_unnamed`].
    pub unnamed: Vec<Vec<u8>>,
    /// Jobs whose copy could not be added to the dead letter queue in this call,
    /// and why. They are in `failed`, whatever their policy says: see
    /// [`Queue::bury`].
    pub unburied: Vec<(String, String)>,
}

impl Batch {
    /// A batch of these ends, in their order.
    pub fn new(ends: Vec<Settlement>) -> Batch {
        let ends = ends
            .into_iter()
            .map(|Settlement { attempt, outcome }| {
                let starts = attempt.queue.settings().max_starts;
                let verdict = bug::caught(|| Verdict::on(&attempt.job, outcome, starts));
                let verdict = verdict
                    .unwrap_or_else(|text| Verdict::on(&Job::default(), bug::outcome(&text), None));
                let mut notes = attempt.take_notes();
                match &verdict {
                    Some(Verdict::Snoozed(_, reason)) if !reason.is_empty() => {
                        notes.logs.push(format!("snoozed: {reason}"));
                    }
                    Some(Verdict::Limited(_, reason)) if !reason.is_empty() => {
                        notes.logs.push(format!("rate limited: {reason}"));
                    }
                    _ => {}
                }
                End {
                    attempt,
                    verdict,
                    notes,
                }
            })
            .collect();
        Batch {
            ends,
            continues: false,
        }
    }

    /// The take that goes with it follows only from these ends, not from a
    /// wake-up: jobs it leaves over need not wake another worker.
    pub(crate) fn continuing(self) -> Batch {
        Batch {
            continues: true,
            ..self
        }
    }

    /// The attempts, in order.
    pub fn attempts(&self) -> impl Iterator<Item = &Arc<Attempt>> {
        self.ends.iter().map(|end| &end.attempt)
    }

    /// How many ends there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One batch of all ends, in order.
    pub(crate) fn join(batches: Vec<Batch>) -> Batch {
        Batch {
            ends: batches.into_iter().flat_map(|batch| batch.ends).collect(),
            continues: false,
        }
    }

    /// Each end in a batch of its own.
    pub(crate) fn split(self) -> impl Iterator<Item = Batch> {
        self.ends.into_iter().map(|end| Batch {
            ends: vec![end],
            continues: false,
        })
    }
}

impl Queue {
    /// Write how attempts ended, then take up to `take` jobs, in one call.
    ///
    /// # Errors
    /// Transient errors leave open whether the batch was written: send it again,
    /// and ask [`Queue::settled_before`] about ends that are then lost.
    pub async fn settle(&self, batch: &Batch, take: usize) -> Result<(Vec<Settled>, Taken), Error> {
        let settings = self.settings();
        let redis = self.redis();
        let token = format!("{}:{}:{}", settings.runner, redis.boot(), redis.next());
        let live = batch.ends.iter().filter(|end| end.verdict.is_some());
        let live: Vec<(&End, Option<Plain<'_>>)> = live.map(|end| (end, end.plain())).collect();
        let script = match settings.gates {
            Some(_) => &SETTLE_GATED,
            None => &SETTLE,
        };
        let reply = script
            .run(redis, &self.0.base, |command| {
                command
                    .arg(&token)
                    .arg(settings.lock.as_millis() as u64)
                    .arg(take)
                    .arg(&settings.runner);
                match settings.limiter {
                    Some(limit) => command
                        .arg(limit.max)
                        .arg(limit.duration.as_millis() as u64),
                    None => command.arg("").arg(""),
                };
                command.arg(u8::from(!batch.continues)).arg(live.len());
                for alike in live.chunk_by(|(_, a), (_, b)| a.is_some() && a == b) {
                    match &alike[0] {
                        (_, Some(plain)) => plain.arguments(command, alike),
                        (end, None) => end.arguments(command, self),
                    }
                }
                if let Some(minutes) = settings.metrics {
                    command.arg(minutes);
                }
                if let Some(gates) = &settings.gates {
                    command.arg(gates.rules());
                }
            })
            .await?;
        let Value::Array(mut parts) = reply else {
            return Err(Error::Answer(SETTLE.name()));
        };
        let answer = || Error::Answer(SETTLE.name());
        self.tell_mended(parts.pop().ok_or_else(answer)?);
        let unburied = pairs(parts.pop().ok_or_else(answer)?);
        let quarantined = pairs(parts.pop().ok_or_else(answer)?);
        let now = whole(&parts.pop().ok_or_else(answer)?) as u64;
        let next_at = whole(&parts.pop().ok_or_else(answer)?);
        let limited = whole(&parts.pop().ok_or_else(answer)?);
        let paused = whole(&parts.pop().ok_or_else(answer)?) == 1;
        let jobs = list(parts.pop().ok_or_else(answer)?);
        let mut codes = list(parts.pop().ok_or_else(answer)?).into_iter();

        let settled = batch
            .ends
            .iter()
            .map(|end| match &end.verdict {
                Some(verdict) => codes
                    .next()
                    .map_or(Settled::Lost, |code| state(whole(&code), verdict)),
                None => Settled::Lost,
            })
            .collect();
        let milliseconds = |ms: i64| u64::try_from(ms).ok().map(Duration::from_millis);
        let mut unnamed = Vec::new();
        let jobs = each(jobs)
            .filter_map(|fields| job(fields, now).map_err(|id| unnamed.push(id)).ok())
            .collect();
        let taken = Taken {
            token,
            jobs,
            paused,
            limited_for: milliseconds(limited).filter(|wait| !wait.is_zero()),
            delayed_for: milliseconds(next_at),
            quarantined,
            unnamed,
            unburied,
        };
        Ok((settled, taken))
    }
}

/// What completed jobs of one take have in common that settle need not look at
/// again, each of them being told in two values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plain<'a> {
    token: &'a str,
    keep: Retain,
    started_at: u64,
    ran: &'a str,
}

impl Plain<'_> {
    fn arguments(&self, command: &mut redis::Cmd, alike: &[(&End, Option<Plain<'_>>)]) {
        command.arg("p").arg(alike.len()).arg(self.token);
        retain(command, self.keep);
        command.arg(self.started_at).arg(self.ran);
        for (end, _) in alike {
            if let Some(Verdict::Completed(value, _)) = &end.verdict {
                command.arg(&end.attempt.job.id).arg(value);
            }
        }
    }
}

impl End {
    /// Completed, kept, with nothing to note, and as it was added when it was
    /// taken. BullMQ alone gives ids that are numbers, so no flow can have made it
    /// a child meanwhile.
    fn plain(&self) -> Option<Plain<'_>> {
        let Some(Verdict::Completed(_, keep)) = &self.verdict else {
            return None;
        };
        let job = &self.attempt.job;
        let keep = keep.unwrap_or_default();
        let quiet = self.notes.logs.is_empty() && self.notes.progress.is_none();
        let counted = job.id.bytes().all(|byte| byte.is_ascii_digit());
        (job.fresh && quiet && counted && keep.count != Some(0)).then(|| Plain {
            token: &self.attempt.token,
            keep,
            started_at: job.started_at,
            ran: self.attempt.ran.get().map_or("", String::as_str),
        })
    }

    fn arguments(&self, command: &mut redis::Cmd, queue: &Queue) {
        let Some(verdict) = &self.verdict else { return };
        let job = &self.attempt.job;
        let dead_letter = self.dead_letter(queue);
        let mut fields: [(&str, &str); 3] = [("", ""); 3];
        let mut filled = 0;
        let mut field = |name, value| {
            fields[filled] = (name, value);
            filled += 1;
        };
        let base;
        let mut cause = None;
        let (op, value, keep) = match verdict {
            Verdict::Completed(value, keep) => ("c", value.as_str(), *keep),
            Verdict::Failed(reason, keep) => {
                field("stacktrace", reason.traces.as_str());
                cause = Some(reason.cause);
                let op = if dead_letter.is_some() { "x" } else { "f" };
                (op, reason.text.as_str(), *keep)
            }
            Verdict::Now(Reason { text, traces, .. }, _)
            | Verdict::Later(Reason { text, traces, .. }, _) => {
                field("failedReason", text.as_str());
                field("stacktrace", traces.as_str());
                let now = matches!(verdict, Verdict::Now(..));
                (if now { "r" } else { "d" }, "", None)
            }
            Verdict::Snoozed(..) => ("d", "", None),
            Verdict::Waiting(reason, keep) => {
                field("stacktrace", reason.traces.as_str());
                cause = Some(reason.cause);
                ("w", reason.text.as_str(), *keep)
            }
            Verdict::Limited(..) => ("l", "", None),
            Verdict::Back => ("b", "", None),
            Verdict::Moved(to) => {
                base = format!("{}:{to}:", queue.redis().prefix());
                ("m", base.as_str(), None)
            }
        };
        if let Some(ran) = self.attempt.ran.get() {
            field("rv", ran);
        }
        command
            .arg(op)
            .arg(&job.id)
            .arg(&self.attempt.token)
            .arg(value);
        match verdict {
            Verdict::Now(_, lifo) => {
                command
                    .arg(if *lifo { "RPUSH" } else { "LPUSH" })
                    .arg("")
                    .arg("");
            }
            Verdict::Later(_, delay) => {
                command.arg(*delay).arg("1").arg("");
            }
            Verdict::Snoozed(delay, _) => {
                command.arg(*delay).arg("0").arg("");
            }
            Verdict::Moved(_) => {
                command.arg(queue.name()).arg("").arg("");
            }
            Verdict::Limited(delay, _) => {
                command.arg(*delay).arg("").arg("");
            }
            Verdict::Completed(..) | Verdict::Failed(..) | Verdict::Waiting(..) | Verdict::Back => {
                retain(command, keep.unwrap_or_default());
            }
        }
        let max_logs = queue.settings().max_logs as u64;
        let keep_logs = job.options.keep_logs.unwrap_or(max_logs).max(1);
        // Lines that would be trimmed at once are not sent.
        let shown = usize::try_from(keep_logs).map_or(LINES, |keep| keep.min(LINES));
        let lines = &self.notes.logs[self.notes.logs.len().saturating_sub(shown)..];
        command
            .arg(job.options.attempts)
            .arg(self.notes.progress.as_deref().unwrap_or(""))
            .arg(keep_logs)
            .arg(lines.len())
            .arg(filled * 2 + cause.iter().len() + if dead_letter.is_some() { 3 } else { 0 });
        for line in lines {
            command.arg(line);
        }
        for (name, value) in &fields[..filled] {
            command.arg(*name).arg(*value);
        }
        if let Some(cause) = cause {
            command.arg(cause.as_str());
        }
        if let Some(copy) = dead_letter {
            command.arg(copy.base).arg(queue.name()).arg(copy.head);
        }
    }

    /// The copy to make if the job has failed for good.
    fn dead_letter(&self, queue: &Queue) -> Option<Copy> {
        let Some(Verdict::Failed(reason, _)) = &self.verdict else {
            return None;
        };
        // Somebody wanted it so.
        if reason.cause == Cause::Cancelled {
            return None;
        }
        let job = &self.attempt.job;
        queue.dead_letter(&Failed {
            id: &job.id,
            name: &job.name,
            reason: &reason.text,
            attempts_made: job.attempts_made.saturating_add(1),
            plugin: self.attempt.ran.get().map(String::as_str),
            runner: &queue.settings().runner,
        })
    }
}

fn retain(command: &mut redis::Cmd, keep: Retain) {
    optional(command, keep.count);
    optional(command, keep.age);
    optional(command, keep.limit);
}

fn optional(command: &mut redis::Cmd, value: Option<impl redis::ToSingleRedisArg>) {
    match value {
        Some(value) => command.arg(value),
        None => command.arg(""),
    };
}

fn state(code: i64, verdict: &Verdict) -> Settled {
    match code {
        1 => Settled::Now("completed"),
        2 => Settled::Now("failed"),
        3 => Settled::Now("waiting"),
        4 => Settled::Now("prioritized"),
        5 => Settled::Now("delayed"),
        6 => Settled::Now("waiting-children"),
        7 => Settled::Now("moved"),
        -1 => Settled::Removed,
        -9 => Settled::ChildFailed(match verdict {
            Verdict::Waiting(..) => "moveToWaitingChildren",
            _ => "moveToFinished",
        }),
        _ => Settled::Lost,
    }
}

/// The values of each job: in a list, or six in a row.
fn each(jobs: Vec<Value>) -> impl Iterator<Item = Vec<Value>> {
    let mut values = jobs.into_iter();
    std::iter::from_fn(move || match values.next()? {
        Value::Array(fields) => Some(fields),
        first => Some(
            std::iter::once(first)
                .chain(values.by_ref().take(FRESH - 1))
                .collect(),
        ),
    })
}

/// A taken job from the fields in the order the script names them; its id, if that
/// is no text.
fn job(fields: Vec<Value>, now: u64) -> Result<Job, Vec<u8>> {
    let fresh = fields.len() == FRESH;
    let mut fields = fields.into_iter();
    let mut next = || fields.next().unwrap_or(Value::Nil);
    let mut fault = None;
    let (name, data, opts) = (bytes(next()), bytes(next()), bytes(next()));
    let added_at = number(&next()) as u64;
    let priority = number(&next()) as u32;
    let (mut attempts_made, mut starts, mut stalls) = (0, 1, 0);
    let [mut parent, mut deferred, mut traces, mut scheduler] = [const { Value::Nil }; 4];
    let mut all = Vec::new();
    if !fresh {
        attempts_made = number(&next()) as u32;
        starts = number(&next()) as u32;
        stalls = number(&next()) as u32;
        (parent, deferred, traces) = (next(), next(), next());
        all = list(next());
        scheduler = next();
    }
    let id = String::from_utf8(bytes(next())).map_err(|error| error.into_bytes())?;

    let data = String::from_utf8(data).unwrap_or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        fault = Some(format!("the payload is not UTF-8 text: byte {at}"));
        String::new()
    });
    let raw = String::from_utf8(opts).unwrap_or_else(|_| {
        fault.get_or_insert("the options are not UTF-8 text".to_owned());
        String::new()
    });
    let options = options::decode(&raw).unwrap_or_else(|reason| {
        fault.get_or_insert(reason);
        options::decode("").unwrap_or_default()
    });
    let mut checkpoints = Vec::new();
    let mut all = all.into_iter();
    while let (Some(name), Some(value)) = (all.next(), all.next()) {
        if let (Some(name), Some(value)) = (text(name), text(value))
            && let Some(step) = name.strip_prefix("cp:")
        {
            checkpoints.push((step.to_owned(), value));
        }
    }
    Ok(Job {
        fresh,
        id,
        name: String::from_utf8_lossy(&name).into_owned(),
        data,
        added_at,
        started_at: now,
        attempts_made,
        starts,
        stalls,
        priority,
        delay: options.delay,
        parent: text(parent).and_then(|raw| options::parent(&raw)),
        deferred_failure: text(deferred).filter(|reason| !reason.is_empty()).or(fault),
        stacktrace: text(traces)
            .map(|raw| options::traces(&raw))
            .unwrap_or_default(),
        scheduler: text(scheduler).map(|id| Scheduler { id, options: raw }),
        checkpoints,
        options,
    })
}

impl Job {
    /// The outcome of a job that must not be run: it stalled too often, a child
    /// failed, or it cannot be read.
    pub fn refused(&self) -> Option<Outcome> {
        self.deferred_failure.as_ref().map(|reason| {
            Outcome::Rejected(Failure {
                cause: Cause::Deferred,
                reason: reason.clone(),
                frames: Vec::new(),
            })
        })
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.into_bytes(),
        Value::Int(number) => number.to_string().into_bytes(),
        _ => Vec::new(),
    }
}

/// Text, if there is any; bytes that are not UTF-8 are replaced.
pub(in crate::queue) fn text(value: Value) -> Option<String> {
    match value {
        Value::Nil => None,
        other => Some(
            String::from_utf8(bytes(other))
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    }
}

pub(in crate::queue) fn texts(value: Value) -> Vec<String> {
    list(value).into_iter().filter_map(text).collect()
}

fn pairs(value: Value) -> Vec<(String, String)> {
    let texts = texts(value);
    let pairs = texts.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

pub(in crate::queue) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

pub(in crate::queue) fn whole(value: &Value) -> i64 {
    number(value) as i64
}

/// A number as stored by whatever client: `3`, `3.0`, `1e+14`. Casts of the
/// result saturate.
fn number(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::BulkString(bytes) => std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_default(),
        _ => 0.0,
    }
}
