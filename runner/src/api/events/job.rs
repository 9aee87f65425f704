//! What happens to one job as an event stream: where it is, what it says, how it ends.

use std::convert::Infallible;
use std::fmt::Write;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header;
use serde_json::json;
use serde_json::value::RawValue;

use super::hub::{End, Heard, Hub, News};
use super::stream::HEARTBEAT;
use crate::queue::{Error, Found, Happening, Queue};
use crate::redact::Redactor;
use crate::verbs::add::Addition;
use crate::verbs::cover::Cover;
use crate::verbs::raw::raw;

/// How often log lines are looked for: they have no event.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is looked whether the job is still there.
const EXISTS: Duration = Duration::from_secs(1);
/// Log lines that are read at once.
const LINES: u64 = 200;

/// Where a stream goes on: how many log lines have been told, and whether the job has
/// ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::api) struct Mark {
    lines: u64,
    /// There is nothing more to be told.
    pub(in crate::api) ended: bool,
}

impl std::str::FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Mark, ()> {
        let lines = text.strip_suffix(":end");
        Ok(Mark {
            lines: lines.unwrap_or(text).parse().map_err(|_| ())?,
            ended: lines.is_some(),
        })
    }
}

/// A job that is being followed.
struct Following {
    heard: Heard,
    queue: Queue,
    id: String,
    name: String,
    cover: Cover,
    /// Takes what may not be seen out of what was said.
    says: Redactor,
    lines: u64,
    /// Held back until the log lines before it are told.
    end: Option<End>,
    head: Option<String>,
    looked: Instant,
    sent: Instant,
    done: bool,
}

/// Send what happens to a job from now on, and its log lines after the mark.
pub(in crate::api) async fn open(
    hub: &Hub,
    queue: Queue,
    job: Found,
    cover: Cover,
    mark: Mark,
) -> Result<Response, Error> {
    let heard = hub.listen(std::slice::from_ref(&queue), false).await?;
    // It may have gone on since it was found.
    let job = queue.find(&job.id).await?.unwrap_or(job);
    let state = json!({
        "queue": queue.name(), "jobId": job.id, "name": job.name, "state": job.state.name(),
        "attemptsMade": job.attempts_made, "attempts": job.attempts,
    });
    Ok(sent(Following {
        says: cover.redactor(&job.name, &job.data),
        end: super::hub::ended(&job),
        lines: mark.lines,
        head: Some(format!("retry: 2000\nevent: state\ndata: {state}\n\n")),
        looked: Instant::now(),
        sent: Instant::now(),
        done: false,
        heard,
        queue,
        id: job.id,
        name: job.name,
        cover,
    }))
}

/// Send how a job with this payload was added, `unserved` if it waits for a program other
/// than Runner, and what happens to it. What is heard must
/// have begun before it was added.
pub(in crate::api) async fn added(
    heard: Heard,
    queue: Queue,
    addition: &Addition,
    data: &str,
    cover: Cover,
    is_served: bool,
) -> Result<Response, Error> {
    // One that was there before may have ended long ago.
    let end = match addition.instead {
        None => None,
        Some(_) => super::hub::stored(&queue, &addition.job_id).await?,
    };
    let written = serde_json::to_string(addition).expect("own types serialise to JSON");
    Ok(sent(Following {
        says: cover.redactor(&addition.name, data),
        end,
        lines: 0,
        head: Some(format!(
            "retry: 2000\nevent: addition\ndata: {written}\n\n{}",
            if is_served {
                ""
            } else {
                "event: unserved\ndata: {}\n\n"
            }
        )),
        looked: Instant::now(),
        sent: Instant::now(),
        done: false,
        heard,
        queue,
        id: addition.job_id.clone(),
        name: addition.name.clone(),
        cover,
    }))
}

fn sent(following: Following) -> Response {
    let chunks = stream::unfold(following, |mut following| async move {
        let chunk = following.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk.into()), following))
    });
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (head, Body::from_stream(chunks)).into_response()
}

impl Following {
    /// What is sent next; none after the end, or when Redis does not answer, so that the
    /// other side asks again.
    async fn next(&mut self) -> Option<String> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        while !self.done {
            let mut chunk = String::new();
            let more = self.tell_lines(&mut chunk).await.ok()?;
            if let Some(end) = self.end.take_if(|_| !more) {
                self.tell_end(end, &mut chunk);
                self.done = true;
            } else if !more {
                self.listen(&mut chunk).await.ok()?;
            }
            if chunk.is_empty() && self.sent.elapsed() > HEARTBEAT {
                chunk.push_str(":\n\n");
            }
            if !chunk.is_empty() {
                self.sent = Instant::now();
                return Some(chunk);
            }
        }
        None
    }

    /// New log lines, and whether there may be more.
    async fn tell_lines(&mut self, chunk: &mut String) -> Result<bool, Error> {
        let lines = self.queue.log_lines(&self.id, self.lines, LINES).await?;
        let more = lines.len() as u64 == LINES;
        for line in lines {
            self.lines += 1;
            let line = json!({ "number": self.lines, "line": self.says.redact(line) });
            self.write(chunk, "log", &line.to_string());
        }
        Ok(more)
    }

    fn write(&self, chunk: &mut String, event: &str, data: &str) {
        let end = if self.done { ":end" } else { "" };
        let lines = self.lines;
        let written = write!(chunk, "id: {lines}{end}\nevent: {event}\ndata: {data}\n\n");
        written.expect("a string takes all text");
    }

    async fn listen(&mut self, chunk: &mut String) -> Result<(), Error> {
        match tokio::time::timeout(LOOK, self.heard.next()).await {
            Ok(News::Batch(batch)) => {
                for told in &batch.events {
                    let event = &told.happening;
                    let is_mine = event.job.as_deref() == Some(&*self.id);
                    if is_mine && *event.queue == *self.queue.name() && self.end.is_none() {
                        self.hear(event, chunk);
                    }
                }
            }
            Err(_) if self.looked.elapsed() < EXISTS => {}
            Ok(News::Missed(_)) | Err(_) => {
                self.looked = Instant::now();
                self.end = super::hub::stored(&self.queue, &self.id).await?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: &Happening, chunk: &mut String) {
        self.end = super::hub::end(event);
        if self.end.is_some() {
            return;
        }
        let at = event.id.at;
        if let ("progress", Some(progress)) = (event.event.as_str(), event.field("data")) {
            let progress = self.says.redact_json(progress.to_owned());
            self.write(chunk, "progress", raw(progress).get());
        } else {
            let data = json!({ "at": at, "prev": event.field("prev") });
            self.write(
                chunk,
                &event.event.replace(['\r', '\n'], " "),
                &data.to_string(),
            );
        }
    }

    fn tell_end(&mut self, end: End, chunk: &mut String) {
        self.done = true;
        match end {
            End::Completed(result) => {
                let result = self.cover.result(&self.name, result);
                let result = self.says.redact_json(result);
                let data = Outcome {
                    returnvalue: raw(result),
                };
                let data = serde_json::to_string(&data).expect("own types serialise to JSON");
                self.write(chunk, "completed", &data);
            }
            End::Failed(reason) => {
                let data = json!({ "failedReason": self.says.redact(reason) });
                self.write(chunk, "failed", &data.to_string());
            }
            End::Gone => self.write(chunk, "removed", "{}"),
        }
    }
}

/// The result of a job as it is sent.
#[derive(serde::Serialize)]
struct Outcome {
    returnvalue: Box<RawValue>,
}
