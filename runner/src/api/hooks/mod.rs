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
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use self::find::Found;
pub(super) use self::taken::Taken;
use super::access;
use super::extract::unread;
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
        Found::Route(route, parameters) => {
            let mut response = match take(&shared, route, parameters, request).await {
                Ok(response) => response,
                Err(refused) => refused.told(&shared, route),
            };
            access::seal(&mut response);
            response
        }
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

/// A request that becomes no job.
struct Refused {
    /// Why, in a word: for counters and the log.
    reason: String,
    problem: Box<Problem>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused {
            reason: problem.word().to_owned(),
            problem: Box::new(problem),
        }
    }
}

impl Refused {
    /// Count it, say so in the log from time to time, and answer.
    fn told(self, shared: &Shared, route: &Route) -> Response {
        let (name, why) = (route.to_string(), self.reason);
        shared.meters().refused(&name, &why);
        limited!(
            warn,
            &format!("{name} {why}"),
            "a webhook was refused",
            route = route.path,
            scheme = route.verify.scheme.name(),
            why
        );
        self.problem.into_response()
    }
}

/// Who has sent it, then what it says, then the job.
async fn take(
    shared: &Shared,
    route: &Route,
    parameters: Vec<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let claims = match route.verify.scheme {
        Scheme::Jwt => match access::claims(shared.gate(), &head).await {
            Ok(claims) => claims,
            Err(problem) => {
                shared.count(None, &head)?;
                return Err(problem.into());
            }
        },
        // Its body is not needed to know better.
        Scheme::Token => check(shared, route, &head, &Bytes::new()).map(|()| Map::new())?,
        // Whoever reaches this machine may; a page in a browser of this machine is none
        // of those.
        Scheme::None => access::own_site(shared.gate(), &head).map(|()| Map::new())?,
        _ => Map::new(),
    };
    let body = read(body, route.max_body).await?;
    check(shared, route, &head, &body)?;
    let said = said(route, &head, &body, parameters, &claims)?;
    Ok(accept::accept(shared, route, &said).await?)
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
fn check(shared: &Shared, route: &Route, head: &Parts, body: &Bytes) -> Result<(), Refused> {
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
    let status = StatusCode::UNAUTHORIZED;
    Err(Refused {
        reason: refusal.name().to_owned(),
        problem: Box::new(Problem::new(status, "not-verified", refusal.to_string())),
    })
}

/// The body, byte for byte.
async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    let large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!(
                "the body has more than the {} of `max_body`",
                units::size(most as u64)
            ),
        )
    };
    if body.size_hint().lower() > most as u64 {
        return Err(large());
    }
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(large()),
        Err(error) => Err(unread(&*error, StatusCode::BAD_REQUEST)),
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
