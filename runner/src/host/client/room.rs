//! What the requests of one attempt may take of the host: how many are under way
//! at once, and the bytes that are held for them, from the content a guest sends
//! to the response it has not read yet.
//!
//! A guest that sends many requests and waits for one after the other must get its
//! answers, so requests begin in the order in which they were sent, and the first
//! of those under way finds room that the others leave: the next one the guest
//! waits for is never behind what it has not come to yet. Room is taken for a
//! whole content before its first byte is read, and given back with the last clone
//! of the content.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::limit::Limit;
use super::{BODY, Error, FIELD_BYTES};
use crate::config::JobSettings;

/// The room of one attempt. Clones share it.
#[derive(Debug, Clone)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max_requests: usize,
    max_held: usize,
    taken: Mutex<Taken>,
    /// Told of whatever is given back.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    held: usize,
    next: u64,
    /// Requests that have not begun, by their numbers.
    waiting: BTreeSet<u64>,
    /// Requests that have.
    going: BTreeSet<u64>,
}

/// A request in its place among the others of the attempt, until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    room: Room,
    number: u64,
}

/// Bytes that are held, until they are dropped.
#[derive(Debug)]
pub struct Held {
    room: Room,
    bytes: usize,
}

/// Content and the room it takes.
struct Content<T>(
    T,
    #[expect(dead_code, reason = "held until it is dropped")] Held,
);

impl Room {
    /// The room these settings give.
    pub fn new(settings: &JobSettings) -> Room {
        Room(Arc::new(Inner {
            max_requests: settings.max_requests,
            max_held: settings.max_held,
            taken: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// The next request.
    pub(super) fn ticket(&self) -> Ticket {
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        taken.waiting.insert(number);
        Ticket {
            room: self.clone(),
            number,
        }
    }

    /// Bytes that can be held beside this many of the same request.
    pub(super) fn beside(&self, bytes: usize) -> usize {
        self.0.max_held.saturating_sub(bytes)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until this comes true.
    async fn until<T>(&self, mut attempt: impl FnMut(&mut Taken) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            if let Some(done) = attempt(&mut self.taken()) {
                return done;
            }
            changed.await;
        }
    }

    /// Bytes that all other requests leave for the first of those under way: as many
    /// as a response may have.
    fn spare(&self) -> usize {
        self.0.max_held.min(BODY + FIELD_BYTES)
    }
}

impl Default for Room {
    fn default() -> Room {
        Room::new(&JobSettings::default())
    }
}

impl Ticket {
    /// The room it is for.
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Wait until the request may begin. Earlier ones end at their limits, so this
    /// does too, and it does not count against the request's own.
    pub(super) async fn begin(&self) {
        let begun = self.room.until(|taken| {
            let next = taken.waiting.first() == Some(&self.number);
            if !next || taken.going.len() >= self.room.0.max_requests {
                return None;
            }
            taken.waiting.remove(&self.number);
            taken.going.insert(self.number);
            Some(())
        });
        begun.await;
        // The next one may find a place, too.
        self.room.0.changed.notify_waiters();
    }

    /// Wait for room for `what`, which has so many bytes, of which `most` could be
    /// held.
    pub(super) async fn hold(
        &self,
        what: &str,
        bytes: usize,
        most: usize,
        limit: &Limit,
    ) -> Result<Held, Error> {
        if bytes > most {
            return Err(Error::TooLarge(format!(
                "{what} has {bytes} bytes: at most {most} are held for a job (max_held)"
            )));
        }
        let take = |taken: &mut Taken| {
            let first = taken.going.first() == Some(&self.number);
            let left = if first { 0 } else { self.room.spare() };
            if bytes > 0 && taken.held + bytes + left > self.room.0.max_held {
                return None;
            }
            taken.held += bytes;
            Some(Held {
                room: self.room.clone(),
                bytes,
            })
        };
        if let Some(held) = take(&mut self.room.taken()) {
            return Ok(held);
        }
        let held = tokio::time::timeout_at(limit.until.into(), self.room.until(take));
        held.await.map_err(|_| {
            Error::TooLarge(format!(
                "{what} found no room in {}, {}: the job has not read its earlier responses, \
                 and at most {} bytes are held for it (max_held)",
                limit.time(),
                limit.why,
                self.room.0.max_held
            ))
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.waiting.remove(&self.number);
        taken.going.remove(&self.number);
        drop(taken);
        self.room.0.changed.notify_waiters();
    }
}

impl Held {
    /// Give back all but these bytes.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let rest = self.bytes.saturating_sub(bytes);
        self.bytes -= rest;
        self.room.taken().held -= rest;
        self.room.0.changed.notify_waiters();
    }

    /// The content that takes this room.
    pub(in crate::host) fn around(self, content: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Content(content, self))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Content<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}
