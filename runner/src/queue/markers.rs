//! Waiting for work: one blocking connection for the markers of all queues.
//!
//! BullMQ adds a member to a queue's `marker` set when there is work; `BZPOPMIN`
//! over the sets of all queues that want some wakes the one concerned. A marker
//! that comes for a queue that was left meanwhile is put back. The same
//! connection waits for the mail of this process: jobs somebody wishes to be
//! cancelled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redis::Value;
use tokio::sync::Notify;

use super::redis::{Pause, Redis};

/// How long `BZPOPMIN` blocks. No longer, so that a dead connection is noticed.
const BLOCK: Duration = Duration::from_secs(5);
/// Added to [`BLOCK`] before the connection is given up.
const WATCHDOG: Duration = Duration::from_secs(1);

/// One queue's wish to be woken.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    armed: AtomicBool,
    /// The connection blocks on this queue's markers. Changed while the queues
    /// are held.
    waited: AtomicBool,
    bell: Notify,
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

    fn deliver(&self, id: &str) {
        let mut mail = self.mail.lock().expect("no panic while mail is held");
        mail.push(id.to_owned());
        self.mailed.notify_one();
    }
}

#[derive(Debug, Default)]
pub(crate) struct Markers {
    queues: Mutex<HashMap<String, Arc<Wake>>>,
    /// The set changed while the connection blocks.
    changed: Notify,
}

impl Markers {
    fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<Wake>>> {
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
    fn wait(&self) -> Vec<String> {
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

    fn wake(&self, key: &str) -> Option<Arc<Wake>> {
        self.held().get(key).cloned()
    }
}

/// The set through which the process of this boot is told of wishes.
pub(super) fn mailbox(prefix: &str, boot: &str) -> String {
    format!("{prefix}:runner:mail:{boot}")
}

/// Wait for markers for ever. One task per process.
pub(crate) async fn listen(redis: Redis) {
    let markers = redis.markers();
    let mut pause = Pause::default();
    loop {
        let served = serve(&redis, markers).await;
        if let Err(error) = served {
            tracing::debug!(%error, "waiting for work was interrupted");
            tokio::time::sleep(pause.next()).await;
        } else {
            pause = Pause::default();
        }
    }
}

/// Serve one connection. `Ok` when it answered at least once before it broke.
async fn serve(redis: &Redis, markers: &Markers) -> Result<(), super::Error> {
    let mut connection = redis.dial_blocking().await?;
    let id: i64 = redis::cmd("CLIENT")
        .arg("ID")
        .query_async(&mut connection)
        .await
        .map_err(|e| redis.explain(&e))?;
    let mailbox = mailbox(redis.prefix(), redis.boot());
    loop {
        let mut command = redis::cmd("BZPOPMIN");
        command.arg(&mailbox).arg(markers.wait());
        command.arg(BLOCK.as_secs());
        let popping =
            tokio::time::timeout(BLOCK + WATCHDOG, connection.send_packed_command(&command));
        tokio::pin!(popping);
        let answer = loop {
            tokio::select! {
                answer = &mut popping => break answer,
                () = markers.changed.notified() => {
                    let mut unblock = redis::cmd("CLIENT");
                    unblock.arg("UNBLOCK").arg(id);
                    redis.call(&unblock).await?;
                }
            }
        };
        let Ok(Ok(value)) = answer else {
            return Ok(());
        };
        let Value::Array(parts) = value else {
            continue;
        };
        let [Value::BulkString(key), member, score] = parts.as_slice() else {
            continue;
        };
        let key = String::from_utf8_lossy(key);
        if key == mailbox {
            if let Value::BulkString(letter) = member
                && let Some((marker, id)) = String::from_utf8_lossy(letter).split_once('\n')
                && let Some(wake) = markers.wake(marker)
            {
                wake.deliver(id);
            }
            continue;
        }
        match markers.wake(&key) {
            Some(wake) => wake.bell.notify_one(),
            None => put_back(redis, &key, member, score).await?,
        }
    }
}

async fn put_back(
    redis: &Redis,
    key: &str,
    member: &Value,
    score: &Value,
) -> Result<(), super::Error> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Double(number) => number.to_string(),
        _ => "0".to_owned(),
    };
    let mut command = redis::cmd("ZADD");
    command.arg(key).arg(text(score)).arg(text(member));
    redis.call(&command).await.map(drop)
}
