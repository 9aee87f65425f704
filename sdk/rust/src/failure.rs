//! How an attempt ends when it does not succeed, and what `?` makes of errors.

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use crate::bindings::runner::plugin::outcome;
use crate::{blobs, http, kv, millis, queue, sql};

/// What handlers return.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// How an attempt ends when it does not succeed.
///
/// Any error converts into it with `?`. Most errors become [`Retry`]; the errors
/// of [`http`], [`sql`], [`kv`], [`blobs`] and [`queue`], themselves or among the
/// causes of the error, bring their own verdict. The reason is the error followed
/// by its causes.
///
/// [`Retry`]: Failure::Retry
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Transient: spends an attempt and waits for the job's own backoff.
    Retry(String),
    /// Like `Retry`, but waits for the time given here.
    RetryAfter(Duration, String),
    /// Permanent: the job fails at once, whatever attempts are left.
    Reject(String),
    /// Not now: the job waits for the time given here; no attempt is spent.
    Snooze(Duration, String),
    /// The job continues when its children are done; no attempt is spent.
    WaitChildren,
    /// No worker starts a job of this queue for the time given here; the job
    /// goes back to the front and no attempt is spent.
    RateLimit(Duration, String),
}

/// [`Failure::Retry`]; for `map_err(retry)`.
pub fn retry(reason: impl Display) -> Failure {
    Failure::Retry(reason.to_string())
}

/// [`Failure::RetryAfter`].
pub fn retry_after(delay: Duration, reason: impl Display) -> Failure {
    Failure::RetryAfter(delay, reason.to_string())
}

/// [`Failure::Reject`]; for `map_err(reject)`.
pub fn reject(reason: impl Display) -> Failure {
    Failure::Reject(reason.to_string())
}

/// [`Failure::Snooze`].
pub fn snooze(delay: Duration, reason: impl Display) -> Failure {
    Failure::Snooze(delay, reason.to_string())
}

/// [`Failure::WaitChildren`].
pub fn wait_children() -> Failure {
    Failure::WaitChildren
}

/// [`Failure::RateLimit`].
pub fn rate_limit(delay: Duration, reason: impl Display) -> Failure {
    Failure::RateLimit(delay, reason.to_string())
}

impl Failure {
    /// Why, without what follows from it.
    pub fn reason(&self) -> &str {
        match self {
            Failure::Retry(reason)
            | Failure::RetryAfter(_, reason)
            | Failure::Reject(reason)
            | Failure::Snooze(_, reason)
            | Failure::RateLimit(_, reason) => reason,
            Failure::WaitChildren => "the children are not done",
        }
    }

    /// The same verdict for another reason.
    pub fn with_reason(self, reason: impl Display) -> Self {
        match self {
            Failure::Retry(_) => retry(reason),
            Failure::RetryAfter(delay, _) => retry_after(delay, reason),
            Failure::Reject(_) => reject(reason),
            Failure::Snooze(delay, _) => snooze(delay, reason),
            Failure::WaitChildren => Failure::WaitChildren,
            Failure::RateLimit(delay, _) => rate_limit(delay, reason),
        }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut verdict = None;
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            verdict = verdict.or_else(|| verdict_of(error));
            // Some errors already print their cause.
            let text = error.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = error.source();
        }
        match verdict {
            Some(failure) => failure.with_reason(reason),
            None => Failure::Retry(reason),
        }
    }
}

/// The verdict of an error that knows more than that it is an error.
fn verdict_of(error: &(dyn Error + 'static)) -> Option<Failure> {
    if let Some(error) = error.downcast_ref::<http::Error>() {
        return Some(error.verdict());
    }
    if let Some(error) = error.downcast_ref::<sql::Error>() {
        return Some(error.verdict());
    }
    if let Some(error) = error.downcast_ref::<kv::Error>() {
        return Some(error.verdict());
    }
    if let Some(error) = error.downcast_ref::<blobs::Error>() {
        return Some(error.verdict());
    }
    // An I/O error hides the error it was made of from its causes.
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        let inner: &(dyn Error + 'static) = error.get_ref()?;
        return verdict_of(inner);
    }
    error
        .downcast_ref::<queue::Error>()
        .map(queue::Error::verdict)
}

impl From<Failure> for outcome::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(reason) => outcome::Failure::Retry(reason),
            Failure::RetryAfter(delay, reason) => {
                outcome::Failure::RetryAfter((millis(delay), reason))
            }
            Failure::Reject(reason) => outcome::Failure::Reject(reason),
            Failure::Snooze(delay, reason) => outcome::Failure::Snooze((millis(delay), reason)),
            Failure::WaitChildren => outcome::Failure::WaitChildren,
            Failure::RateLimit(delay, reason) => {
                outcome::Failure::RateLimit((millis(delay), reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the invoice was not sent")]
    struct NotSent(#[source] http::Error);

    #[test]
    fn any_error_becomes_a_retry_with_its_causes() {
        let error = std::io::Error::other("disk full");
        assert_eq!(Failure::from(error), retry("disk full"));
    }

    #[test]
    fn an_http_error_among_the_causes_decides() {
        let denied = http::Error::Denied("api.example.com is not granted".into());
        let Failure::Reject(reason) = NotSent(denied).into() else {
            panic!("a denied request cannot succeed later");
        };
        assert!(reason.starts_with("the invoice was not sent: "), "{reason}");
        assert!(
            reason.contains("api.example.com is not granted"),
            "{reason}"
        );
    }
}
