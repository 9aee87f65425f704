//! The `wasi:http` door, for toolchains that bring it: the same policy, limits
//! and pool as `runner:plugin/http`.
//!
//! Content is held whole in both directions, as it is there; a guest sees one
//! chunk. Redirects are returned, as `wasi:http` has no notion of following. A
//! guest learns of a failure by a code that has no room for the reason, so the
//! reason is a line of the job's log.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use wasmtime_wasi_http::{Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody};
use wasmtime_wasi_http::{Result as WasiResult, WasiHttpHooks};

use super::limit::Limit;
use super::request::{Outgoing, is_host_field};
use super::room::{Held, Ticket};
use super::{BODY, Caller, Error, Grant, Response, Room};
use crate::host::lost::refuse_lost;
use crate::host::output::Log;
use crate::queue::Attempt;
use runner_bindings::runner::plugin::log::Level;

/// Failed requests of an attempt that are logged: one that repeats itself is
/// understood by then.
const LOGGED: usize = 10;
/// Bytes a guest writes of a content at once. Two such chunks wait outside of the
/// room for each request that is not sent yet.
const CHUNK: usize = 64 << 10;

/// Sends the `wasi:http` requests of one attempt.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// What the plugin may send.
    pub grant: Arc<Grant>,
    /// On whose behalf.
    pub attempt: Arc<Attempt>,
    /// Sent as `X-Request-Id`.
    pub request_id: Option<String>,
    /// What its requests may take.
    pub room: Room,
    /// Where failures are told.
    pub log: Log,
    /// How many were.
    pub logged: Arc<AtomicUsize>,
}

/// A request without response.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the guest is told.
    pub(super) code: WasiError,
    /// What people are told; none of what the guest did itself.
    pub(super) reason: Option<Error>,
}

type Done = Box<dyn Future<Output = WasiResult<()>> + Send>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        // Guests may set `content-length`: wasmtime holds them to it.
        Arc::new(|name| is_host_field(name) && *name != http::header::CONTENT_LENGTH)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = WasiResult<(http::Response<WasiBody>, Done)>> + Send> {
        let hooks = self.clone();
        // Now, so that requests begin in the order in which they were sent.
        let ticket = self.room.ticket();
        Box::new(async move {
            refuse_lost(&hooks.attempt)
                .map_err(Error::Denied)
                .map_err(wasi_error)?;
            let what = format!("{} {}", request.method(), origin(request.uri()));
            let caller = Caller::new(
                &hooks.attempt,
                hooks.request_id.clone(),
                0,
                hooks.room.clone(),
            );
            match send(&hooks.grant, &caller, ticket, request, options).await {
                Ok(response) => Ok((response, Box::new(async { Ok(()) }) as Done)),
                Err(failure) => {
                    if let Some(reason) = &failure.reason {
                        hooks.tell(&what, reason);
                    }
                    Err(failure.code)
                }
            }
        })
    }
}

impl Hooks {
    /// Log why a request has no response.
    fn tell(&self, what: &str, error: &Error) {
        let (verb, reason) = match error {
            Error::Denied(reason) | Error::Invalid(reason) => ("refused", reason),
            Error::Dns(reason)
            | Error::Connect(reason)
            | Error::Tls(reason)
            | Error::Timeout(reason)
            | Error::TooLarge(reason)
            | Error::Protocol(reason) => ("failed", reason),
        };
        let last = match self.logged.fetch_add(1, Ordering::Relaxed) + 1 {
            LOGGED => "; further ones of this attempt are not logged",
            told if told > LOGGED => return,
            _ => "",
        };
        let line = format!("http: {what} {verb}: {reason}{last}");
        self.log.write(Level::Warn, &line, &[]);
    }
}

/// Where a request goes. Never the path or the query: they hold what people
/// should not read in logs.
fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default();
    match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}/…"),
        None => format!("{scheme}://{host}/…"),
    }
}

/// Send one request of `wasi:http` within the grant.
pub(super) async fn send(
    grant: &Grant,
    caller: &Caller,
    ticket: Ticket,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<http::Response<WasiBody>, Failure> {
    let (head, body) = request.into_parts();
    let url = grant.0.policy.parse(&head.uri.to_string());
    let url = url.inspect_err(|error| grant.refused(caller, error))?;
    ticket.begin().await;
    let body = whole(caller, &ticket, &head.headers, body).await?;
    let mut headers = head.headers;
    headers.remove(http::header::CONTENT_LENGTH);
    let outgoing = Outgoing {
        method: head.method,
        url,
        headers,
        body,
        time: None,
        head_time: options.and_then(|options| options.first_byte_timeout),
        redirects: 0,
    };
    let outgoing = outgoing.complete(caller)?;
    let limit = Limit::new(caller.deadline, None);
    let (response, held) = grant.exchange(caller, outgoing, limit, ticket).await?;
    Ok(wasi_response(response, held))
}

/// The request's content, up to the limit. The guest has what is left of its job
/// to write it.
async fn whole(
    caller: &Caller,
    ticket: &Ticket,
    headers: &HeaderMap,
    body: WasiBody,
) -> Result<Bytes, Failure> {
    let announced = || {
        let length = headers.get(http::header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    };
    let size = body.size_hint().exact().or_else(announced);
    let size = size.map_or(BODY, |size| BODY.min(size as usize));
    let limit = Limit::of_job(caller.deadline);
    let what = "the request's content";
    let most = caller.room.beside(0);
    let size = size.min(most);
    let mut held = ticket.hold(what, size, most, &limit).await?;
    let collected = Limited::new(body, BODY.min(most)).collect();
    let collected = tokio::time::timeout_at(limit.until.into(), collected).await;
    match collected.map_err(|_| WasiError::ConnectionWriteTimeout)? {
        Ok(body) => {
            let body = body.to_bytes();
            held.shrink(body.len());
            Ok(held.around(body))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(Failure {
            code: WasiError::HttpRequestBodySize(Some(BODY.min(most) as u64)),
            reason: Some(Error::TooLarge(match most < BODY {
                true => format!("{what} has more than the {most} bytes of max_held"),
                false => format!("{what} has more than {BODY} bytes"),
            })),
        }),
        Err(error) => Err(error
            .downcast::<WasiError>()
            .map_or_else(
                |error| WasiError::InternalError(Some(error.to_string())),
                |error| *error,
            )
            .into()),
    }
}

fn wasi_response(response: Response, held: Held) -> http::Response<WasiBody> {
    let body = Full::new(held.around(response.body)).map_err(|never| match never {});
    let mut answer = http::Response::new(body.boxed_unsync());
    *answer.status_mut() =
        http::StatusCode::from_u16(response.status).expect("a status that came from HTTP");
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            code: wasi_error(error.clone()),
            reason: Some(error),
        }
    }
}

/// Of what the guest did itself, it needs no telling.
impl From<WasiError> for Failure {
    fn from(code: WasiError) -> Failure {
        Failure { code, reason: None }
    }
}

/// The nearest `wasi:http` error code.
fn wasi_error(error: Error) -> WasiError {
    match error {
        Error::Denied(_) => WasiError::HttpRequestDenied,
        Error::Invalid(text) => WasiError::InternalError(Some(text)),
        Error::Dns(text) => WasiError::DnsError {
            rcode: Some(text),
            info_code: None,
        },
        Error::Connect(_) => WasiError::ConnectionRefused,
        Error::Tls(_) => WasiError::TlsCertificateError,
        Error::Timeout(_) => WasiError::ConnectionReadTimeout,
        Error::TooLarge(_) => WasiError::HttpResponseBodySize(Some(BODY as u64)),
        Error::Protocol(_) => WasiError::HttpProtocolError,
    }
}
