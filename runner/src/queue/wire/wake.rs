//! Which queues want to be woken, and how they are: written by the queues, read by
//! the task that waits for them ([`crate::queue::listen`]).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// One queue's wish to be woken.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    armed: AtomicBool,
    /// The connection blocks on this queue's markers. Changed while the queues
    /// are held.
    waited: AtomicBool,
    pub(in crate::queue) bell: Notify,
    /// Ids of jobs with a wish to be cancelled.
    mail: Mutex<Vec<String>>,
    mailed: Notify,
}

impl Wake {
    /// Wait for a marker. Cancel safe.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Wait for wishes that jobs be cancelled: their ids. Cancel safe.
    pub(crate) async fn mail(&self) -> Vec<String> {
        self.mailed.notified().await;
        std::mem::take(&mut self.mail.lock().expect("no panic while mail is held"))
    }

    pub(in crate::queue) fn deliver(&self, id: &str) {
        let mut mail = self.mail.lock().expect("no panic while mail is held");
        mail.push(id.to_owned());
        self.mailed.notify_one();
    }
}

/// The queues of one part that may be woken, by the keys of their markers.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    queues: Mutex<HashMap<String, Arc<Wake>>>,
    /// The set changed while the connection blocks.
    pub(in crate::queue) changed: Notify,
}

impl Markers {
    pub(in crate::queue) fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<Wake>>> {
        self.queues
            .lock()
            .expect("no panic while the markers are held")
    }

    /// Enter a queue by the key of its marker.
    pub(crate) fn enter(&self, key: &str) -> Arc<Wake> {
        let wake = Arc::new(Wake::default());
        self.held().insert(key.to_owned(), wake.clone());
        wake
    }

    /// Strike a queue off.
    pub(crate) fn leave(&self, key: &str) {
        self.held().remove(key);
        self.changed.notify_one();
    }

    /// Say whether the queue wants work. Only a wish that the connection does not
    /// know interrupts its wait; a marker that comes after disarming rings all the
    /// same.
    pub(crate) fn arm(&self, wake: &Wake, armed: bool) {
        if wake.armed.swap(armed, Ordering::AcqRel) != armed && armed {
            let held = self.held();
            if !wake.waited.load(Ordering::Acquire) {
                self.changed.notify_one();
            }
            drop(held);
        }
    }

    /// The keys to block on now.
    pub(in crate::queue) fn wait(&self) -> Vec<String> {
        self.held()
            .iter()
            .filter(|(_, wake)| {
                let armed = wake.armed.load(Ordering::Acquire);
                wake.waited.store(armed, Ordering::Release);
                armed
            })
            .map(|(key, _)| key.clone())
            .collect()
    }

    pub(in crate::queue) fn wake(&self, key: &str) -> Option<Arc<Wake>> {
        self.held().get(key).cloned()
    }
}
