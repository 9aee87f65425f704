//! What happens in queues, from BullMQ's event streams: over one connection that blocks
//! for all the queues together, in the order in which it happened.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, texts, whole};
use crate::queue::wire::server::Connection;

/// How long one look at the streams blocks. No longer, so that a dead connection is
/// noticed.
const BLOCK: Duration = Duration::from_secs(5);
/// Added to [`BLOCK`] before the connection is given up.
const WATCHDOG: Duration = Duration::from_secs(2);
/// Events of one queue in one look.
const MOST: usize = 500;
/// Bytes of a look after which the next one is for fewer events: results may be large.
const LARGE: usize = 1 << 20;

/// The id of an event, which says when it happened by Redis' clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EventId {
    /// Milliseconds since 1970.
    pub at: u64,
    /// Among those of this millisecond.
    pub number: u64,
}

impl EventId {
    /// The one just before it.
    pub fn before(self) -> EventId {
        match (self.at, self.number) {
            (at, number @ 1..) => EventId {
                at,
                number: number - 1,
            },
            (at @ 1.., 0) => EventId {
                at: at - 1,
                number: u64::MAX,
            },
            (0, 0) => self,
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.number)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<EventId, ()> {
        let (at, number) = text.split_once('-').ok_or(())?;
        let part = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().map_err(|_| ()),
            false => Err(()),
        };
        Ok(EventId {
            at: part(at)?,
            number: part(number)?,
        })
    }
}

/// Something that happened in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The queue.
    pub queue: Arc<str>,
    /// When.
    pub id: EventId,
    /// BullMQ's name of it: `completed`.
    pub event: String,
    /// The job it is about, if it is about one.
    pub job: Option<String>,
    /// What else the event says: `returnvalue`, `failedReason`, `prev`, ….
    pub fields: Vec<(String, String)>,
}

impl Happening {
    /// One of its fields.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    /// About how many bytes it holds.
    pub fn size(&self) -> usize {
        let fields = self.fields.iter();
        let fields: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
        fields + size_of::<Happening>()
    }
}

impl Queue {
    /// Whether events after this one may be lost, as the stream has been trimmed.
    pub async fn has_lost(&self, after: EventId) -> Result<bool, Error> {
        let mut command = redis::cmd("XINFO");
        command.arg("STREAM").arg(self.key("events"));
        let fields = match self.redis().call(&command).await {
            // There is none.
            Err(Error::Refused(_)) => return Ok(false),
            fields => list(fields?),
        };
        let field = |name: &str| {
            let mut fields = fields.chunks_exact(2);
            let found = fields.find(|pair| text(pair[0].clone()).as_deref() == Some(name));
            found.map_or(Value::Nil, |pair| pair[1].clone())
        };
        let first = list(field("first-entry")).into_iter().next();
        let first = first.and_then(text).and_then(|id| id.parse().ok());
        let trimmed = whole(&field("entries-added")) > whole(&field("length"));
        Ok(trimmed && first.is_none_or(|first: EventId| first > after))
    }
}

/// Places in the event streams of queues that one connection reaches.
#[derive(Debug)]
pub struct Feed {
    redis: Redis,
    places: BTreeMap<Arc<str>, Stream>,
    /// Events of each queue in the next look.
    count: usize,
    connection: Option<Open>,
}

#[derive(Debug)]
struct Stream {
    key: String,
    last: EventId,
}

struct Open(Connection);

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl Feed {
    /// Follows no queue yet. `redis` is that of a queue, and all that are followed must
    /// be reached by it.
    pub fn new(redis: Redis) -> Feed {
        Feed {
            redis,
            places: BTreeMap::new(),
            count: MOST,
            connection: None,
        }
    }

    /// Tell what happens in a queue after this event.
    pub fn follow(&mut self, queue: &Queue, last: EventId) {
        let key = queue.key("events");
        self.places
            .insert(queue.name().into(), Stream { key, last });
    }

    /// Follow only those queues for which `keep` says yes; without any, the connection
    /// ends.
    pub fn keep(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.places.retain(|queue, _| keep(queue));
        if self.places.is_empty() {
            self.connection = None;
        }
    }

    /// Whether it follows no queue.
    pub fn is_idle(&self) -> bool {
        self.places.is_empty()
    }

    /// What happened since it was asked last; waits some seconds for something. Dropping
    /// the future ends the connection, and nothing is missed.
    pub async fn next(&mut self) -> Result<Vec<Happening>, Error> {
        let mut connection = match self.connection.take() {
            Some(Open(connection)) => connection,
            None => self.redis.dial_blocking().await?,
        };
        let command = self.command(Some(BLOCK));
        let reading = connection.send_packed_command(&command);
        let Ok(reply) = tokio::time::timeout(BLOCK + WATCHDOG, reading).await else {
            return Ok(Vec::new());
        };
        let reply = self.redis.answer(reply)?;
        self.connection = Some(Open(connection));
        Ok(self.take(reply).0)
    }

    /// What has happened by now, without waiting; and whether there may be more.
    pub async fn past(&mut self) -> Result<(Vec<Happening>, bool), Error> {
        let reply = self.redis.call(&self.command(None)).await?;
        Ok(self.take(reply))
    }

    /// Follow no longer the queues whose key is no stream: one of them keeps all others
    /// from being read. Their names.
    pub async fn leave_odd(&mut self) -> Result<Vec<Arc<str>>, Error> {
        let mut odd = Vec::new();
        for (queue, stream) in &self.places {
            let kind = self.redis.call(redis::cmd("TYPE").arg(&stream.key)).await?;
            if !matches!(text(kind).as_deref(), Some("stream" | "none")) {
                odd.push(queue.clone());
            }
        }
        self.keep(|queue| !odd.iter().any(|odd| **odd == *queue));
        Ok(odd)
    }

    fn command(&self, block: Option<Duration>) -> Cmd {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(self.count);
        if let Some(block) = block {
            command.arg("BLOCK").arg(block.as_millis() as u64);
        }
        command.arg("STREAMS");
        for stream in self.places.values() {
            command.arg(&stream.key);
        }
        for stream in self.places.values() {
            command.arg(stream.last.to_string());
        }
        command
    }

    /// The events of a reply in their order. Where the reply was cut for one queue, what
    /// happened later in others waits for the next look.
    fn take(&mut self, reply: Value) -> (Vec<Happening>, bool) {
        let mut events = Vec::new();
        let mut known_until: Option<EventId> = None;
        for stream in list(reply) {
            let mut parts = list(stream).into_iter();
            let (key, entries) = (parts.next().and_then(text), parts.next());
            let queue = self
                .places
                .iter()
                .find(|(_, of)| Some(&of.key) == key.as_ref());
            let Some((queue, _)) = queue else { continue };
            let before = events.len();
            let entries = entries.map(list).unwrap_or_default();
            let cut = entries.len() >= self.count;
            events.extend(
                entries
                    .into_iter()
                    .filter_map(|entry| happening(queue, entry)),
            );
            if let Some(last) = events[before..].last().filter(|_| cut) {
                known_until = Some(known_until.map_or(last.id, |until| until.min(last.id)));
            }
        }
        events.sort_by(|a, b| (a.id, &a.queue).cmp(&(b.id, &b.queue)));
        if let Some(until) = known_until {
            events.retain(|event| event.id <= until);
        }
        for event in &events {
            if let Some(stream) = self.places.get_mut(&event.queue) {
                stream.last = event.id;
            }
        }
        let bytes: usize = events.iter().map(Happening::size).sum();
        self.count = match bytes > LARGE {
            true => (self.count / 4).max(1),
            false => (self.count * 2).min(MOST),
        };
        (events, known_until.is_some())
    }
}

fn happening(queue: &Arc<str>, entry: Value) -> Option<Happening> {
    let mut parts = list(entry).into_iter();
    let id = parts.next().and_then(text)?.parse().ok()?;
    let mut all = texts(parts.next()?).into_iter();
    let (mut event, mut job, mut fields) = (String::new(), None, Vec::new());
    while let (Some(name), Some(value)) = (all.next(), all.next()) {
        match name.as_str() {
            "event" => event = value,
            "jobId" => job = Some(value),
            _ => fields.push((name, value)),
        }
    }
    Some(Happening {
        queue: queue.clone(),
        id,
        event,
        job,
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_redis_writes_it() {
        let id = |text: &str| text.parse::<EventId>();
        assert_eq!(id("12-3").unwrap().to_string(), "12-3");
        for none in [
            "",
            "12",
            "12-",
            "-3",
            "12-x",
            "+1-2",
            "12-3-4",
            "99999999999999999999-0",
        ] {
            assert_eq!(id(none), Err(()), "{none}");
        }
        assert!(id("9-9").unwrap() < id("10-0").unwrap());
        assert_eq!(id("7-3").unwrap().before(), id("7-2").unwrap());
        assert_eq!(id("7-0").unwrap().before().at, 6);
    }
}
