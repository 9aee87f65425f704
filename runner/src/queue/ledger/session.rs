//! Sessions: that a person is logged in, kept by the hash of what their browser shows,
//! so that whoever reads Redis cannot show it.

use std::time::Duration;

use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::text;

/// Keep a session for so long: who it is of, as text.
///
/// # Errors
/// When Redis does not take it.
pub async fn begin(redis: &Redis, hash: &str, of: &str, length: Duration) -> Result<(), Error> {
    let mut command = redis::cmd("SET");
    command.arg(redis.session(hash)).arg(of);
    command.arg("PX").arg(length.as_millis() as u64);
    redis.call(&command).await.map(drop)
}

/// Who it is of, if it is still one.
///
/// # Errors
/// When Redis does not answer.
pub async fn find(redis: &Redis, hash: &str) -> Result<Option<String>, Error> {
    let mut command = redis::cmd("GET");
    command.arg(redis.session(hash));
    Ok(text(redis.call(&command).await?))
}

/// End it.
///
/// # Errors
/// When Redis does not take it.
pub async fn end(redis: &Redis, hash: &str) -> Result<(), Error> {
    let mut command = redis::cmd("DEL");
    command.arg(redis.session(hash));
    redis.call(&command).await.map(drop)
}
