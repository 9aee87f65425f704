//! Why something was not done. A message names the store and the key as the plugin knows
//! them, never an address, a URL or a secret.

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not granted, or refused by the store.
    #[error("{0}")]
    Denied(String),
    /// There is no such object or bucket.
    #[error("{0}")]
    NotFound(String),
    /// The condition does not hold.
    #[error("{0}")]
    Precondition(String),
    /// The key or an argument is wrong.
    #[error("{0}")]
    Invalid(String),
    /// More bytes than may be.
    #[error("{0}")]
    TooLarge(String),
    /// It took too long.
    #[error("{0}")]
    Timeout(String),
    /// The store is not there, or failed.
    #[error("{0}")]
    Unavailable(String),
}

impl Error {
    /// Its name in `wit/runner/blobs.wit`.
    pub fn label(&self) -> &'static str {
        match self {
            Error::Denied(_) => "denied",
            Error::NotFound(_) => "not-found",
            Error::Precondition(_) => "precondition",
            Error::Invalid(_) => "invalid",
            Error::TooLarge(_) => "too-large",
            Error::Timeout(_) => "timeout",
            Error::Unavailable(_) => "unavailable",
        }
    }
}

/// There is no such object.
pub(crate) fn no_object(store: &str, key: &str) -> Error {
    Error::NotFound(format!("store {store:?} has no object {key:?}"))
}

/// It is there already.
pub(crate) fn present(store: &str, key: &str) -> Error {
    Error::Precondition(format!("store {store:?} has an object {key:?} already"))
}

/// It is another one now, or none.
pub(crate) fn changed(store: &str, key: &str) -> Error {
    Error::Precondition(format!(
        "object {key:?} of store {store:?} was changed or removed: its etag is another one"
    ))
}
