//! What a running job says: progress, log lines, its payload, checkpoints. All
//! of it is refused when the job's lock is no longer ours, which BullMQ's own
//! scripts do not check.

use std::sync::Arc;

use redis::Value;

use crate::queue::attempt::{Attempt, Notes};
use crate::queue::handle::Queue;
use crate::queue::stored::job::Job;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{at, list, text};
use crate::queue::wire::script::script;
use crate::telemetry::limit::limited;

script!(NOTE, "note", "lib/queue", "work/note");
script!(WRITE, "write", "work/write");

/// Log lines of one job in one call; the rest follows in the next.
const LINES: usize = 1000;

impl Queue {
    /// Log lines of this job that are kept.
    pub(in crate::queue) fn keep_logs(&self, job: &Job) -> u64 {
        let most = self.settings().max_logs as u64;
        job.options.keep_logs.unwrap_or(most).max(1)
    }

    /// Write the pending notes of these attempts in one call. Attempts whose
    /// lock is lost are stopped. Notes that could not be written stay pending.
    pub async fn note(&self, attempts: &[Arc<Attempt>]) -> Result<(), Error> {
        // A settle that is sent after the notes were taken must come after them:
        // it takes the lock away, without which they are not written.
        NOTE.prepare(self.redis()).await?;
        let noted: Vec<(&Arc<Attempt>, Notes)> = attempts
            .iter()
            .map(|attempt| (attempt, attempt.take_notes()))
            .filter(|(_, notes)| !notes.is_empty())
            .collect();
        if noted.is_empty() {
            return Ok(());
        }
        let reply = NOTE
            .run(self.redis(), self.base(), |command| {
                for (attempt, notes) in &noted {
                    let keep = self.keep_logs(&attempt.job);
                    let lines = &notes.logs[notes.logs.len().saturating_sub(LINES)..];
                    command
                        .arg(&attempt.job.id)
                        .arg(&attempt.token)
                        .arg(notes.progress.as_deref().unwrap_or(""))
                        .arg(keep)
                        .arg(lines.len());
                    for line in lines {
                        command.arg(line);
                    }
                }
            })
            .await;
        match reply {
            Ok(reply) => {
                self.noted(reply, &noted).await;
                Ok(())
            }
            Err(error) => {
                for (attempt, earlier) in noted {
                    attempt.note(|notes| notes.follow(earlier));
                }
                Err(error)
            }
        }
    }

    /// Stop the attempts whose lock is lost, and tell what could not be kept.
    async fn noted(&self, reply: Value, noted: &[(&Arc<Attempt>, Notes)]) {
        let mut parts = list(reply).into_iter().map(list);
        for position in parts.next().unwrap_or_default() {
            if let Some((attempt, _)) = at(noted, &position) {
                self.lose(attempt).await;
            }
        }
        for refused in parts.next().unwrap_or_default().chunks_exact(2) {
            let Some((attempt, _)) = at(noted, &refused[0]) else {
                continue;
            };
            limited!(
                warn,
                self.name(),
                "progress or logs of a job could not be kept",
                queue = self.name(),
                job = attempt.job.id,
                error = text(refused[1].clone())
            );
        }
    }

    /// Replace the payload of a running job, if its lock is still ours.
    /// `Ok(false)`: the lock is lost.
    pub async fn update_data(&self, attempt: &Attempt, data: &str) -> Result<bool, Error> {
        self.write(attempt, &[("data", data)]).await
    }

    /// Record a checkpoint (hash field `cp:<step>`) of a running job, if its
    /// lock is still ours.
    pub async fn checkpoint(
        &self,
        attempt: &Attempt,
        step: &str,
        value: &str,
    ) -> Result<bool, Error> {
        // `cps` tells the next take that there is something to read.
        self.write(attempt, &[(&format!("cp:{step}"), value), ("cps", "1")])
            .await
    }

    async fn write(&self, attempt: &Attempt, fields: &[(&str, &str)]) -> Result<bool, Error> {
        let key = self.key(&attempt.job.id);
        let reply = WRITE
            .run(self.redis(), &key, |command| {
                command.arg(&attempt.token);
                for (name, value) in fields {
                    command.arg(*name).arg(*value);
                }
            })
            .await?;
        let written = reply == Value::Int(1);
        if !written {
            self.lose(attempt).await;
        }
        Ok(written)
    }
}
