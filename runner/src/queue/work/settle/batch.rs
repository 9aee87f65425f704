//! The ends of a batch, and how the script is told of them: the one encoder of its
//! arguments, for those of `settle` and for jobs that have no attempt here.

use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;

use crate::bug;
use crate::config::Limiter;
use crate::outcome::{Cause, Outcome};
use crate::queue::attempt::{Attempt, Notes};
use crate::queue::dead::copy::{Copy, Failed};
use crate::queue::handle::Queue;
use crate::queue::stored::job::{Job, Retain};
use crate::queue::stored::spent;
use crate::queue::stored::state::State;
use crate::queue::tell::delivery::{Delivery, Ended};
use crate::queue::wire::shared;
use crate::queue::work::verdict::Verdict;

/// Log lines of one end in one call: Lua unpacks no more than 8000 values.
const LINES: usize = 5000;

/// Fields of one end: five pairs, the cause, and three values of a dead letter.
const FIELDS: usize = 14;

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
    pub(super) ends: Vec<End>,
    pub(super) continues: bool,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) attempt: Arc<Attempt>,
    pub(super) verdict: Option<Verdict>,
    notes: Notes,
    /// What the attempt has cost, as it is stored.
    spent: Option<String>,
}

impl Batch {
    /// A batch of these ends, in their order.
    pub fn new(ends: Vec<Settlement>) -> Batch {
        let ends = ends
            .into_iter()
            .map(|Settlement { attempt, outcome }| {
                let ends = attempt.queue().map(|queue| &queue.settings().ends);
                let verdict = bug::caught(|| Verdict::on(&attempt.job, outcome, ends));
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
                let mut end = End {
                    attempt,
                    verdict,
                    notes,
                    spent: None,
                };
                end.spent = end.attempt.spent(end.ended());
                end
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

/// Write the ends that have a verdict, those that are alike in one row.
pub(super) fn write(command: &mut Cmd, live: &[(&End, Option<Plain<'_>>)], queue: &Queue) {
    for alike in live.chunk_by(|(_, a), (_, b)| a.is_some() && a == b) {
        match &alike[0] {
            (_, Some(plain)) => plain.write(command, alike),
            (end, None) => end.write(command, queue),
        }
    }
}

/// Write the deliveries of the ends that webhooks are told of.
pub(super) fn tell(command: &mut Cmd, live: &[(&End, Option<Plain<'_>>)], queue: &Queue) {
    if queue.settings().webhooks.is_empty() {
        return;
    }
    let ends = live.iter().enumerate();
    let told: Vec<_> = ends
        .flat_map(|(at, (end, _))| end.told(queue).into_iter().map(move |of| (at + 1, of)))
        .collect();
    if told.is_empty() {
        return;
    }
    command.arg("n").arg(told.len());
    command.arg(queue.deliveries()).arg(queue.name());
    for (at, delivery) in &told {
        let code = match delivery.state {
            State::Completed => shared::COMPLETED,
            _ => shared::FAILED,
        };
        command.arg(*at).arg(code).arg(delivery.webhook);
        command.arg(&delivery.options).arg(&delivery.head);
    }
}

/// What completed jobs of one take have in common that settle need not look at
/// again, each of them being told in two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plain<'a> {
    token: &'a str,
    keep: Retain,
    started_at: u64,
    ran: &'a str,
}

impl Plain<'_> {
    fn write(&self, command: &mut Cmd, alike: &[(&End, Option<Plain<'_>>)]) {
        command.arg("p").arg(alike.len()).arg(self.token);
        retain(command, self.keep);
        command.arg(self.started_at).arg(self.ran);
        for (end, _) in alike {
            if let Some(Verdict::Completed(value, _)) = &end.verdict {
                let spent = end.spent.as_deref().unwrap_or_default();
                command.arg(&end.attempt.job.id).arg(value).arg(spent);
            }
        }
    }
}

impl End {
    /// How it ended, where the job's own fields will not tell.
    fn ended(&self) -> Option<&'static str> {
        Some(match self.verdict.as_ref()? {
            Verdict::Completed(..) if self.plain().is_some() => return None,
            Verdict::Completed(..) => "completed",
            Verdict::Failed(reason, _) | Verdict::Now(reason, _) | Verdict::Later(reason, _) => {
                reason.cause.as_str()
            }
            Verdict::Waiting(..) => "waiting-children",
            Verdict::Snoozed(..) => "snoozed",
            Verdict::Limited(..) => "rate-limited",
            Verdict::Released => "released",
            Verdict::Moved(_) => "moved",
        })
    }

    /// Completed, kept, with nothing to note, and as it was added when it was
    /// taken. BullMQ alone gives ids that are numbers, so no flow can have made it
    /// a child meanwhile.
    pub(super) fn plain(&self) -> Option<Plain<'_>> {
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

    fn write(&self, command: &mut Cmd, queue: &Queue) {
        let Some(verdict) = &self.verdict else { return };
        let job = &self.attempt.job;
        let copy = self.dead_letter(queue);
        let base = match verdict {
            Verdict::Moved(to) => queue.beside(to),
            _ => String::new(),
        };
        let (op, value, with) = match verdict {
            Verdict::Completed(value, keep) => ("c", value.as_str(), With::Keep(*keep)),
            Verdict::Failed(reason, keep) => {
                let op = if copy.is_some() { "x" } else { "f" };
                (op, reason.text.as_str(), With::Keep(*keep))
            }
            Verdict::Now(_, true) => ("r", "", With::Order("RPUSH")),
            Verdict::Now(_, false) => ("r", "", With::Order("LPUSH")),
            Verdict::Later(_, delay) => ("d", "", With::Delay(*delay, true)),
            Verdict::Snoozed(delay, _) => ("d", "", With::Delay(*delay, false)),
            Verdict::Waiting(reason, keep) => ("w", reason.text.as_str(), With::Keep(*keep)),
            Verdict::Limited(delay, _) => ("l", "", With::Pause(*delay)),
            Verdict::Released => ("b", "", With::Nothing),
            Verdict::Moved(_) => ("m", base.as_str(), With::From(queue.name())),
        };
        let mut row = Row::new(op, job.id.as_bytes(), &self.attempt.token);
        (row.value, row.with, row.attempts) = (value, with, job.options.attempts);
        row.progress = self.notes.progress.as_deref().unwrap_or("");
        row.keep_logs = queue.keep_logs(job);
        // Lines that would be trimmed at once are not sent.
        let shown = usize::try_from(row.keep_logs).map_or(LINES, |keep| keep.min(LINES));
        row.lines = &self.notes.logs[self.notes.logs.len().saturating_sub(shown)..];
        let ends = matches!(verdict, Verdict::Failed(..) | Verdict::Waiting(..));
        if let Some(reason) = verdict.reason() {
            if !ends {
                row.extend(["failedReason", &reason.text]);
            }
            row.extend(["stacktrace", &reason.traces]);
            if !matches!(verdict, Verdict::Waiting(..)) {
                row.extend(["cause", reason.cause.as_str()]);
            }
        }
        if let Some(ran) = self.attempt.ran.get() {
            row.extend(["rv", ran]);
        }
        if let Some(spent) = &self.spent {
            row.extend([spent::field(job.starts), spent]);
        }
        if let Some(reason) = verdict.reason().filter(|_| ends) {
            row.extend([reason.cause.as_str()]);
        }
        if let Some(copy) = &copy {
            row.extend([&*copy.base, queue.name(), &*copy.head]);
        }
        row.write(command);
    }

    /// What webhooks are told if the job ends as it seems.
    fn told<'a>(&self, queue: &'a Queue) -> Vec<Delivery<'a>> {
        let end = match &self.verdict {
            Some(Verdict::Completed(value, _)) => Ok(value.as_str()),
            Some(Verdict::Failed(reason, _) | Verdict::Waiting(reason, _)) => {
                Err((reason.text.as_str(), Some(reason.cause)))
            }
            _ => return Vec::new(),
        };
        let job = &self.attempt.job;
        queue.told(&Ended {
            id: &job.id,
            name: &job.name,
            data: &job.data,
            added_at: job.added_at,
            started_at: job.started_at,
            attempts_made: job.attempts_made.saturating_add(1),
            plugin: self.attempt.ran.get().map(String::as_str),
            end,
        })
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

/// What the script is told before the ends: who takes how many jobs.
pub(in crate::queue) struct Round<'a> {
    /// The lock of the jobs taken.
    pub(in crate::queue) token: &'a str,
    pub(in crate::queue) lock: Duration,
    /// Jobs wanted.
    pub(in crate::queue) take: usize,
    pub(in crate::queue) runner: &'a str,
    pub(in crate::queue) limiter: Option<Limiter>,
    /// Jobs left over wake another worker.
    pub(in crate::queue) wakes: bool,
    pub(in crate::queue) ends: usize,
}

impl Round<'_> {
    pub(in crate::queue) fn write(&self, command: &mut Cmd) {
        command
            .arg(self.token)
            .arg(self.lock.as_millis() as u64)
            .arg(self.take)
            .arg(self.runner);
        match self.limiter {
            Some(limit) => command
                .arg(limit.max)
                .arg(limit.duration.as_millis() as u64),
            None => command.arg("").arg(""),
        };
        command.arg(u8::from(self.wakes)).arg(self.ends);
    }
}

/// One end as the script reads it; `settle.lua` says what each part means.
pub(in crate::queue) struct Row<'a> {
    op: &'static str,
    id: &'a [u8],
    token: &'a str,
    pub(in crate::queue) value: &'a str,
    with: With<'a>,
    attempts: u32,
    /// JSON text, or nothing.
    progress: &'a str,
    keep_logs: u64,
    lines: &'a [String],
    fields: [&'a str; FIELDS],
    filled: usize,
}

/// What the three values after `value` say.
enum With<'a> {
    Nothing,
    /// What of the ended jobs is kept.
    Keep(Option<Retain>),
    /// The command that puts it back.
    Order(&'static str),
    /// Milliseconds, and whether the attempt counts.
    Delay(u64, bool),
    /// Milliseconds without a start.
    Pause(u64),
    /// The queue it comes from.
    From(&'a str),
}

impl<'a> Row<'a> {
    /// An end without a report, and without attempts left.
    pub(in crate::queue) fn new(op: &'static str, id: &'a [u8], token: &'a str) -> Row<'a> {
        Row {
            op,
            id,
            token,
            value: "",
            with: With::Nothing,
            attempts: 0,
            progress: "",
            keep_logs: 1,
            lines: &[],
            fields: [""; FIELDS],
            filled: 0,
        }
    }

    /// Add to the fields.
    pub(in crate::queue) fn extend<const N: usize>(&mut self, values: [&'a str; N]) {
        self.fields[self.filled..self.filled + N].copy_from_slice(&values);
        self.filled += N;
    }

    pub(in crate::queue) fn write(&self, command: &mut Cmd) {
        command
            .arg(self.op)
            .arg(self.id)
            .arg(self.token)
            .arg(self.value);
        match self.with {
            With::Nothing => drop(command.arg("").arg("").arg("")),
            With::Keep(keep) => retain(command, keep.unwrap_or_default()),
            With::Order(push) => drop(command.arg(push).arg("").arg("")),
            With::Delay(delay, counts) => {
                command.arg(delay).arg(u8::from(counts)).arg("");
            }
            With::Pause(delay) => drop(command.arg(delay).arg("").arg("")),
            With::From(queue) => drop(command.arg(queue).arg("").arg("")),
        }
        command
            .arg(self.attempts)
            .arg(self.progress)
            .arg(self.keep_logs)
            .arg(self.lines.len())
            .arg(self.filled);
        for line in self.lines {
            command.arg(line);
        }
        for field in &self.fields[..self.filled] {
            command.arg(*field);
        }
    }
}

fn retain(command: &mut Cmd, keep: Retain) {
    optional(command, keep.count);
    optional(command, keep.age);
    optional(command, keep.limit);
}

fn optional(command: &mut Cmd, value: Option<impl redis::ToSingleRedisArg>) {
    match value {
        Some(value) => command.arg(value),
        None => command.arg(""),
    };
}
