//! Incoming webhooks: requests to a path of `[[routes]]` become jobs. They are looked
//! at before anybody is asked who calls, since each route says itself how a request
//! proves that. Only `routing` calls it; it knows requests and queues, and leaves
//! signatures and templates to the crate `webhooks`.

mod accept;
mod find;
mod taken;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use self::find::Found;
pub(super) use self::taken::Taken;
use super::access;
use super::problem::Problem;
use super::shared::Shared;
use crate::config::webhook::{Route, Scheme};
use crate::telemetry::limit::limited;
use crate::units;
use crate::webhooks::{self, Said};

/// Take a request that a route of `queues.toml` is for; any other goes on.
pub(super) async fn dispatch(
    State((shared, taken)): State<(Arc<Shared>, Arc<Taken>)>,
    request: Request,
    next: Next,
) -> Response {
    let config = shared.config();
    if config.routes.is_empty() {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    if taken.has(method.as_str(), &path).is_some() {
        return next.run(request).await;
    }
    match find::find(&config.routes, &method, &path) {
        Found::Route(route, parameters) => match take(&shared, route, parameters, request).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        },
        Found::Methods(allowed) => {
            let response = next.run(request).await;
            if response.status() != StatusCode::NOT_FOUND {
                return response;
            }
            let mut response = Problem::no_method(&method, &path).into_response();
            if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            response
        }
        Found::Nothing => next.run(request).await,
    }
}

/// Who has sent it, then what it says, then the job.
async fn take(
    shared: &Shared,
    route: &Route,
    parameters: Vec<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let claims = match route.verify.scheme {
        Scheme::Jwt => access::claims(shared.gate(), &head).await?,
        // Its body is not needed to know better.
        Scheme::Token => check(shared, route, &head, &Bytes::new()).map(|()| Map::new())?,
        _ => Map::new(),
    };
    let body = read(body, route.max_body).await?;
    check(shared, route, &head, &body)?;
    let said = said(route, &head, &body, parameters, &claims)?;
    accept::accept(shared, route, &said).await
}

/// A request as the crate wants it.
fn parts<'a>(head: &'a Parts, body: &'a Bytes) -> webhooks::Request<'a> {
    webhooks::Request {
        target: head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str()),
        headers: &head.headers,
        body,
    }
}

/// Refuse a request that does not prove who has sent it. Only those count towards the
/// rate of their address: whoever signs may send as much as there is.
fn check(shared: &Shared, route: &Route, head: &Parts, body: &Bytes) -> Result<(), Problem> {
    #[expect(
        clippy::disallowed_methods,
        reason = "senders sign the time of their clock"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let Err(refusal) = webhooks::verify(&route.verify, &parts(head, body), now) else {
        return Ok(());
    };
    shared.count(None, head)?;
    limited!(
        warn,
        &route.path,
        "a webhook was refused",
        route = route.path,
        scheme = route.verify.scheme.name(),
        why = refusal.name()
    );
    let status = StatusCode::UNAUTHORIZED;
    Err(Problem::new(status, "not-verified", refusal.to_string()))
}

/// The body, byte for byte.
async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!(
                "the body has more than the {} of `max_body`",
                units::size(most as u64)
            ),
        )),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "unreadable-body",
            format!("the body cannot be read: {error}"),
        )),
    }
}

fn said<'a>(
    route: &Route,
    head: &'a Parts,
    body: &'a Bytes,
    parameters: Vec<(String, String)>,
    claims: &Map<String, Value>,
) -> Result<Said<'a>, Problem> {
    Said::new(parts(head, body), route.format, parameters, claims).map_err(misfit)
}

/// Why a request cannot become a job.
fn misfit(misfit: webhooks::Misfit) -> Problem {
    let (status, kind) = match misfit.unreadable {
        true => (StatusCode::BAD_REQUEST, "unreadable-body"),
        false => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-webhook"),
    };
    let problem = Problem::new(status, kind, misfit.message);
    match misfit.pointer {
        Some(pointer) => problem.at(pointer),
        None => problem,
    }
}
