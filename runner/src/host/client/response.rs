//! A response on its way in: read within the limits, or told why there is none.

use std::error::Error as StdError;
use std::io;

use http::Response as HttpResponse;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy;
use url::{Origin, Url};

use super::limit::Limit;
use super::request::field_bytes;
use super::room::{Held, Ticket};
use super::{BODY, Error, FIELD_BYTES, FIELDS, Response};
use crate::outbox::Answer;

/// Read a response to its end, in the room that is left beside the content of its
/// request.
pub(super) async fn read(
    url: &Url,
    response: HttpResponse<Incoming>,
    (ticket, beside): (&Ticket, usize),
    limit: &Limit,
) -> Result<(Response, Held), Error> {
    let (head, incoming) = response.into_parts();
    let host = host(url);
    // hyper bounds its buffer, and with it the header section only roughly.
    let fields = field_bytes(&head.headers);
    if fields > FIELD_BYTES {
        return Err(header_too_large(host));
    }
    let size = incoming.size_hint();
    let announced = size.lower();
    if announced > BODY as u64 {
        return Err(Error::TooLarge(format!(
            "the response of {host} has {announced} bytes: at most {BODY} are read"
        )));
    }
    let room = ticket.room().beside(beside);
    // One that does not say its length may have any.
    let most = match size.exact() {
        Some(length) => length as usize,
        None => BODY.min(room.saturating_sub(fields)),
    };
    let what = format!("the response of {host}");
    let held = ticket.hold(&what, fields + most, room, limit);
    let mut held = held.await?;
    let body = content(host, incoming, announced as usize, most);
    let body = limit.keep(url, body).await??;
    held.shrink(fields + body.len());
    let response = Response {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        body,
        url: url.to_string(),
    };
    Ok((response, held))
}

/// The content of a response, up to `most` bytes.
async fn content(
    host: &str,
    mut incoming: Incoming,
    announced: usize,
    most: usize,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::with_capacity(announced);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| hyper_error(host, &error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if body.len() + data.len() > most {
            let key = if most < BODY { " (max_held)" } else { "" };
            return Err(Error::TooLarge(format!(
                "the response of {host} does not end: at most {most} bytes are read{key}"
            )));
        }
        body.extend_from_slice(&data);
    }
    // What it grew by stays no longer than it is read.
    body.shrink_to_fit();
    Ok(body)
}

/// The response the outbox gives.
pub(super) fn answered(url: &Url, answer: Answer) -> Result<Response, Error> {
    match answer {
        Answer::Reply {
            status,
            headers,
            body,
        } => Ok(Response {
            status,
            headers,
            body,
            url: url.to_string(),
        }),
        Answer::Reset => Err(Error::Protocol(format!(
            "the response of {} broke off: connection reset by the outbox",
            host(url)
        ))),
    }
}

/// Where a response redirects to, if it does.
pub(super) fn redirect(response: &Response, base: &Url) -> Option<Result<Url, Error>> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let (_, location) = response
        .headers
        .iter()
        .find(|(name, _)| name == "location")?;
    Some(match base.join(location) {
        Ok(mut next) => {
            next.set_fragment(None);
            Ok(next)
        }
        Err(error) => Err(Error::Protocol(format!(
            "{} redirects to {location:?}, which is not a URL: {error}",
            host(base)
        ))),
    })
}

/// Say that a refused URL came from a redirect.
pub(super) fn redirect_error(from: &Origin, error: Error) -> Error {
    let told = |text| format!("redirected by {}: {text}", from.ascii_serialization());
    match error {
        Error::Denied(text) => Error::Denied(told(text)),
        Error::Invalid(text) => Error::Protocol(told(text)),
        other => other,
    }
}

/// Why no response came: our connector's own words, TLS, or broken HTTP.
pub(super) fn client_error(url: &Url, error: &legacy::Error) -> Error {
    let host = host(url);
    let mut cause: &(dyn StdError + 'static) = error;
    loop {
        if let Some(error) = cause.downcast_ref::<Error>() {
            return error.clone();
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            return hyper_error(host, error);
        }
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref() {
            return Error::Tls(format!("the certificate of {host} is not trusted: {why}"));
        }
        // An I/O error made from another one skips it in `source`.
        let wrapped = cause.downcast_ref().and_then(io::Error::get_ref);
        match wrapped.map(|error| error as _).or_else(|| cause.source()) {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    if error.is_connect() {
        // The connector's errors are ours and were found above, so this is TLS.
        return Error::Tls(format!("the TLS handshake with {host} failed: {cause}"));
    }
    Error::Protocol(format!("the request to {host} was not sent: {cause}"))
}

fn hyper_error(host: &str, error: &hyper::Error) -> Error {
    if error.is_parse_too_large() {
        return header_too_large(host);
    }
    if error.is_parse() {
        return Error::Protocol(format!("{host} does not speak HTTP: {error}"));
    }
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Error::Protocol(format!("the response of {host} broke off: {cause}"))
}

fn header_too_large(host: &str) -> Error {
    Error::TooLarge(format!(
        "the header of the response of {host} is too large: \
         at most {FIELDS} fields and {FIELD_BYTES} bytes are read"
    ))
}

/// The error's name in `wit/runner/http.wit`.
pub(super) fn label(error: &Error) -> &'static str {
    match error {
        Error::Denied(_) => "denied",
        Error::Invalid(_) => "invalid",
        Error::Dns(_) => "dns",
        Error::Connect(_) => "connect",
        Error::Tls(_) => "tls",
        Error::Timeout(_) => "timeout",
        Error::TooLarge(_) => "too-large",
        Error::Protocol(_) => "protocol",
    }
}

fn host(url: &Url) -> &str {
    url.host_str().expect("http URLs have a host")
}
