//! What a receiver answers that does not take a message.

use std::time::{Duration, SystemTime};

use crate::host::client::{Error, Response};

/// The longest that a receiver may put us off: it may not have meant more.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Why nothing is sent to a receiver that is gone.
pub(super) fn gone(queue: &str, webhook: &str) -> String {
    format!(
        "the receiver has answered 410, gone for good: remove [queues.{queue}.webhooks.{webhook}], or change it and retry this job"
    )
}

/// Why an answer counts as a failure.
pub(super) fn refused(response: &Response) -> String {
    match response.status {
        status @ 300..400 => format!(
            "the receiver answered {status}: webhooks do not follow redirects; write the new URL in queues.toml"
        ),
        status => format!("the receiver answered {status}"),
    }
}

/// Why there is no answer.
pub(super) fn failed(error: &Error) -> String {
    match error {
        Error::Denied(why)
        | Error::Invalid(why)
        | Error::Dns(why)
        | Error::Connect(why)
        | Error::Tls(why)
        | Error::Timeout(why)
        | Error::TooLarge(why)
        | Error::Protocol(why) => why.clone(),
    }
}

/// For how long the receiver wants to be left alone: seconds or a date (RFC 9110).
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let mut fields = response.headers.iter();
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            #[expect(clippy::disallowed_methods, reason = "a date is by the clock of both")]
            let now = SystemTime::now();
            SystemTime::from(at).duration_since(now).ok()?
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(value: &str) -> Option<Duration> {
        retry_after(&Response {
            status: 503,
            headers: vec![("Retry-After".to_owned(), value.to_owned())],
            body: Vec::new(),
            url: String::new(),
        })
    }

    #[test]
    fn a_receiver_may_put_us_off_for_a_day_at_most() {
        assert_eq!(after(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(after("99999999"), Some(LONGEST));
        assert_eq!(after("Tue, 31 Dec 2999 23:59:59 GMT"), Some(LONGEST));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(after("soon"), None);
    }
}
