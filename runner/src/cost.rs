//! What an attempt costs: time of the processor, memory, calls to the host. The executor
//! and the host write it while the attempt runs, `queue` keeps it with the job, `observe`
//! counts it. Knows nothing of any of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Calls of one attempt that are kept one by one; further ones are only counted.
const CALLS: usize = 32;

/// What one attempt has cost so far.
#[derive(Debug, Default)]
pub struct Cost {
    /// Time of the processor in the turns that are over, ns.
    processor: AtomicU64,
    /// What its thread had used when the turn began that it has now, ns.
    turn: AtomicU64,
    /// Time of the last turn, ns.
    last: AtomicU64,
    ended: AtomicBool,
    memory: AtomicU64,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    kept: Vec<Call>,
    more: BTreeMap<(Kind, &'static str), u64>,
}

/// What was asked of the host.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An HTTP request.
    Http,
    /// Jobs added to a queue.
    Add,
    /// A step recorded.
    Checkpoint,
    /// The payload replaced.
    Data,
    /// Statements in a database.
    Sql,
    /// An object of a store.
    Blobs,
    /// A value kept.
    Kv,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Http,
        Kind::Add,
        Kind::Checkpoint,
        Kind::Data,
        Kind::Sql,
        Kind::Blobs,
        Kind::Kv,
    ];

    /// Its name in metrics, traces and records.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Add => "add",
            Kind::Checkpoint => "checkpoint",
            Kind::Data => "data",
            Kind::Sql => "sql",
            Kind::Blobs => "blobs",
            Kind::Kv => "kv",
        }
    }
}

/// How calls end that nothing went wrong with.
pub const DONE: &str = "ok";
/// How calls end whose guest was stopped before.
pub const UNFINISHED: &str = "unfinished";

/// One call to the host, never with what was sent or answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// What was asked.
    pub kind: Kind,
    /// Of whom: an origin, a queue, the name of a step, a store with the key,
    /// what a key of kv begins with.
    pub target: String,
    /// The method, of an HTTP request; what is done with an object or a key.
    pub method: String,
    /// The status, of an HTTP response.
    pub status: Option<u16>,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// Bytes to the other side, without heads.
    pub sent: u64,
    /// Bytes back.
    pub received: u64,
    /// [`DONE`], [`UNFINISHED`], or what went wrong, in a word.
    pub outcome: &'static str,
    /// Its number in traces.
    pub span: u64,
}

impl Cost {
    /// Have a turn on this thread. Returns its end and the time of the processor that
    /// the attempt had in it.
    pub fn turn<T>(&self, turn: impl FnOnce() -> T) -> (T, Duration) {
        self.turn.store(processor_time(), Ordering::Relaxed);
        let end = turn();
        if !self.ended.load(Ordering::Relaxed) {
            self.stop();
        }
        let took = self.last.load(Ordering::Relaxed);
        (end, Duration::from_nanos(took))
    }

    /// The attempt is over: what its thread does from now on is not its cost.
    pub fn end(&self) {
        self.stop();
        self.ended.store(true, Ordering::Relaxed);
    }

    fn stop(&self) {
        let began = self.turn.load(Ordering::Relaxed);
        let took = processor_time().saturating_sub(began);
        self.last.store(took, Ordering::Relaxed);
        self.processor.fetch_add(took, Ordering::Relaxed);
    }

    /// It had this much memory.
    pub fn had(&self, bytes: usize) {
        self.memory.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    /// A call begins. Where it is dropped without an end, the guest was stopped.
    pub fn begin(self: &Arc<Self>, kind: Kind, target: &str) -> Pending {
        Pending {
            cost: self.clone(),
            call: Call {
                kind,
                target: target.to_owned(),
                method: String::new(),
                status: None,
                began: Instant::now(),
                took: Duration::ZERO,
                sent: 0,
                received: 0,
                outcome: UNFINISHED,
                span: fastrand::u64(1..),
            },
        }
    }

    /// Time of the processor so far.
    pub fn processor(&self) -> Duration {
        Duration::from_nanos(self.processor.load(Ordering::Relaxed))
    }

    /// The most memory it had, in bytes.
    pub fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// Its calls, in the order in which they ended, and how many more there were of a
    /// kind with one outcome.
    pub fn calls(&self) -> (Vec<Call>, BTreeMap<(Kind, &'static str), u64>) {
        let calls = self.lock();
        (calls.kept.clone(), calls.more.clone())
    }

    /// Whether it made any.
    pub fn has_calls(&self) -> bool {
        !self.lock().kept.is_empty()
    }

    fn add(&self, call: Call) {
        let mut calls = self.lock();
        match calls.kept.len() < CALLS {
            true => calls.kept.push(call),
            false => *calls.more.entry((call.kind, call.outcome)).or_default() += 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is stored: JSON whose fields are few and short, because it is written with
    /// each job.
    pub fn stored(&self, how: Option<&Ended<'_>>) -> String {
        let micros = self.processor().as_micros();
        let mut text = format!("{{\"cpu\":{micros},\"mem\":{}", self.memory());
        let calls = self.lock();
        if !calls.kept.is_empty() {
            let rows: Vec<_> = calls.kept.iter().map(Row::of).collect();
            let rows = serde_json::to_string(&rows).unwrap_or_default();
            // Writing to a String does not fail.
            let _ = write!(text, ",\"calls\":{rows}");
        }
        let more: u64 = calls.more.values().sum();
        if more > 0 {
            let _ = write!(text, ",\"more\":{more}");
        }
        if let Some(how) = how
            && let Ok(how) = serde_json::to_string(how)
        {
            let _ = write!(text, ",\"how\":{how}");
        }
        text.push('}');
        text
    }
}

/// A call that has begun.
#[derive(Debug)]
pub struct Pending {
    cost: Arc<Cost>,
    call: Call,
}

impl Pending {
    /// Its number in traces.
    pub fn span(&self) -> u64 {
        self.call.span
    }

    /// It has ended so.
    pub fn end(mut self, outcome: &'static str, fill: impl FnOnce(&mut Call)) {
        self.call.outcome = outcome;
        fill(&mut self.call);
    }

    /// What is known of it before it ends.
    pub fn know(&mut self, fill: impl FnOnce(&mut Call)) {
        fill(&mut self.call);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut call = self.call.clone();
        call.took = call.began.elapsed();
        self.cost.add(call);
    }
}

/// What is stored besides of an attempt that the job itself may not tell of later.
#[derive(Debug, Serialize)]
pub struct Ended<'a> {
    /// Which start of the job it was, from 1.
    pub n: u32,
    /// When it began, ms since 1970.
    pub at: u64,
    /// How long it took, ms.
    pub ran: u64,
    /// The plugin's version.
    pub by: &'a str,
    /// The runner.
    pub on: &'a str,
    /// How it ended.
    pub end: &'a str,
}

/// A call as it is stored: kind, method, target, status, µs, bytes sent, bytes received,
/// outcome.
#[derive(Serialize, Deserialize)]
struct Row(String, String, String, u16, u64, u64, u64, String);

impl Row {
    fn of(call: &Call) -> Row {
        Row(
            call.kind.name().to_owned(),
            call.method.clone(),
            call.target.clone(),
            call.status.unwrap_or(0),
            call.took.as_micros() as u64,
            call.sent,
            call.received,
            call.outcome.to_owned(),
        )
    }
}

/// What an attempt of a job has cost, as it is kept with the job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// Which start of the job it was, from 1.
    pub attempt: u32,
    /// When it began, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// How long it took by the clock, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ran_ms: Option<u64>,
    /// `completed`, the cause of its failure, or what else it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The plugin with its version: `otp-sender@a1b2c3d4e5f6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The runner that had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// Time of the processor, ms.
    pub cpu_ms: f64,
    /// The most memory it had, bytes.
    pub peak_memory: u64,
    /// Its calls to the host, in the order in which they ended.
    pub calls: Vec<HostCall>,
    /// Calls beyond those.
    pub more_calls: u64,
}

/// A call to the host, as it is kept with the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostCall {
    /// What was asked: `http`, `add`, `checkpoint`, `data`, `sql`, `blobs`, `kv`.
    pub kind: String,
    /// The method, of an HTTP request; what is done with an object or a key: `get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Of whom: an origin, a queue, the name of a step, a store with the key,
    /// what a key of kv begins with.
    pub target: String,
    /// The status, of an HTTP response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, ms.
    pub ms: f64,
    /// Bytes to the other side, without heads.
    pub sent: u64,
    /// Bytes back.
    pub received: u64,
    /// `ok`, `unfinished`, or what went wrong, in a word.
    pub outcome: String,
}

impl Spent {
    /// What [`Cost::stored`] wrote of the attempt of this number; `None` when somebody
    /// else did.
    pub fn read(number: u32, stored: &str) -> Option<Spent> {
        #[derive(Deserialize)]
        struct Stored {
            cpu: u64,
            mem: u64,
            #[serde(default)]
            calls: Vec<Row>,
            #[serde(default)]
            more: u64,
            how: Option<How>,
        }
        #[derive(Deserialize)]
        struct How {
            n: u32,
            at: u64,
            ran: u64,
            by: String,
            on: String,
            end: String,
        }
        let stored: Stored = serde_json::from_str(stored).ok()?;
        let some = |text: String| (!text.is_empty()).then_some(text);
        let calls = stored.calls.into_iter().map(|row| HostCall {
            kind: row.0,
            method: some(row.1),
            target: row.2,
            status: (row.3 != 0).then_some(row.3),
            ms: row.4 as f64 / 1000.0,
            sent: row.5,
            received: row.6,
            outcome: row.7,
        });
        let mut spent = Spent {
            attempt: number,
            cpu_ms: stored.cpu as f64 / 1000.0,
            peak_memory: stored.mem,
            calls: calls.collect(),
            more_calls: stored.more,
            ..Spent::default()
        };
        if let Some(how) = stored.how {
            spent.attempt = how.n;
            spent.started = Some(how.at);
            spent.ran_ms = Some(how.ran);
            spent.outcome = Some(how.end);
            spent.plugin = some(how.by);
            spent.runner = some(how.on);
        }
        Some(spent)
    }
}

/// Of this thread so far, ns.
fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let cost = Arc::new(Cost::default());
        cost.had(65536);
        let call = cost.begin(Kind::Http, "https://api.example.com");
        call.end(DONE, |call| {
            call.method = "POST".to_owned();
            call.status = Some(202);
            (call.sent, call.received) = (10, 20);
        });
        drop(cost.begin(Kind::Add, "mail"));
        let how = Ended {
            n: 3,
            at: 1000,
            ran: 20,
            by: "otp@abc",
            on: "here",
            end: "returned",
        };
        let spent = Spent::read(1, &cost.stored(Some(&how))).unwrap();
        assert_eq!((spent.attempt, spent.peak_memory), (3, 65536));
        assert_eq!(spent.outcome.as_deref(), Some("returned"));
        let [http, add] = &spent.calls[..] else {
            panic!("{spent:?}")
        };
        assert_eq!((http.status, http.sent, http.received), (Some(202), 10, 20));
        assert_eq!((&*http.outcome, &*add.outcome), ("ok", "unfinished"));
        assert_eq!(Spent::read(1, "7"), None);
    }

    #[test]
    fn a_job_without_calls_has_a_record_that_keeps_its_hash_small() {
        let cost = Cost::default();
        cost.had(usize::MAX >> 16);
        cost.processor.store(86_400_000_000_000, Ordering::Relaxed);
        // `hash-max-listpack-value` of Redis.
        assert!(cost.stored(None).len() <= 64, "{}", cost.stored(None));
    }

    #[test]
    fn calls_beyond_the_bound_are_counted() {
        let cost = Arc::new(Cost::default());
        for _ in 0..CALLS + 5 {
            cost.begin(Kind::Checkpoint, "step").end(DONE, |_| {});
        }
        let (kept, more) = cost.calls();
        assert_eq!((kept.len(), more[&(Kind::Checkpoint, DONE)]), (CALLS, 5));
        let spent = Spent::read(1, &cost.stored(None)).unwrap();
        assert_eq!((spent.calls.len(), spent.more_calls), (CALLS, 5));
    }

    #[test]
    fn only_turns_before_the_end_count() {
        let cost = Cost::default();
        let spin = || {
            let began = processor_time();
            while processor_time() - began < 1_000_000 {}
        };
        let ((), first) = cost.turn(spin);
        assert!(first >= Duration::from_millis(1));
        cost.turn(|| {
            spin();
            cost.end();
            spin();
        });
        let all = cost.processor();
        assert!(all >= Duration::from_millis(2), "{all:?}");
        assert!(all < Duration::from_millis(3), "{all:?}");
    }
}
