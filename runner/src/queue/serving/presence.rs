//! Being seen: BullMQ's `getWorkers` lists the connections named
//! `<prefix>:<base64 of the queue>:w:<worker>`. One idle connection per queue
//! carries that name, also after Redis was away.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::queue::serving::examine;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::spacing::Spacing;

/// How often the connection is tried; within the usual limits for idle ones.
const PING: Duration = Duration::from_secs(30);
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);

pub(crate) async fn present(redis: Redis, queue: String, runner: String) {
    let redis = redis.at(&queue);
    // A name must not contain spaces or control characters.
    let runner = runner.replace(|c: char| c.is_whitespace() || c.is_control(), "-");
    let name = format!("{}:{}:w:{runner}", redis.prefix(), STANDARD.encode(&queue));
    let mut spacing = Spacing::default();
    loop {
        match hold(&redis, &name).await {
            Ok(()) => spacing = Spacing::default(),
            Err(Error::Refused(reason)) => {
                examine::say(
                    &redis,
                    &format!(
                        "the user {:?} may not run CLIENT SETNAME ({reason}): BullMQ's getWorkers \
                         does not see this worker; grant +client|setname, or write `presence = \
                         false` in [redis]",
                        redis.user()
                    ),
                );
                return;
            }
            Err(error) => tracing::debug!(queue, %error, "not visible as a worker"),
        }
        tokio::time::sleep(spacing.next()).await;
    }
}

/// Hold one connection until it breaks; an error if it never was.
async fn hold(redis: &Redis, name: &str) -> Result<(), Error> {
    let mut connection = redis.dial_blocking().await?;
    redis::cmd("CLIENT")
        .arg("SETNAME")
        .arg(name)
        .query_async::<()>(&mut *connection)
        .await
        .map_err(|e| redis.explain(&e))?;
    loop {
        tokio::time::sleep(PING).await;
        let ping = redis::cmd("PING");
        let answer = tokio::time::timeout(ANSWER, connection.send_packed_command(&ping)).await;
        if !matches!(answer, Ok(Ok(_))) {
            return Ok(());
        }
    }
}
