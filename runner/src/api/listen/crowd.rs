//! All connections at once, and which of them gives way when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::pace::Pace;
use super::socket::Stream;
use crate::telemetry::limit::limited;

/// One in so many gives way at a time, so that looking for them costs each newcomer
/// little.
const GIVE_WAY: usize = 32;

/// The connections there are.
#[derive(Default)]
pub(super) struct Crowd(Mutex<Members>);

#[derive(Default)]
struct Members {
    next: u64,
    all: HashMap<u64, (Arc<Pace>, AbortHandle)>,
}

/// A place in the crowd; dropped, it is free.
struct Place {
    crowd: Arc<Crowd>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members().all.remove(&self.number);
    }
}

impl Crowd {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().expect("no panic while it is held")
    }

    /// Serve a connection, one of so many at most. When there are more, those give way
    /// that have waited longest without a request; if all have one, the newcomer does.
    pub(super) fn admit(
        self: &Arc<Self>,
        most: usize,
        stream: Stream,
        tls: Option<TlsAcceptor>,
        connection: Connection,
    ) {
        let gone = self.make_room(most);
        if gone.as_ref().is_some_and(Vec::is_empty) {
            limited!(
                warn,
                "busy",
                "connections are refused: `max_connections` of [server] are in use"
            );
            return super::connection::refuse(stream, tls.is_some());
        }
        for handle in gone.into_iter().flatten() {
            handle.abort();
        }
        let pace = Arc::new(Pace::new());
        let mut members = self.members();
        let number = members.next;
        members.next += 1;
        let place = Place {
            crowd: self.clone(),
            number,
        };
        let own = pace.clone();
        let served = tokio::spawn(async move {
            connection.serve(stream, tls, own).await;
            drop(place);
        });
        members.all.insert(number, (pace, served.abort_handle()));
    }

    /// Those that give way to one more; none, if that cannot be helped.
    fn make_room(&self, most: usize) -> Option<Vec<AbortHandle>> {
        let mut members = self.members();
        let have = members.all.len();
        if have < most {
            return None;
        }
        let mut waiting: Vec<_> = members
            .all
            .iter()
            .filter_map(|(number, (pace, _))| Some((pace.waits()?, *number)))
            .collect();
        waiting.sort_unstable();
        let few = (have - most) + 1 + most / GIVE_WAY;
        waiting.truncate(few);
        let gone = waiting.into_iter();
        let gone = gone.filter_map(|(_, number)| Some(members.all.remove(&number)?.1));
        Some(gone.collect())
    }
}
