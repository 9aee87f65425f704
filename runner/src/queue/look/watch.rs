//! Following one job until it ends, on a connection of its own: progress and the
//! end from BullMQ's event stream, log lines from the job's log.

use crate::queue::handle::Queue;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, texts, whole};
use crate::queue::wire::server::Connection;

/// How long one look at the stream blocks, milliseconds: log lines have no
/// event, so they are looked at so often.
const LOOK: u64 = 250;

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An attempt began.
    Active,
    /// It waits: `waiting`, `delayed`, `prioritized` or `waiting-children`.
    Waiting(String),
    /// Its progress, JSON text.
    Progress(String),
    /// A new log line.
    Log(String),
    /// It completed, with this return value, JSON text. The last event.
    Completed(String),
    /// It failed for good, with this reason. The last event.
    Failed(String),
    /// It is gone without an end: removed, or moved to another queue. Or there is
    /// no such job. The last event.
    Gone,
}

/// Follows one job. Begins with what is stored when it is made.
pub struct Watch {
    queue: Queue,
    id: String,
    connection: Connection,
    last: String,
    lines: usize,
    pending: std::collections::VecDeque<Event>,
    /// The end, held back until the log lines before it are read.
    end: Option<Event>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// The id of the last event, for [`Queue::watch`].
    pub async fn last_event(&self) -> Result<String, Error> {
        let mut command = redis::cmd("XREVRANGE");
        command
            .arg(self.key("events"))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1);
        let newest = list(self.redis().call(&command).await?).pop();
        Ok(newest
            .and_then(|entry| list(entry).into_iter().next())
            .and_then(text)
            .unwrap_or_else(|| "0-0".to_owned()))
    }

    /// Follow a job from the event after `since`; a job that has ended already
    /// is seen to end. To miss nothing of a job that is removed when it ends,
    /// ask for [`Queue::last_event`] before it is added.
    pub async fn watch(&self, id: &str, since: String) -> Result<Watch, Error> {
        let connection = self.redis().dial_blocking().await?;
        let mut watch = Watch {
            queue: self.clone(),
            id: id.to_owned(),
            connection,
            last: since,
            lines: 0,
            pending: std::collections::VecDeque::new(),
            end: None,
        };
        let ended = watch.ended().await?;
        if ended.is_some() {
            // What it said before, and how it ended if it was removed with its end.
            watch.look(None).await?;
        }
        watch.end = watch.end.or(ended);
        Ok(watch)
    }
}

impl Watch {
    /// The next event. After the last one, the last one again.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(event);
            }
            // Read after the end was seen, so that no line before it is missed.
            let lines = self.queue.logs_from(&self.id, self.lines).await?;
            self.lines += lines.len();
            self.pending.extend(lines.into_iter().map(Event::Log));
            if !self.pending.is_empty() {
                continue;
            }
            if let Some(end) = &self.end {
                return Ok(end.clone());
            }
            self.look(Some(LOOK)).await?;
            if self.pending.is_empty() && self.end.is_none() {
                self.look_for_job().await?;
            }
        }
    }

    /// Draining, cleaning, obliterating and moving a job tell no event of its own:
    /// only its key says that it is gone.
    async fn look_for_job(&mut self) -> Result<(), Error> {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.queue.key(&self.id));
        if whole(&self.queue.redis().call(&command).await?) != 0 {
            return Ok(());
        }
        // A job that is removed with its end tells it in the same call.
        self.look(None).await?;
        self.end.get_or_insert(Event::Gone);
        Ok(())
    }

    /// How the job ended, if its hash says so.
    async fn ended(&self) -> Result<Option<Event>, Error> {
        let Some(job) = self.queue.find(&self.id).await? else {
            return Ok(Some(Event::Gone));
        };
        Ok(match job.state {
            State::Completed => Some(Event::Completed(job.returnvalue.unwrap_or_default())),
            State::Failed => Some(Event::Failed(job.failed_reason.unwrap_or_default())),
            _ => None,
        })
    }

    /// Read the events that have come, waiting this many milliseconds for one.
    async fn look(&mut self, wait: Option<u64>) -> Result<(), Error> {
        let mut command = redis::cmd("XREAD");
        if let Some(wait) = wait {
            command.arg("BLOCK").arg(wait);
        }
        command.arg("STREAMS");
        command.arg(self.queue.key("events")).arg(&self.last);
        let reply = self
            .connection
            .send_packed_command(&command)
            .await
            .map_err(|e| self.queue.redis().explain(&e))?;
        let streams = list(reply);
        let Some(entries) = streams
            .into_iter()
            .next()
            .map(list)
            .and_then(|mut s| s.pop())
        else {
            return Ok(());
        };
        for entry in list(entries) {
            let mut parts = list(entry).into_iter();
            let Some(id) = parts.next().and_then(text) else {
                continue;
            };
            self.last = id;
            let fields = parts.next().map(texts).unwrap_or_default();
            let field = |name: &str| {
                fields
                    .chunks_exact(2)
                    .find(|pair| pair[0] == name)
                    .map(|pair| pair[1].clone())
            };
            if self.end.is_some() || field("jobId").as_deref() != Some(self.id.as_str()) {
                continue;
            }
            match field("event").unwrap_or_default().as_str() {
                "completed" => {
                    self.end = Some(Event::Completed(field("returnvalue").unwrap_or_default()));
                }
                "failed" => {
                    self.end = Some(Event::Failed(field("failedReason").unwrap_or_default()));
                }
                "progress" => self
                    .pending
                    .push_back(Event::Progress(field("data").unwrap_or_default())),
                "active" => self.pending.push_back(Event::Active),
                "removed" => self.end = Some(Event::Gone),
                state @ ("waiting" | "delayed" | "waiting-children") => {
                    self.pending.push_back(Event::Waiting(state.to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
