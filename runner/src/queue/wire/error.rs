//! What can go wrong between Runner and Redis, and what the client's errors mean.

use redis::{ErrorKind, ServerErrorKind};

use crate::queue::wire::server::Server;

/// What can go wrong between us and Redis.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("the Redis URL is not usable: {0}")]
    Url(String),
    /// No connection, or it broke before the answer came: the call may have
    /// been carried out.
    #[error("Redis at {address} cannot be reached: {reason}")]
    Unreachable {
        /// What was dialled, without password.
        address: String,
        /// Why.
        reason: String,
    },
    /// Redis cannot serve just now: loading, a replica, out of memory.
    #[error("Redis at {address} cannot serve: {reason}")]
    Unready {
        /// What was dialled, without password.
        address: String,
        /// Redis' own words.
        reason: String,
    },
    /// Redis refused the call.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// The answer is not what the script returns.
    #[error("Redis answered something unexpected to {0}")]
    Answer(&'static str),
    /// A job cannot be added as it is.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Unready { .. })
    }

    /// Our word for an error of the client.
    pub(in crate::queue) fn of(server: &Server, error: &redis::RedisError) -> Error {
        let address = server.to_string();
        if let Some(reason) = misplaced(server, error) {
            return Error::Unreachable { address, reason };
        }
        match error.kind() {
            _ if !from_server(error) => Error::Unreachable {
                address,
                reason: if error.is_timeout() {
                    "no answer in time".to_owned()
                } else {
                    error.to_string()
                },
            },
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::CrossSlot)
                if !server.is_cluster() =>
            {
                Error::Refused(format!(
                    "{address} is a node of a Cluster: write redis+cluster://{address}"
                ))
            }
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown,
            ) => Error::Unready {
                address,
                reason: words(error),
            },
            _ => match error.code() {
                Some("OOM" | "BUSY" | "MISCONF" | "NOREPLICAS" | "LOADING") => Error::Unready {
                    address,
                    reason: words(error),
                },
                _ if forbids(&words(error)) => Error::Unready {
                    address,
                    reason: words(error),
                },
                _ => Error::Refused(words(error)),
            },
        }
    }
}

/// What an error of logging in, or of asking where to go, means.
fn misplaced(server: &Server, error: &redis::RedisError) -> Option<String> {
    let user = server.user();
    let said = error.to_string();
    if error.kind() == ErrorKind::AuthenticationFailed {
        return Some(format!("it refuses the password of the user {user:?}"));
    }
    if error.code() == Some("NOAUTH") {
        return Some(
            "it wants a password: write it into the URL, or set REDIS_PASSWORD".to_owned(),
        );
    }
    if said.contains("DB index is out of range") {
        return Some("it has no database of the number in its URL".to_owned());
    }
    if said.contains("cluster support disabled") {
        return Some("it is no node of a Cluster: write redis:// in its URL".to_owned());
    }
    said.contains("unknown command 'SENTINEL'").then(|| {
        "it is no Sentinel: write redis:// in its URL, without the name of the master".to_owned()
    })
}

/// What Redis said, in its own words: without the script of ours it was said to.
fn words(error: &redis::RedisError) -> String {
    let (Some(code), Some(detail)) = (error.code(), error.detail()) else {
        return error.to_string();
    };
    // Said to a script, its code is told twice.
    let detail = detail.strip_prefix(&format!("{code} ")).unwrap_or(detail);
    let is_digest = |text: &str| text.bytes().take(40).all(|byte| byte.is_ascii_hexdigit());
    let said = match detail.split_once(" script: ") {
        Some((said, place)) if is_digest(place) => said,
        _ => detail,
    };
    format!("{code} {said}")
}

/// Whether Redis' rules kept a script from a command (`NOPERM`, said to a client).
fn forbids(words: &str) -> bool {
    let said = [
        "The user executing the script can't",
        "ACL failure in script",
    ];
    said.iter().any(|said| words.contains(said))
}

/// Whether Redis said it, as opposed to its client.
pub(in crate::queue) fn from_server(error: &redis::RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Why a call has no answer.
pub(in crate::queue) enum Fault {
    /// Not even sent.
    Known(Error),
    /// Redis' client or Redis said so.
    Redis(redis::RedisError),
}
