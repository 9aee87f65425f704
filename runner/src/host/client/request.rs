//! A request on its way out: what the guest wrote, checked, with the fields the
//! host adds.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::InvalidUri;
use http::{HeaderMap, Method, Uri};
use http_body_util::Full;
use url::Url;

use super::policy::Policy;
use super::{BODY, Caller, Error, FIELD_BYTES, FIELDS, REDIRECTS, Request};
use crate::trace;

/// Fields that frame the message or belong to the connection (RFC 9110,
/// section 7.6.1; RFC 9112): only the host sets them.
const HOST_FIELDS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that describe content, dropped with it when a redirect turns a
/// request into GET.
pub(super) const CONTENT_FIELDS: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
];

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sent unless the plugin names itself; some APIs refuse requests without one.
pub(super) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("runner/", env!("CARGO_PKG_VERSION")));

/// A checked request.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// A limit of the guest on the whole exchange.
    pub(super) time: Option<Duration>,
    /// A limit of the guest until the head of the response.
    pub(super) head_time: Option<Duration>,
    pub(super) redirects: u8,
}

/// Whether the host owns this field and a guest may not set it.
pub(super) fn is_host_field(name: &HeaderName) -> bool {
    HOST_FIELDS.contains(&name.as_str())
}

impl Outgoing {
    /// Check a request of `runner:plugin/http`.
    pub(super) fn new(policy: &Policy, caller: &Caller, request: Request) -> Result<Self, Error> {
        let url = policy.parse(&request.url)?;
        if request.redirects > REDIRECTS {
            return Err(Error::Invalid(format!(
                "redirects is {}: at most {REDIRECTS} are followed",
                request.redirects
            )));
        }
        if request.timeout == Some(0) {
            return Err(Error::Invalid(
                "timeout is 0: leave it out for the default of 30s".into(),
            ));
        }
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 3);
        for (name, value) in &request.headers {
            let (name, value) = field(name, value)?;
            headers.append(name, value);
        }
        if request.idempotent && !headers.contains_key(IDEMPOTENCY_KEY) {
            headers.insert(IDEMPOTENCY_KEY, idempotency_key(caller));
        }
        Outgoing {
            method: method(&request.method)?,
            url,
            headers,
            body: request.body.unwrap_or_default().into(),
            time: request.timeout.map(|ms| Duration::from_millis(ms.into())),
            head_time: None,
            redirects: request.redirects,
        }
        .complete(caller)
    }

    /// Check what both doors have in common and add the host's own fields.
    pub(super) fn complete(mut self, caller: &Caller) -> Result<Self, Error> {
        if self.headers.len() > FIELDS {
            return Err(Error::Invalid(format!(
                "the request has {} header fields: at most {FIELDS} are allowed",
                self.headers.len()
            )));
        }
        let bytes = field_bytes(&self.headers);
        if bytes > FIELD_BYTES {
            return Err(Error::Invalid(format!(
                "the header fields take {bytes} bytes: at most {FIELD_BYTES} are allowed"
            )));
        }
        if self.body.len() > BODY {
            return Err(Error::Invalid(format!(
                "the body is {} bytes: at most {BODY} are allowed",
                self.body.len()
            )));
        }
        if let Some(id) = &caller.request_id
            && !self.headers.contains_key(&X_REQUEST_ID)
            && let Ok(id) = HeaderValue::from_str(id)
        {
            self.headers.insert(X_REQUEST_ID, id);
        }
        self.headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        Ok(self)
    }

    /// Carry the trace on (W3C Trace Context), unless the plugin does so itself.
    pub(super) fn belong(&mut self, trace: trace::Context) {
        if let Ok(value) = HeaderValue::from_str(&trace.to_string()) {
            self.headers.entry(TRACEPARENT).or_insert(value);
        }
    }

    /// The message as it is sent, with this content. The framing and `Host` are hyper's.
    pub(super) fn to_hyper(&self, body: Bytes) -> Result<http::Request<Full<Bytes>>, Error> {
        let refused = |why: &str| Error::Invalid(format!("URL cannot be sent: {why}"));
        let uri: Uri = self
            .url
            .as_str()
            .parse()
            .map_err(|error: InvalidUri| refused(&error.to_string()))?;
        // Two parsers have read the URL now. They agree, or nothing is sent.
        if uri.host() != self.url.host_str() || uri.port_u16() != self.url.port() {
            return Err(refused("its host is ambiguous"));
        }
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

/// `<queue>/<job id>/<n>`, percent-encoded if a header could not carry it.
fn idempotency_key(caller: &Caller) -> HeaderValue {
    let key = format!("{}/{}/{}", caller.queue, caller.job, caller.nth);
    HeaderValue::from_str(&key).unwrap_or_else(|_| {
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        HeaderValue::from_str(&encoded).expect("percent-encoded text is ASCII")
    })
}

fn method(text: &str) -> Result<Method, Error> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT) => Err(Error::Invalid(
            "method \"CONNECT\" opens a tunnel and is not supported".into(),
        )),
        Ok(method) => Ok(method),
        Err(_) => Err(Error::Invalid(format!(
            "{text:?} is not a method: use \"GET\", \"POST\" or another token"
        ))),
    }
}

fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(Error::Invalid(format!(
            "{name:?} is not a header name: use letters, digits and \"-\""
        )));
    };
    if is_host_field(&parsed) {
        return Err(Error::Invalid(format!(
            "header {name:?} is set by Runner: leave it out"
        )));
    }
    // The value is not quoted: it may be a secret.
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        Error::Invalid(format!(
            "the value of header {name:?} has a line break or another control character"
        ))
    })?;
    Ok((parsed, value))
}

/// Bytes of a header section: names, values and four each for `: ` and the line
/// end.
pub(super) fn field_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
