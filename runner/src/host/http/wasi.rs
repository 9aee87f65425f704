//! The `wasi:http` door, for toolchains that bring it: the same policy, limits
//! and pool as `runner:plugin/http`.
//!
//! Content is held whole in both directions, as it is there; a guest sees one
//! chunk. Redirects are returned, as `wasi:http` has no notion of following.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use wasmtime_wasi_http::{Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody};
use wasmtime_wasi_http::{Result as WasiResult, WasiHttpHooks};

use super::request::{Outgoing, is_host_field};
use super::{BODY, Caller, Error, Grant, Response, check_lock};
use crate::queue::Attempt;

/// Sends the `wasi:http` requests of one attempt.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// What the plugin may send.
    pub grant: Arc<Grant>,
    /// On whose behalf.
    pub attempt: Arc<Attempt>,
    /// Sent as `X-Request-Id`.
    pub request_id: Option<String>,
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

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = WasiResult<(http::Response<WasiBody>, Done)>> + Send> {
        let hooks = self.clone();
        Box::new(async move {
            check_lock(&hooks.attempt).map_err(wasi_error)?;
            let caller = Caller::new(&hooks.attempt, hooks.request_id, 0);
            let response = send(&hooks.grant, &caller, request, options).await?;
            Ok((response, Box::new(async { Ok(()) }) as Done))
        })
    }
}

/// Send one request of `wasi:http` within the grant.
pub(super) async fn send(
    grant: &Grant,
    caller: &Caller,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> WasiResult<http::Response<WasiBody>> {
    let (head, body) = request.into_parts();
    let url = grant.0.policy.parse(&head.uri.to_string());
    let url = url
        .inspect_err(|error| grant.refused(error))
        .map_err(wasi_error)?;
    let mut headers = head.headers;
    headers.remove(http::header::CONTENT_LENGTH);
    let body = tokio::time::timeout_at(caller.deadline.into(), whole(body))
        .await
        .map_err(|_| WasiError::ConnectionWriteTimeout)??;
    let outgoing = Outgoing {
        method: head.method,
        url,
        headers,
        body,
        time: None,
        head_time: options.and_then(|options| options.first_byte_timeout),
        redirects: 0,
    };
    let outgoing = outgoing.complete(caller).map_err(wasi_error)?;
    let response = grant.exchange(caller, outgoing).await.map_err(wasi_error)?;
    Ok(wasi_response(response))
}

/// The request's content, up to the limit.
async fn whole(body: WasiBody) -> WasiResult<Bytes> {
    match Limited::new(body, BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(WasiError::HttpRequestBodySize(Some(BODY as u64)))
        }
        Err(error) => Err(error.downcast::<WasiError>().map_or_else(
            |error| WasiError::InternalError(Some(error.to_string())),
            |error| *error,
        )),
    }
}

fn wasi_response(response: Response) -> http::Response<WasiBody> {
    let body = Full::new(Bytes::from(response.body)).map_err(|never| match never {});
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

/// The nearest `wasi:http` error code. Where that has no room for the text, the
/// text is in the event the request leaves.
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
