//! The payload, and how long it is good for.

use std::time::{Duration, SystemTime};

use runner_sdk::prelude::*;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// As long as the codes of most providers are good for.
const MAX_AGE: &str = "5m";

/// What the producer asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    /// A phone number or an e-mail address, by the job's name.
    pub(crate) recipient: String,
    pub(crate) otp: Code,
    /// How to greet; without it the greeting has no name.
    #[serde(default)]
    pub(crate) user_name: Option<String>,
    /// When the code expires, if it is not `max_age` after the job was added.
    #[serde(default)]
    pub(crate) expires_at: Option<Instant>,
}

/// A code. It prints nowhere: there is no `Debug`, and the faults that
/// `Deserialize` reports do not quote it.
pub(crate) struct Code(String);

/// An instant: milliseconds since 1970, as `Date.now()`, or the text that
/// `toISOString()` writes.
pub(crate) struct Instant(SystemTime);

impl Code {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        match Value::deserialize(json)? {
            // A number would have lost its leading zeros.
            Value::String(code)
                if (4..=10).contains(&code.len())
                    && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Ok(Code(code))
            }
            _ => Err(D::Error::custom(
                "a code is a string of 4 to 10 digits or letters",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(json)?;
        let instant = match &value {
            Value::Number(millis) => millis.as_u64().and_then(|millis| {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
            }),
            Value::String(text) => humantime::parse_rfc3339_weak(text).ok(),
            _ => None,
        };
        instant.map(Instant).ok_or_else(|| {
            D::Error::custom(format!(
                "{value} is no instant; write milliseconds since 1970 or \"2026-01-31T12:00:00Z\""
            ))
        })
    }
}

impl Request {
    /// Reject the job when its code has expired.
    pub(crate) fn check_expiry(&self, job: &Job) -> Result {
        let expires_at = match &self.expires_at {
            Some(Instant(instant)) => *instant,
            None => job.added_at + max_age()?,
        };
        match job.started_at.duration_since(expires_at) {
            Ok(late) => Err(reject(format!(
                "the code expired {} before this attempt began; it was not sent",
                humantime::format_duration(Duration::from_secs(late.as_secs()))
            ))),
            Err(_) => Ok(()),
        }
    }
}

/// How long a code is good for, by the setting `max_age`.
pub(crate) fn max_age() -> Result<Duration> {
    let setting = config::get("max_age").unwrap_or_else(|| MAX_AGE.into());
    humantime::parse_duration(&setting).map_err(|error| {
        reject(format!(
            "the setting \"max_age\" is \"{setting}\", which is no duration: {error}; write it like \"5m\""
        ))
    })
}
