//! What happens in queues, for however many who listen: one reader of Redis, which reads
//! only the queues that somebody listens to.
//!
//! What was read is kept in a ring of bounded size. Who comes too late to it is told how
//! many events were missed, and nothing waits for anybody.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::names::{Names, Told};
use crate::queue::{Error, EventId, Feed, Found, Happening, Queue, Redis, Spacing, State};
use crate::telemetry::limit::limited;

/// Bytes that the ring holds: some seconds of a busy server.
const RING: usize = 8 << 20;
/// Queues that wait to be read.
const JOINS: usize = 64;
/// How long a queue is read after the last who listened has left: who asks again soon
/// costs no new connection.
const LINGER: Duration = Duration::from_secs(10);
/// How often a job is looked at whose end is waited for: not every way to remove one is
/// an event of its own.
const LOOK: Duration = Duration::from_secs(1);

/// Tells who listens what happens. Cheap to clone.
#[derive(Clone)]
pub(in crate::api) struct Hub(Arc<Inner>);

struct Inner {
    ring: Mutex<Ring>,
    /// Something new is in the ring.
    newest: watch::Sender<()>,
    /// By name.
    queues: Mutex<HashMap<Arc<str>, Listened>>,
    /// By the part of Redis that they read.
    readers: Mutex<HashMap<String, mpsc::Sender<(Queue, EventId)>>>,
}

/// A queue that somebody listens to.
#[derive(Default)]
struct Listened {
    count: usize,
    /// Of those, who want to know the names of jobs.
    named: usize,
    /// Since when nobody does.
    left: Option<Instant>,
}

#[derive(Default)]
struct Ring {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// The number of the first one that is held.
    first: u64,
    /// Events in all batches so far.
    events: u64,
}

/// What happened since the batch before, in order.
#[derive(Debug)]
pub(in crate::api) struct Batch {
    pub(in crate::api) events: Vec<Told>,
    /// Events in all batches before it.
    before: u64,
    bytes: usize,
}

/// What there is to hear.
#[derive(Debug)]
pub(in crate::api) enum News {
    /// What happened.
    Batch(Arc<Batch>),
    /// So many events are lost to this listener, who was too slow.
    Missed(u64),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) enum End {
    /// With this result, JSON text.
    Completed(String),
    /// For this reason.
    Failed(String),
    /// It was removed, or moved to another queue.
    Gone,
}

impl Hub {
    /// Nothing is read until somebody listens.
    pub(in crate::api) fn new() -> Hub {
        Hub(Arc::new(Inner {
            ring: Mutex::default(),
            newest: watch::channel(()).0,
            queues: Mutex::default(),
            readers: Mutex::default(),
        }))
    }

    /// Hear what happens in queues, once it is known from where on. With `named`, events
    /// have the name of the job.
    pub(in crate::api) async fn listen(
        &self,
        queues: &[Queue],
        named: bool,
    ) -> Result<Heard, Error> {
        // Before anything else, so that no event that comes meanwhile is lost.
        let (next, events) = {
            let ring = self.0.ring();
            (ring.first + ring.batches.len() as u64, ring.events)
        };
        let mut heard = Heard {
            newest: self.0.newest.subscribe(),
            hub: self.clone(),
            queues: HashSet::new(),
            named,
            next,
            events,
        };
        for queue in queues {
            heard.join(queue).await?;
        }
        Ok(heard)
    }
}

impl Inner {
    fn queues(&self) -> MutexGuard<'_, HashMap<Arc<str>, Listened>> {
        self.queues.lock().expect("no panic while they are held")
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("no panic while it is held")
    }

    /// Count a listener of a queue that is read. False when it is not.
    fn count(&self, queue: &str, named: bool) -> bool {
        let mut queues = self.queues();
        let Some(listened) = queues.get_mut(queue) else {
            return false;
        };
        listened.count += 1;
        listened.named += usize::from(named);
        listened.left = None;
        true
    }

    /// Count a listener of any queue. True when it has not been read so far.
    fn enter(&self, queue: &Arc<str>, named: bool) -> bool {
        let mut queues = self.queues();
        let is_new = !queues.contains_key(queue);
        let listened = queues.entry(queue.clone()).or_default();
        listened.count += 1;
        listened.named += usize::from(named);
        listened.left = None;
        is_new
    }

    /// The queues of which somebody wants to know the names of jobs.
    fn named(&self) -> HashSet<Arc<str>> {
        let listened = self.queues();
        let named = listened.iter().filter(|(_, of)| of.named > 0);
        named.map(|(queue, _)| queue.clone()).collect()
    }

    fn publish(&self, events: Vec<Told>) {
        let bytes = events.iter().map(|told| told.happening.size()).sum();
        let mut ring = self.ring();
        let batch = Batch {
            before: ring.events,
            bytes,
            events,
        };
        ring.events += batch.events.len() as u64;
        ring.bytes += bytes;
        ring.batches.push_back(Arc::new(batch));
        while ring.bytes > RING && ring.batches.len() > 1 {
            if let Some(oldest) = ring.batches.pop_front() {
                ring.bytes -= oldest.bytes;
                ring.first += 1;
            }
        }
        drop(ring);
        self.newest.send_replace(());
    }
}

/// Read the queues of one part of Redis as long as there is a hub.
async fn read(hub: Weak<Inner>, redis: Redis, mut joined: mpsc::Receiver<(Queue, EventId)>) {
    let address = redis.address().to_owned();
    let mut feed = Feed::new(redis);
    let mut queues: HashMap<Arc<str>, Queue> = HashMap::new();
    let mut names = Names::default();
    let mut spacing = Spacing::default();
    loop {
        let Some(inner) = hub.upgrade() else { return };
        forget(&inner, &mut feed, &mut queues);
        drop(inner);
        let joins = if feed.is_idle() {
            joined.recv().await
        } else {
            tokio::select! {
                biased;
                joins = joined.recv() => joins,
                read = feed.next() => {
                    match read {
                        Ok(events) => {
                            spacing = Spacing::default();
                            let Some(inner) = hub.upgrade() else { return };
                            if !events.is_empty() {
                                let wanted = inner.named();
                                let told = names.tell(&queues, &wanted, events).await;
                                inner.publish(told);
                            }
                        }
                        Err(error) => {
                            limited!(warn, &address, "reading events is interrupted", %error);
                            if let (Error::Refused(_), Some(inner)) = (&error, hub.upgrade()) {
                                leave_odd(&inner, &mut feed).await;
                            }
                            tokio::time::sleep(spacing.next()).await;
                        }
                    }
                    continue;
                }
            }
        };
        let Some((queue, last)) = joins else { return };
        feed.follow(&queue, last);
        queues.insert(queue.name().into(), queue);
    }
}

/// Leave the queues that cannot be read.
async fn leave_odd(inner: &Inner, feed: &mut Feed) {
    for queue in feed.leave_odd().await.unwrap_or_default() {
        limited!(
            error,
            &queue,
            "the events of a queue are no stream",
            queue = &*queue
        );
        inner.queues().remove(&queue);
    }
}

/// Leave the queues that nobody has listened to for a while.
fn forget(inner: &Inner, feed: &mut Feed, queues: &mut HashMap<Arc<str>, Queue>) {
    let mut listened = inner.queues();
    let left = |of: &Listened| of.left.is_some_and(|left| left.elapsed() > LINGER);
    feed.keep(|queue| {
        let gone = listened.get(queue).is_none_or(left);
        if gone {
            listened.remove(queue);
            queues.remove(queue);
        }
        !gone
    });
}

/// One who listens.
pub(in crate::api) struct Heard {
    hub: Hub,
    queues: HashSet<Arc<str>>,
    named: bool,
    /// The number of the next batch.
    next: u64,
    /// Events in the batches before it.
    events: u64,
    newest: watch::Receiver<()>,
}

impl Heard {
    /// Hear this queue, too.
    pub(in crate::api) async fn join(&mut self, queue: &Queue) -> Result<(), Error> {
        let inner = &self.hub.0;
        let name: Arc<str> = queue.name().into();
        if self.queues.contains(&name) {
            return Ok(());
        }
        if !inner.count(&name, self.named) {
            let last = queue.last_event().await?.parse().unwrap_or_default();
            if inner.enter(&name, self.named) {
                self.hub.read(queue, last).await;
            }
        }
        self.queues.insert(name);
        Ok(())
    }

    /// What happened next. Cancel safe. Batches have the events of all queues that
    /// anybody listens to.
    pub(in crate::api) async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.ready() {
                return news;
            }
            // The hub has the sender.
            let _ = self.newest.changed().await;
        }
    }

    fn ready(&mut self) -> Option<News> {
        self.newest.mark_unchanged();
        let ring = self.hub.0.ring();
        if self.next < ring.first {
            let before = ring
                .batches
                .front()
                .map_or(ring.events, |first| first.before);
            let missed = before.saturating_sub(self.events);
            (self.next, self.events) = (ring.first, before);
            return Some(News::Missed(missed));
        }
        let at = usize::try_from(self.next - ring.first).ok()?;
        let batch = ring.batches.get(at)?.clone();
        self.next += 1;
        self.events = batch.before + batch.events.len() as u64;
        Some(News::Batch(batch))
    }

    /// How a job ends that has not ended when it is asked.
    pub(in crate::api) async fn end_of(&mut self, queue: &Queue, id: &str) -> Result<End, Error> {
        loop {
            let news = tokio::time::timeout(LOOK, self.next()).await;
            match news {
                Ok(News::Batch(batch)) => {
                    let about = batch.events.iter().map(|told| &told.happening);
                    let mut about = about.filter(|event| {
                        event.job.as_deref() == Some(id) && &*event.queue == queue.name()
                    });
                    if let Some(end) = about.find_map(end) {
                        return Ok(end);
                    }
                }
                Ok(News::Missed(_)) | Err(_) => {
                    if let Some(end) = stored(queue, id).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }
}

impl Hub {
    /// Let the reader of its part read a queue.
    async fn read(&self, queue: &Queue, last: EventId) {
        let part = queue.redis().mailbox("");
        let reader = {
            let mut readers = self.0.readers.lock().expect("no panic while they are held");
            let reader = readers.entry(part).or_insert_with(|| {
                let (sender, receiver) = mpsc::channel(JOINS);
                let reading = read(Arc::downgrade(&self.0), queue.redis().clone(), receiver);
                tokio::spawn(reading);
                sender
            });
            reader.clone()
        };
        // It reads as long as there is a hub.
        let _ = reader.send((queue.clone(), last)).await;
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let mut queues = self.hub.0.queues();
        for name in &self.queues {
            let Some(listened) = queues.get_mut(name) else {
                continue;
            };
            listened.count -= 1;
            listened.named -= usize::from(self.named);
            if listened.count == 0 {
                listened.left = Some(Instant::now());
            }
        }
    }
}

/// How this event ends its job, if it does.
pub(super) fn end(event: &Happening) -> Option<End> {
    let field = |name: &str| event.field(name).unwrap_or_default().to_owned();
    match event.event.as_str() {
        "completed" => Some(End::Completed(field("returnvalue"))),
        "failed" => Some(End::Failed(field("failedReason"))),
        "removed" => Some(End::Gone),
        _ => None,
    }
}

/// How a job has ended, by what is stored of it.
pub(super) async fn stored(queue: &Queue, id: &str) -> Result<Option<End>, Error> {
    Ok(match queue.find(id).await? {
        Some(job) => ended(&job),
        None => Some(End::Gone),
    })
}

/// How a job has ended, if it has.
pub(super) fn ended(job: &Found) -> Option<End> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match job.state {
        State::Completed => Some(End::Completed(text(&job.returnvalue))),
        State::Failed => Some(End::Failed(text(&job.failed_reason))),
        _ => None,
    }
}
