//! HTTP requests to the hosts that were granted to the plugin.
//!
//! ```no_run
//! use runner_sdk::http;
//!
//! # fn handle() -> runner_sdk::Result {
//! let order: serde_json::Value = http::post("https://api.example.com/orders")
//!     .bearer("token")
//!     .json(&serde_json::json!({ "sku": "B-7" }))
//!     .idempotent()
//!     .send()?
//!     .error_for_status()?
//!     .json()?;
//! # Ok(()) }
//! ```
//!
//! With `?` an [`Error`] ends the attempt as it deserves: what may work later
//! is retried, after the provider's `Retry-After` if it sent one, and what
//! cannot is rejected.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::runner::plugin::http as wit;
use crate::{Failure, host, reject, retry, retry_after};

/// How much of a response's content an error quotes, in characters: enough for
/// the message of any API, too little to bury the log under an HTML page.
const QUOTED: usize = 300;

/// A request; [`Request::send`] sends it.
#[derive(Debug, Clone)]
#[must_use = "the request is sent by `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout: Option<Duration>,
    redirects: u8,
    idempotent: bool,
    /// Why the content could not be written; told by `send`.
    fault: Option<String>,
}

/// A response, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    url: String,
}

/// Why there is no response, or not the expected one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not granted, or an address that is not public.
    #[error("the request was denied: {0}")]
    Denied(String),
    /// The request itself is not valid: method, URL, header, content or size.
    #[error("the request is wrong: {0}")]
    Invalid(String),
    /// The name could not be resolved.
    #[error("no address: {0}")]
    Dns(String),
    /// No connection: refused, reset, unreachable.
    #[error("no connection: {0}")]
    Connect(String),
    /// No trust: certificate or handshake.
    #[error("no trust: {0}")]
    Tls(String),
    /// Nothing arrived in time. The other side may still have acted.
    #[error("no answer in time: {0}")]
    Timeout(String),
    /// The response is larger than allowed.
    #[error("the answer is too large: {0}")]
    TooLarge(String),
    /// The other side broke HTTP or closed in the middle.
    #[error("a broken answer: {0}")]
    Protocol(String),
    /// A status of 400 or more, see [`Response::error_for_status`].
    #[error("{host} answered {status}: {content}")]
    Status {
        /// 400 to 599.
        status: u16,
        /// Who answered.
        host: String,
        /// The beginning of the content.
        content: String,
        /// The delay the other side asked for.
        retry_after: Option<Duration>,
    },
    /// The content is not the JSON that was expected.
    #[error("an unexpected answer of {host}: {reason}")]
    Content {
        /// Who answered.
        host: String,
        /// What does not fit.
        reason: String,
    },
}

impl Error {
    /// What `?` makes of it.
    pub(crate) fn verdict(&self) -> Failure {
        match self {
            Error::Denied(_) | Error::Invalid(_) | Error::TooLarge(_) => reject(self),
            Error::Status {
                status,
                retry_after: delay,
                ..
            } => match (status, delay) {
                (429 | 503, Some(delay)) => retry_after(*delay, self),
                // Request Timeout, Too Early, Too Many Requests: RFC 9110
                // 15.5.9, RFC 8470 5.2, RFC 6585 4.
                (408 | 425 | 429 | 500.., _) => retry(self),
                _ => reject(self),
            },
            _ => retry(self),
        }
    }
}

/// A request with any method of RFC 9110.
pub fn request(method: &str, url: impl Into<String>) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
        timeout: None,
        redirects: 0,
        idempotent: false,
        fault: None,
    }
}

/// A `GET` request.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// A `POST` request.
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// A `PUT` request.
pub fn put(url: impl Into<String>) -> Request {
    request("PUT", url)
}

/// A `PATCH` request.
pub fn patch(url: impl Into<String>) -> Request {
    request("PATCH", url)
}

/// A `DELETE` request.
pub fn delete(url: impl Into<String>) -> Request {
    request("DELETE", url)
}

impl Request {
    /// Add a header field.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `Authorization: Bearer <token>`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// `Authorization: Basic …` (RFC 7617).
    pub fn basic(self, user: &str, password: &str) -> Self {
        let pair = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.header("authorization", format!("Basic {pair}"))
    }

    /// `Idempotency-Key: <key>`, with a key of your own such as
    /// [`Job::idempotency_key`](crate::Job::idempotency_key).
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        self.header("idempotency-key", key)
    }

    /// `Idempotency-Key` with a key that the host counts up: the same in every
    /// attempt as long as the handler sends its requests in the same order.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The content as it is.
    pub fn body(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.body = Some(content.into());
        self
    }

    /// JSON content.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.header("content-type", "application/json").body(json),
            Err(error) => {
                self.fault = Some(format!("the content cannot be written as JSON: {error}"));
                self
            }
        }
    }

    /// The fields of a form, `application/x-www-form-urlencoded`.
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// A limit narrower than the host's 30 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Follow up to this many redirects; by default the redirect itself is
    /// returned.
    pub fn redirects(mut self, redirects: u8) -> Self {
        self.redirects = redirects;
        self
    }

    /// Send the request and read the whole response. No status is an error here; see
    /// [`Response::error_for_status`].
    ///
    /// # Errors
    /// Any [`Error`] except [`Error::Status`] and [`Error::Content`].
    pub fn send(self) -> Result<Response, Error> {
        if let Some(fault) = self.fault {
            return Err(Error::Invalid(fault));
        }
        let response = host::http::send(&wit::Request {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: self.body,
            // Longer than the host's own limit is no limit.
            timeout: self
                .timeout
                .map(|limit| u32::try_from(limit.as_millis()).unwrap_or(u32::MAX)),
            redirects: self.redirects,
            idempotent: self.idempotent,
        })?;
        Ok(Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
            url: response.url,
        })
    }
}

impl Response {
    /// 100 to 599.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The URL that answered, after redirects.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// All header fields in the order received, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The content as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The content read as JSON.
    ///
    /// # Errors
    /// [`Error::Content`] with the place of the fault.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut json).map_err(|error| Error::Content {
            host: self.host(),
            reason: error.to_string(),
        })
    }

    /// The response, unless its status is 400 or more.
    ///
    /// # Errors
    /// [`Error::Status`]. With `?`, 429 and 503 with `Retry-After` are retried
    /// after that time; 408, 425, 429 and 500 or more are retried with the job's
    /// backoff; all others are rejected.
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.status < 400 {
            return Ok(self);
        }
        let text = self.text();
        let mut content: String = text.trim().chars().take(QUOTED).collect();
        if content.is_empty() {
            content.push_str("no content");
        }
        Err(Error::Status {
            status: self.status,
            host: self.host(),
            content,
            retry_after: self.retry_after(),
        })
    }

    /// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// Who answered. Not the whole URL, which may carry secrets.
    fn host(&self) -> String {
        let rest = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default().to_owned()
    }
}

/// The first header field of that name, in any case.
pub(crate) fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut named = headers
        .iter()
        .filter(|(given, _)| given.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.as_str())
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(reason) => Error::Denied(reason),
            wit::Error::Invalid(reason) => Error::Invalid(reason),
            wit::Error::Dns(reason) => Error::Dns(reason),
            wit::Error::Connect(reason) => Error::Connect(reason),
            wit::Error::Tls(reason) => Error::Tls(reason),
            wit::Error::Timeout(reason) => Error::Timeout(reason),
            wit::Error::TooLarge(reason) => Error::TooLarge(reason),
            wit::Error::Protocol(reason) => Error::Protocol(reason),
        }
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
