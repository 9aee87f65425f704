//! The payload, and how long it is good for.

use std::time::{Duration, SystemTime};

use runner_sdk::prelude::*;
use serde_json::Value;

use crate::exports::fundify::otp::otp_queue::OtpRequest;

/// As long as the codes of most providers are good for.
const MAX_AGE: &str = "5m";

/// What the producer asks for.
pub(crate) struct Request {
    /// A phone number or an e-mail address, by the job's name.
    pub(crate) recipient: String,
    pub(crate) otp: Code,
    /// How to greet; without it the greeting has no name.
    pub(crate) user_name: Option<String>,
    /// When the code expires, if it is not `max_age` after the job was added.
    expires_at: Option<SystemTime>,
}

/// A code. It prints nowhere: there is no `Debug`.
pub(crate) struct Code(String);

impl Code {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An instant: milliseconds since 1970, as `Date.now()`, or the text that
/// `toISOString()` writes.
fn instant(json: &str) -> Option<SystemTime> {
    match serde_json::from_str(json).ok()? {
        Value::Number(millis) => {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis.as_u64()?))
        }
        Value::String(text) => humantime::parse_rfc3339_weak(&text).ok(),
        _ => None,
    }
}

impl Request {
    /// Check what types cannot say.
    pub(crate) fn read(data: OtpRequest) -> Result<Request> {
        let fits = (4..=10).contains(&data.otp.len())
            && data.otp.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fits {
            return Err(reject(
                "data.otp: a code is a string of 4 to 10 digits or letters",
            ));
        }
        let expires_at = match data.expires_at {
            None => None,
            Some(json) => Some(instant(&json).ok_or_else(|| {
                reject(format!(
                    "data.expiresAt: {json} is no instant; write milliseconds since 1970 or \
                     \"2026-01-31T12:00:00Z\""
                ))
            })?),
        };
        Ok(Request {
            recipient: data.recipient,
            otp: Code(data.otp),
            user_name: data.user_name,
            expires_at,
        })
    }

    /// Reject the job when its code has expired.
    pub(crate) fn check_expiry(&self, job: &Job) -> Result {
        let expires_at = match &self.expires_at {
            Some(instant) => *instant,
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
