//! Waiting for work: one blocking connection for the markers of all queues, on a
//! Cluster one for those of each part.
//!
//! BullMQ adds a member to a queue's `marker` set when there is work; `BZPOPMIN`
//! over the sets of all queues that want some wakes the one concerned. A marker
//! that comes for a queue that was left meanwhile is put back. The same
//! connection waits for the mail of this process: jobs somebody wishes to be
//! cancelled.
//!
//! When another queue comes to want work, the wait is broken off by `CLIENT
//! UNBLOCK`. A user who may not do that writes a letter to the process' own mailbox
//! instead, which is two small writes but leaves nothing behind either.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::Value;

use crate::queue::serving::examine;
use crate::queue::wire::error::{Error, from_server};
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::whole;
use crate::queue::wire::spacing::Spacing;
use crate::queue::wire::wake::Markers;
use crate::telemetry::limit::limited;

/// How long `BZPOPMIN` blocks. No longer, so that a dead connection is noticed.
const BLOCK: Duration = Duration::from_secs(5);
/// Added to [`BLOCK`] before the connection is given up.
const WATCHDOG: Duration = Duration::from_secs(1);
/// How long a letter to oneself is kept that nobody reads: its process has died.
const LETTER: Duration = Duration::from_secs(60);

/// Wait for markers for ever, in each part that has a queue. One task per process,
/// with its own access.
pub(crate) async fn listen(redis: Redis) {
    let mut known = HashSet::new();
    let mut waiting = FuturesUnordered::new();
    loop {
        for part in redis.parts() {
            if !part.markers().held().is_empty() && known.insert(part.mailbox("")) {
                waiting.push(wait(part));
            }
        }
        tokio::select! {
            Some(()) = waiting.next(), if !waiting.is_empty() => {}
            () = redis.enters() => {}
        }
    }
}

/// Wait for the markers of one part for ever.
async fn wait(redis: Redis) {
    let markers = redis.markers();
    let mut spacing = Spacing::default();
    let mut may_unblock = true;
    loop {
        let served = serve(&redis, markers, &mut may_unblock, &mut spacing).await;
        if let Err(error) = served {
            limited!(warn, redis.address(), "waiting for work is interrupted", %error);
        }
        tokio::time::sleep(spacing.next()).await;
    }
}

/// Serve one connection until it breaks; any answer ends the pauses.
async fn serve(
    redis: &Redis,
    markers: &Markers,
    may_unblock: &mut bool,
    spacing: &mut Spacing,
) -> Result<(), Error> {
    let mut connection = redis.dial_blocking().await?;
    examine::tell(redis).await;
    let id = redis::cmd("CLIENT").arg("ID").to_owned();
    let id = match redis.answer(connection.send_packed_command(&id).await) {
        Err(Error::Refused(_)) => None,
        id => Some(whole(&id?)),
    };
    let mailbox = redis.mailbox(redis.boot());
    loop {
        let mut command = redis::cmd("BZPOPMIN");
        let keys = markers.wait();
        command.arg(&mailbox).arg(&keys);
        command.arg(BLOCK.as_secs());
        let popping =
            tokio::time::timeout(BLOCK + WATCHDOG, connection.send_packed_command(&command));
        tokio::pin!(popping);
        let answer = loop {
            tokio::select! {
                answer = &mut popping => break answer,
                () = markers.changed.notified() => {
                    interrupt(redis, id, may_unblock, &mailbox).await?;
                }
            }
        };
        let value = match answer.map(|answer| answer.and_then(Value::extract_error)) {
            Ok(Ok(value)) => value,
            Ok(Err(error)) if from_server(&error) => {
                let keys = keys.iter().chain([&mailbox]);
                put_aside(redis, markers, keys).await?;
                return Err(redis.explain(&error));
            }
            _ => return Ok(()),
        };
        *spacing = Spacing::default();
        if let Value::Array(parts) = value
            && let [Value::BulkString(key), member, score] = parts.as_slice()
        {
            let key = String::from_utf8_lossy(key);
            if key == mailbox {
                hand_over(markers, member);
            } else if let Some(wake) = markers.wake(&key) {
                wake.bell.notify_one();
            } else {
                put_back(redis, &key, member, score).await?;
            }
        }
    }
}

/// Break off the wait of this client, in the way that its user may.
async fn interrupt(
    redis: &Redis,
    id: Option<i64>,
    may_unblock: &mut bool,
    mailbox: &str,
) -> Result<(), Error> {
    if let Some(id) = id.filter(|_| *may_unblock) {
        *may_unblock = unblock(redis, id).await?;
    }
    if id.is_none() || !*may_unblock {
        write_to_oneself(redis, mailbox).await?;
    }
    Ok(())
}

/// Hand a letter to the queue it is for, if it names a job.
fn hand_over(markers: &Markers, letter: &Value) {
    if let Value::BulkString(letter) = letter
        && let Some((marker, id)) = String::from_utf8_lossy(letter).split_once('\n')
        && let Some(wake) = markers.wake(marker)
    {
        wake.deliver(id);
    }
}

/// The same by `CLIENT UNBLOCK`. False when its user may not do that.
async fn unblock(redis: &Redis, id: i64) -> Result<bool, Error> {
    let mut command = redis::cmd("CLIENT");
    command.arg("UNBLOCK").arg(id);
    match redis.call(&command).await {
        Ok(_) => Ok(true),
        Err(Error::Refused(_)) => {
            examine::say(redis, &examine::may_not_unblock(redis));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The same by a letter that names no job.
async fn write_to_oneself(redis: &Redis, mailbox: &str) -> Result<(), Error> {
    let mut letter = redis::cmd("ZADD");
    letter.arg(mailbox).arg(0).arg("");
    let mut expiry = redis::cmd("PEXPIRE");
    expiry.arg(mailbox).arg(LETTER.as_millis() as u64);
    // Sent in this order, so that it expires should nobody read it.
    let (sent, kept) = tokio::join!(redis.call(&letter), redis.call(&expiry));
    sent.and(kept).map(drop)
}

/// Put aside markers of the wrong type: one of them keeps all queues from being
/// woken.
async fn put_aside(
    redis: &Redis,
    markers: &Markers,
    keys: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    for key in keys {
        let kind = redis.call(redis::cmd("TYPE").arg(key)).await?;
        let Value::SimpleString(kind) = kind else {
            continue;
        };
        if kind == "zset" || kind == "none" {
            continue;
        }
        let aside = format!("{key}:corrupt");
        redis
            .call(redis::cmd("RENAME").arg(key).arg(&aside))
            .await?;
        limited!(error, key, "a marker was put aside", key, kind, aside);
        if let Some(wake) = markers.wake(key) {
            wake.bell.notify_one();
        }
    }
    Ok(())
}

async fn put_back(redis: &Redis, key: &str, member: &Value, score: &Value) -> Result<(), Error> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Double(number) => number.to_string(),
        _ => "0".to_owned(),
    };
    let mut command = redis::cmd("ZADD");
    command.arg(key).arg(text(score)).arg(text(member));
    redis.call(&command).await.map(drop)
}
