//! The events of some queues as one event stream, from now on or from where another one
//! broke off.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures::future::BoxFuture;
use futures::stream;
use http::header;

use super::frame::frame;
use super::hub::{Heard, Hub, News};
use super::names::{Names, Told};
use crate::config::Pattern;
use crate::queue::{Error, EventId, Feed, Queue};
use crate::verbs::cover::Cover;
use crate::verbs::search::Target;

/// How often something is sent, so that the other side and what is between know that
/// the connection lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is looked for queues that are new.
const DISCOVER: Duration = Duration::from_secs(15);

/// Finds the queues that are asked for, as they are then.
pub(in crate::api) type Discover = Box<dyn Fn() -> BoxFuture<'static, Vec<Target>> + Send + Sync>;

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Wanted {
    /// Their names; all if there are none.
    pub(in crate::api) events: HashSet<String>,
    /// The names of their jobs; all if there are none.
    pub(in crate::api) names: Vec<Pattern>,
    /// Only those of the job with this id.
    pub(in crate::api) job: Option<String>,
}

impl Wanted {
    fn wants(&self, told: &Told) -> bool {
        let event = &told.happening;
        let is_named = |pattern: &Pattern| {
            let name = told.name.as_deref();
            name.is_some_and(|name| pattern.matches(name))
        };
        (self.events.is_empty() || self.events.contains(&event.event))
            && (self.names.is_empty() || self.names.iter().any(is_named))
            && self
                .job
                .as_ref()
                .is_none_or(|job| event.job.as_ref() == Some(job))
    }
}

/// Where in the events of several queues: they are in the order of their ids, and of the
/// names of their queues where these are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Mark {
    id: EventId,
    /// The last one with this id was of this queue; empty: there was none.
    queue: String,
}

impl Mark {
    /// The last event of a queue that is not after the mark.
    fn last(&self, queue: &str) -> EventId {
        match queue <= self.queue.as_str() {
            true => self.id,
            false => self.id.before(),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.queue)
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Mark, ()> {
        let (id, queue) = text.split_once(':').ok_or(())?;
        Ok(Mark {
            id: id.parse()?,
            queue: queue.to_owned(),
        })
    }
}

/// An event stream that is being sent.
struct Sending {
    heard: Heard,
    wanted: Wanted,
    queues: HashMap<Arc<str>, Queue>,
    covers: HashMap<Arc<str>, Cover>,
    /// What happened before it was opened, one feed for each part of Redis.
    past: VecDeque<Feed>,
    /// The last events of the past.
    last: HashMap<Arc<str>, EventId>,
    /// To be sent first.
    head: Option<String>,
    /// Where new queues may come to be asked for.
    discover: Option<Discover>,
    discovered: Instant,
}

/// Send what happens in these queues, and in those that `discover` finds later, from now
/// on or after `mark`.
pub(in crate::api) async fn open(
    hub: &Hub,
    targets: Vec<Target>,
    discover: Option<Discover>,
    wanted: Wanted,
    mark: Option<Mark>,
) -> Result<Response, Error> {
    let queues: Vec<Queue> = targets.iter().map(|target| target.queue.clone()).collect();
    let heard = hub.listen(&queues, true).await?;
    let mut parts: HashMap<String, Feed> = HashMap::new();
    let mut head = "retry: 2000\n\n".to_owned();
    if let Some(mark) = &mark {
        for queue in &queues {
            let feed = parts.entry(queue.redis().mailbox(""));
            let feed = feed.or_insert_with(|| Feed::new(queue.redis().clone()));
            let last = mark.last(queue.name());
            feed.follow(queue, last);
            if queue.has_lost(last).await? {
                let queue = serde_json::json!({ "queue": queue.name() });
                head.push_str(&format!("event: missed\ndata: {queue}\n\n"));
            }
        }
    } else if let Some(queue) = queues.first() {
        let at = queue.now().await?;
        let mark = Mark {
            id: EventId { at, number: 0 },
            queue: String::new(),
        };
        // Who is cut off before the first event goes on from here.
        head = format!("retry: 2000\nid: {mark}\n\n");
    }
    let named = |target: &Target| Arc::<str>::from(target.queue.name());
    let sending = Sending {
        heard,
        wanted,
        queues: targets
            .iter()
            .map(|of| (named(of), of.queue.clone()))
            .collect(),
        covers: targets
            .iter()
            .map(|of| (named(of), of.cover.clone()))
            .collect(),
        past: parts.into_values().collect(),
        last: HashMap::new(),
        head: Some(head),
        discover,
        discovered: Instant::now(),
    };
    let chunks = stream::unfold(sending, |mut sending| async move {
        let chunk = sending.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk), sending))
    });
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((head, Body::from_stream(chunks)).into_response())
}

impl Sending {
    /// What is sent next; none when the past cannot be read, so that the other side asks
    /// again.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(head) = self.head.take() {
            return Some(head.into());
        }
        loop {
            let mut chunk = BytesMut::new();
            if self.discovered.elapsed() > DISCOVER {
                self.join().await;
            }
            if !self.past.is_empty() {
                self.tell_past(&mut chunk).await.ok()?;
            } else {
                match tokio::time::timeout(HEARTBEAT, self.heard.next()).await {
                    Err(_) => chunk.extend_from_slice(b":\n\n"),
                    Ok(News::Missed(events)) => {
                        let notice = format!("event: missed\ndata: {{\"events\":{events}}}\n\n");
                        chunk.extend_from_slice(notice.as_bytes());
                    }
                    Ok(News::Batch(batch)) => self.tell(&batch.events, &mut chunk),
                }
            }
            if !chunk.is_empty() {
                return Some(chunk.freeze());
            }
        }
    }

    /// Hear the queues that are new, too.
    async fn join(&mut self) {
        self.discovered = Instant::now();
        let Some(discover) = &self.discover else {
            return;
        };
        for Target { queue, cover } in discover().await {
            // What cannot be heard now is tried again.
            if !self.covers.contains_key(queue.name()) && self.heard.join(&queue).await.is_ok() {
                let name: Arc<str> = queue.name().into();
                self.covers.insert(name.clone(), cover);
                self.queues.insert(name, queue);
            }
        }
    }

    async fn tell_past(&mut self, chunk: &mut BytesMut) -> Result<(), Error> {
        let Some(mut feed) = self.past.pop_front() else {
            return Ok(());
        };
        let (events, more) = feed.past().await?;
        let wanted = self.queues.keys().cloned().collect();
        let told = Names::default().tell(&self.queues, &wanted, events).await;
        self.tell(&told, chunk);
        for told in told {
            self.last.insert(told.happening.queue, told.happening.id);
        }
        if more {
            self.past.push_front(feed);
        }
        Ok(())
    }

    fn tell(&self, events: &[Told], chunk: &mut BytesMut) {
        for told in events {
            let event = &told.happening;
            let Some(cover) = self.covers.get(&event.queue) else {
                continue;
            };
            let is_new = self
                .last
                .get(&event.queue)
                .is_none_or(|last| event.id > *last);
            if is_new && self.wanted.wants(told) {
                chunk.extend_from_slice(frame(told, cover));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_which_events_of_each_queue_come_after_it() {
        let mark: Mark = "7-3:m".parse().unwrap();
        assert_eq!(mark.to_string(), "7-3:m");
        let last = |queue: &str| mark.last(queue).to_string();
        assert_eq!((last("a").as_str(), last("m").as_str()), ("7-3", "7-3"));
        assert_eq!(last("z"), "7-2");
        for none in ["", "7-3", "7:m", "x-1:m"] {
            assert_eq!(none.parse::<Mark>(), Err(()), "{none}");
        }
    }
}
