//! The heartbeat of this process, and which others have died.
//!
//! All processes of one prefix beat in one sorted set, once a second: one call
//! per process, whatever the number of queues and jobs. An entry names the
//! process as its lock tokens do, and its place: machine, process namespace,
//! process id. Who is dead is decided so that a process that is merely stopped,
//! or cut off with its Redis, keeps its jobs while their locks hold:
//!
//! - in our own place the system knows: no such process, or a zombie, is dead at
//!   once, however lately it beat; one that exists is alive, however silent;
//! - elsewhere, under our own name: an earlier life of ours, dead when silent;
//! - elsewhere, under another name: silent, and then the lock decides. Its jobs
//!   go back when their locks have expired.
//!
//! Silent is who did not beat between [`SILENT`] beats of ours in a row, none of
//! which failed: a stopped Redis makes nobody look dead.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::texts;
use crate::queue::wire::script::script;
use crate::queue::wire::token::Holder;
use crate::telemetry::limit;

script!(BEAT, "beat", "hold/beat");

/// Between two beats.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Beats of ours without one of the other's. In this many seconds a connection
/// that broke with the others' has been dialled again ([`crate::queue::wire::redis`]).
const SILENT: u32 = 10;
/// Who beat within this many milliseconds is not even looked at, after the first
/// beat of ours.
const RECENT: u64 = 1500;
/// Milliseconds after which the dead are forgotten: their queues have had a
/// worker since, or go by the stalled check of the next one.
const FORGOTTEN: u64 = 3_600_000;

/// Processes whose jobs go back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dead {
    /// Beginnings of the tokens of processes known to have died: `<runner>:<boot>:`.
    pub(crate) tokens: Vec<String>,
    /// Names of silent runners.
    pub(crate) silent: Vec<String>,
}

impl Dead {
    /// Whether nobody died.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.silent.is_empty()
    }
}

/// What a process says of itself, for those who list the runners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The version of Runner.
    pub version: String,
    /// When it started, ms since 1970 by its own clock.
    pub started_at: u64,
    /// The queues it consumes, each with its slots.
    pub queues: BTreeMap<String, u64>,
}

/// One life of one runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::queue) struct Process {
    pub(in crate::queue) runner: String,
    boot: String,
    /// Machine and process namespace; empty when the system does not say.
    place: String,
    pub(in crate::queue) pid: i32,
    /// When it began, in clock ticks after the boot of the machine: tells a
    /// process from a later one with the same id.
    began: u64,
}

impl Process {
    fn this(runner: &str, boot: &str) -> Process {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Process {
            runner: runner.to_owned(),
            boot: boot.to_owned(),
            place: place().unwrap_or_default(),
            pid,
            began: status(pid).map_or(0, |(_, began)| began),
        }
    }

    /// `<runner>:<boot>:<place>:<pid>:<began>`
    fn entry(&self) -> String {
        let Process {
            runner,
            boot,
            place,
            pid,
            began,
        } = self;
        format!("{runner}:{boot}:{place}:{pid}:{began}")
    }

    /// The other way. A runner's name may hold colons.
    pub(in crate::queue) fn parse(entry: &str) -> Option<Process> {
        let mut parts = entry.rsplitn(5, ':');
        let began = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        let place = parts.next()?.to_owned();
        let boot = parts.next()?.to_owned();
        Some(Process {
            runner: parts.next()?.to_owned(),
            boot,
            place,
            pid,
            began,
        })
    }

    /// What its lock tokens begin with.
    fn tokens(&self) -> String {
        let (runner, boot) = (&self.runner, &self.boot);
        Holder { runner, boot }.prefix()
    }

    /// Whether the system has such a process.
    fn exists(&self) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return false;
        };
        match test_kill_process(pid) {
            Err(rustix::io::Errno::SRCH) => false,
            // It may be another user's, of which nothing more is known.
            _ => status(self.pid)
                .is_none_or(|(state, began)| !matches!(state, 'Z' | 'X') && began == self.began),
        }
    }
}

/// Names the machine since its boot, and the process namespace.
fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let letters = |text: &str| -> String { text.chars().filter(char::is_ascii_hexdigit).collect() };
    let namespace = namespace.to_string_lossy();
    let number = namespace.rsplit_once('[').map_or("", |(_, number)| number);
    Some(format!("{}-{}", letters(&boot), letters(number)))
}

/// State and beginning of a process (proc_pid_stat(5), fields 3 and 22).
fn status(pid: i32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// How long somebody has been silent.
#[derive(Debug, Default)]
struct Silence {
    /// Their last beat, and how often we have seen it as the last.
    seen: HashMap<String, (String, u32)>,
}

impl Silence {
    /// Count the answer to a beat of ours: entry, last beat, …
    fn count(&mut self, answer: &[String]) {
        let mut seen = HashMap::new();
        for pair in answer.chunks_exact(2) {
            let before = match self.seen.get(&pair[0]) {
                Some((beat, times)) if *beat == pair[1] => *times,
                _ => 0,
            };
            seen.insert(pair[0].clone(), (pair[1].clone(), before + 1));
        }
        self.seen = seen;
    }

    /// Who is dead, by the rules above.
    fn dead(&self, this: &Process) -> Dead {
        let mut dead = Dead::default();
        for (entry, (_, times)) in &self.seen {
            let Some(other) = Process::parse(entry).filter(|other| other.boot != this.boot) else {
                continue;
            };
            let here = !this.place.is_empty() && other.place == this.place;
            if here {
                if !other.exists() {
                    dead.tokens.push(other.tokens());
                }
            } else if *times > SILENT {
                if other.runner == this.runner {
                    dead.tokens.push(other.tokens());
                } else {
                    dead.silent.push(other.runner);
                }
            }
        }
        dead.tokens.sort();
        dead.silent.sort();
        dead.silent.dedup();
        dead
    }
}

/// The heartbeat of one process.
#[derive(Debug, Clone)]
pub(in crate::queue) struct Heartbeat {
    redis: Redis,
    this: Process,
    dead: watch::Sender<Option<Arc<Dead>>>,
    /// What this process is, for those who list the runners; JSON.
    about: watch::Sender<String>,
}

impl Heartbeat {
    pub(in crate::queue) fn new(redis: Redis, runner: &str) -> Heartbeat {
        let this = Process::this(runner, redis.boot());
        Heartbeat {
            redis,
            this,
            dead: watch::Sender::new(None),
            about: watch::Sender::default(),
        }
    }

    /// What this process is, from now on.
    pub(in crate::queue) fn describe(&self, about: String) {
        self.about.send_replace(about);
    }

    /// The dead, as soon as they are known; told again while silent runners may
    /// have jobs whose locks expire.
    pub(in crate::queue) fn dead(&self) -> watch::Receiver<Option<Arc<Dead>>> {
        self.dead.subscribe()
    }

    /// Beat until the future is dropped.
    pub(in crate::queue) async fn beat(&self) {
        let mut tick = tokio::time::interval(BEAT_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silence = Silence::default();
        let mut beats = 0u32;
        let mut about = self.about.subscribe();
        // Told again after Redis was away, which may have been emptied.
        let mut told = false;
        loop {
            tick.tick().await;
            limit::sweep();
            let recent = if beats == 0 { 0 } else { RECENT };
            match self.exchange(recent).await {
                Ok(answer) => {
                    silence.count(&answer);
                    let dead = Arc::new(silence.dead(&self.this));
                    let again = !dead.silent.is_empty() && beats.is_multiple_of(3);
                    self.dead.send_if_modified(|known| {
                        let change = again || known.as_ref() != Some(&dead);
                        if change {
                            *known = Some(dead);
                        }
                        change
                    });
                    beats = beats.wrapping_add(1);
                    if !told || about.has_changed().unwrap_or_default() {
                        let about = about.borrow_and_update().clone();
                        told = self.tell(about, !told).await;
                    }
                }
                Err(error) => {
                    told = false;
                    tracing::debug!(%error, "no heartbeat");
                    silence = Silence::default();
                    beats = 0;
                }
            }
        }
    }

    async fn exchange(&self, recent: u64) -> Result<Vec<String>, Error> {
        let reply = BEAT
            .run(&self.redis, &self.redis.alive(), |command| {
                command.arg(self.this.entry()).arg(recent).arg(FORGOTTEN);
            })
            .await?;
        Ok(texts(reply))
    }

    /// Say what this process is, and with `tidy` strike off those that are forgotten.
    /// Whether that is done.
    async fn tell(&self, about: String, tidy: bool) -> bool {
        if about.is_empty() {
            return false;
        }
        let mut set = ::redis::cmd("HSET");
        set.arg(self.redis.described())
            .arg(self.this.entry())
            .arg(about);
        let told = async {
            self.redis.call(&set).await?;
            match tidy {
                true => self.tidy().await,
                false => Ok(()),
            }
        };
        let told = told.await;
        if let Err(error) = &told {
            tracing::debug!(%error, "other runners are not told what this one is");
        }
        told.is_ok()
    }

    /// Strike off what processes were that are forgotten.
    async fn tidy(&self) -> Result<(), Error> {
        let (mut described, mut alive) = (::redis::cmd("HKEYS"), ::redis::cmd("ZRANGE"));
        described.arg(self.redis.described());
        alive.arg(self.redis.alive()).arg(0).arg(-1);
        let described = texts(self.redis.call(&described).await?);
        let alive = texts(self.redis.call(&alive).await?);
        let gone = described.into_iter().filter(|entry| !alive.contains(entry));
        let gone: Vec<String> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut forget = ::redis::cmd("HDEL");
        forget.arg(self.redis.described()).arg(gone);
        self.redis.call(&forget).await.map(drop)
    }

    /// The end of this process is in order: it has no jobs any more.
    pub(in crate::queue) async fn leave(&self, redis: &Redis) -> Result<(), Error> {
        let (mut alive, mut described) = (::redis::cmd("ZREM"), ::redis::cmd("HDEL"));
        alive.arg(self.redis.alive()).arg(self.this.entry());
        described.arg(self.redis.described()).arg(self.this.entry());
        redis.call(&alive).await?;
        redis.call(&described).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(runner: &str, place: &str, pid: i32) -> Process {
        Process {
            runner: runner.into(),
            boot: "b".into(),
            place: place.into(),
            pid,
            began: 1,
        }
    }

    fn after(beats: u32, process: &Process, this: &Process) -> Dead {
        let mut silence = Silence::default();
        for _ in 0..beats {
            silence.count(&[process.entry(), "1000".into()]);
        }
        silence.dead(this)
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let process = other("host:with:colons", "m-1", 17);
        assert_eq!(Process::parse(&process.entry()), Some(process));
        assert_eq!(Process::parse("something else"), None);
    }

    #[test]
    fn here_the_system_says_who_is_dead() {
        let this = Process::this("me", "a");
        assert!(this.exists());
        let mut same = Process {
            boot: "b".into(),
            ..this.clone()
        };
        assert!(
            after(99, &same, &this).is_empty(),
            "it exists, however silent"
        );
        // The same process id, given to another process since.
        same.began += 1;
        assert_eq!(after(1, &same, &this).tokens, ["me:b:"]);
    }

    #[test]
    fn elsewhere_silence_ends_an_earlier_life_and_leaves_others_to_their_locks() {
        let this = Process::this("me", "a");
        let earlier = other("me", "elsewhere", 1);
        assert!(after(SILENT, &earlier, &this).is_empty());
        assert_eq!(after(SILENT + 1, &earlier, &this).tokens, ["me:b:"]);
        let peer = other("peer", "elsewhere", 1);
        assert!(after(SILENT, &peer, &this).is_empty());
        assert_eq!(after(SILENT + 1, &peer, &this).silent, ["peer"]);
    }

    #[test]
    fn a_namesake_that_beats_is_left_alone() {
        let this = Process::this("me", "a");
        let namesake = other("me", "elsewhere", 1);
        let mut silence = Silence::default();
        for beat in 0..50 {
            silence.count(&[namesake.entry(), beat.to_string()]);
        }
        assert!(silence.dead(&this).is_empty());
    }
}
