//! A job that is followed through the API: what its event stream tells, again from where
//! it broke off.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::call::Call;
use super::client::{Client, EVENTS, JSON, kind_of};
use super::routes;
use crate::cli::terminal::follow::Happening;
use crate::cli::{Exit, Result};
use crate::queue::Event;
use crate::verbs::add::Addition;

/// A stream that says nothing for so long is broken: servers send something every 15 s.
const SILENT: Duration = Duration::from_secs(45);
/// How often a server that has gone is asked again, a second apart: it may be starting.
const TRIES: u32 = 15;

/// Follows one job to its end.
pub(in crate::cli) struct Following<'c> {
    client: &'c Client,
    /// Asks for the events of the job.
    again: Call,
    response: Option<Response>,
    read: Vec<u8>,
    /// The id of the last event.
    last: Option<String>,
}

/// How a job was added that is followed.
pub(in crate::cli) struct Added<'c> {
    pub(in crate::cli) addition: Addition,
    pub(in crate::cli) following: Following<'c>,
}

/// One event of a stream.
struct Told {
    event: String,
    data: String,
}

impl Client {
    /// Follow a job that is there.
    pub(in crate::cli) async fn follow(&self, queue: &str, id: &str) -> Result<Following<'_>> {
        let again = routes::job_events(queue, id);
        let response = self.hear(&again, None).await?;
        Ok(Following::new(self, again, Some(response)))
    }

    /// Add a job, and follow it.
    pub(in crate::cli) async fn add_and_follow(&self, call: Call) -> Result<Added<'_>> {
        let response = self.hear(&call, None).await?;
        let kind = kind_of(&response);
        if kind.starts_with(JSON) {
            // An older server does not tell what happens from there on.
            let text = response.text().await.map_err(|error| self.unsent(&error))?;
            let addition: Addition =
                serde_json::from_str(&text).map_err(|error| self.unknown(&call, &error))?;
            let again = routes::job_events(&addition.queue, &addition.job_id);
            return Ok(Added {
                addition,
                following: Following::new(self, again, None),
            });
        }
        if !kind.starts_with(EVENTS) {
            return Err(self.stranger(response.status(), &kind, &call));
        }
        let mut following = Following::new(self, call.clone(), Some(response));
        let lost = || {
            Exit::unreachable(
                "the connection broke off before it was told how the job was added; whether it \
                 was is not known",
            )
        };
        let told = following.read().await.ok_or_else(lost)?;
        let addition: Addition =
            serde_json::from_str(&told.data).map_err(|error| self.unknown(&call, &error))?;
        following.again = routes::job_events(&addition.queue, &addition.job_id);
        Ok(Added {
            addition,
            following,
        })
    }
}

impl<'c> Following<'c> {
    fn new(client: &'c Client, again: Call, response: Option<Response>) -> Following<'c> {
        Following {
            client,
            again,
            response,
            read: Vec::new(),
            last: None,
        }
    }

    /// What happens next; the end is the last.
    pub(in crate::cli) async fn next(&mut self) -> Result<Happening> {
        loop {
            match self.read().await {
                Some(told) => {
                    if let Some(happening) = self.happening(told)? {
                        return Ok(happening);
                    }
                }
                None => {
                    if let Some(end) = self.ask_again().await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Go on after the last event. A job that is gone by now has ended in some way.
    async fn ask_again(&mut self) -> Result<Option<Happening>> {
        self.read.clear();
        for tried in 1.. {
            match self.client.hear(&self.again, self.last.as_deref()).await {
                Ok(response) => {
                    self.response = Some(response);
                    break;
                }
                Err(exit) if exit.code == 3 => return Ok(Some(Happening::Job(Event::Gone))),
                Err(exit) if exit.code == 5 && tried < TRIES => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(exit) => return Err(exit),
            }
        }
        Ok(None)
    }

    /// The next event of the stream; none when it has broken off.
    async fn read(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.read.split_off(end + 2);
                let block = std::mem::replace(&mut self.read, rest);
                match self.block(&String::from_utf8_lossy(&block)) {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            let response = self.response.as_mut()?;
            match tokio::time::timeout(SILENT, response.chunk()).await {
                Ok(Ok(Some(part))) => self.read.extend_from_slice(&part),
                _ => {
                    self.response = None;
                    return None;
                }
            }
        }
    }

    /// An event, unless the block is none.
    fn block(&mut self, block: &str) -> Option<Told> {
        let (mut event, mut data) = (None, String::new());
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.last = Some(id.to_owned()),
                Some(("event", name)) => event = Some(name.to_owned()),
                Some(("data", text)) => text.clone_into(&mut data),
                _ => {}
            }
        }
        Some(Told {
            event: event?,
            data,
        })
    }

    fn happening(&self, told: Told) -> Result<Option<Happening>> {
        let Told { event, data } = told;
        let job = match event.as_str() {
            "unserved" => return Ok(Some(Happening::Unserved)),
            "log" => Event::Log(self.data::<Line>(&data)?.line),
            "progress" => Event::Progress(data),
            "active" => Event::Active,
            "completed" => {
                let end: Completed = self.data(&data)?;
                Event::Completed(end.returnvalue.get().to_owned())
            }
            "failed" => Event::Failed(self.data::<Failed>(&data)?.failed_reason),
            "removed" => Event::Gone,
            "waiting" | "delayed" | "prioritized" | "waiting-children" => Event::Waiting(event),
            _ => return Ok(None),
        };
        Ok(Some(Happening::Job(job)))
    }

    fn data<T: DeserializeOwned>(&self, text: &str) -> Result<T> {
        let read = serde_json::from_str(text);
        read.map_err(|error| self.client.unknown(&self.again, &error))
    }
}

#[derive(Deserialize)]
struct Line {
    line: String,
}

#[derive(Deserialize)]
struct Completed {
    returnvalue: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    failed_reason: String,
}
