//! Who has changed what, on its way to the audit list. Nobody waits for it: what a
//! request has done is done, and its answer is not lost when the list cannot be written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::access::Caller;
use crate::config::Config;
use crate::queue::{self, Audited, Redis};

/// Entries that wait while Redis does not answer; more are in the log only.
const WAITING: usize = 10_000;
/// How often one is tried, and how far apart.
const TRIES: u32 = 3;
const APART: Duration = Duration::from_secs(1);

/// The way to the list.
pub(super) struct Audit {
    notes: mpsc::Sender<Note>,
    runner: String,
}

enum Note {
    Entry(Audited),
    /// Say when all before this have been written.
    Flush(oneshot::Sender<()>),
}

impl Audit {
    /// To be called on the runtime that writes.
    pub(super) fn new(redis: Redis, runner: String, config: watch::Receiver<Arc<Config>>) -> Audit {
        let (notes, mut noted) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(note) = noted.recv().await {
                match note {
                    Note::Entry(entry) => write(&redis, &entry, most(&config)).await,
                    // Whoever asked may have gone.
                    Note::Flush(done) => drop(done.send(())),
                }
            }
        });
        Audit { notes, runner }
    }

    /// That the caller has done this to so many.
    pub(super) fn note(&self, caller: &Caller, verb: &str, target: &str, count: u64) {
        let from = caller.address().map(|address| address.to_string());
        tracing::info!(who = caller.name(), from, verb, target, count, "audit");
        let entry = Audited {
            id: String::new(),
            who: caller.name().to_owned(),
            from,
            verb: verb.to_owned(),
            target: target.to_owned(),
            count,
            runner: self.runner.clone(),
        };
        if self.notes.try_send(Note::Entry(entry)).is_err() {
            tracing::error!("too much waits for the audit list: an entry is in the log only");
        }
    }

    /// Wait until all that was noted is written, or cannot be.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.notes.send(Note::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}

fn most(config: &watch::Receiver<Arc<Config>>) -> u32 {
    let server = config.borrow().server.clone().unwrap_or_default();
    server.access.audit
}

async fn write(redis: &Redis, entry: &Audited, most: u32) {
    for tries in 1..=TRIES {
        match queue::note(redis, entry, most).await {
            Ok(()) => return,
            Err(error) if tries == TRIES => {
                let Audited {
                    who, verb, target, ..
                } = entry;
                tracing::error!(who, verb, target, %error, "the audit list was not written");
            }
            Err(_) => tokio::time::sleep(APART).await,
        }
    }
}
