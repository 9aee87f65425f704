//! What handlers take from a request; each refusal is a problem that names the place.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{StatusCode, header};
use http_body::Body as _;
use serde::de::DeserializeOwned;

use super::listen::{self, Late};
use super::problem::Problem;
use crate::verbs::add::pointer;

/// The body, which must be JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        read(&bytes(request, state).await?).map(Body)
    }
}

/// The body as text, which is to be JSON.
pub(super) struct Text(pub(super) String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Text, Problem> {
        let bytes = bytes(request, state).await?;
        let text = String::from_utf8(bytes.into()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Problem::new(
                StatusCode::BAD_REQUEST,
                "not-json",
                format!("the body is not JSON: byte {at} is not UTF-8"),
            )
        })?;
        Ok(Text(text))
    }
}

/// A body that claims to be JSON, or claims nothing.
async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_none_or(|kind| {
        let kind = kind.to_str().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
            || kind.to_ascii_lowercase().ends_with("+json")
    });
    if !is_json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "the body must be JSON; send Content-Type: application/json",
        ));
    }
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "encoded-body",
            "the body is compressed; send it as it is, without Content-Encoding",
        ));
    }
    // Nobody sends, and nobody waits for, what would not be read to its end.
    let most = request.extensions().get::<listen::Most>();
    if most.is_some_and(|most| request.body().size_hint().lower() > most.0) {
        return Err(large());
    }
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|refusal| unread(&refusal, refusal.status()))
}

/// Why a body could not be read; `status` is what it is without a better reason.
pub(super) fn unread(error: &(dyn std::error::Error + 'static), status: StatusCode) -> Problem {
    if listen::is_late(error) {
        return Problem::new(StatusCode::REQUEST_TIMEOUT, "late-body", Late.to_string());
    }
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => large(),
        status => Problem::new(
            status,
            "unreadable-body",
            format!("the body cannot be read: {error}"),
        ),
    }
}

fn large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "large-body",
        "the body is larger than `max_body` of [server] allows",
    )
}

/// JSON text as `T`, or where it is not one.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = pointer(error.path());
        let error = error.into_inner();
        match error.is_data() {
            true => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-body",
                format!("the body does not fit: {error}"),
            )
            .at(place),
            false => Problem::new(
                StatusCode::BAD_REQUEST,
                "not-json",
                format!("the body is not JSON: {error}"),
            ),
        }
    })?;
    json.end().map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "not-json",
            format!("the body is not JSON: {error}"),
        )
    })?;
    Ok(read)
}

/// The query.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        let query = query.map_err(|refusal| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-query",
                refusal.body_text(),
            )
        })?;
        Ok(Query(query.0))
    }
}

/// The parts of the path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        let path = path.map_err(|refusal| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid-path", refusal.body_text())
        })?;
        Ok(Path(path.0))
    }
}
