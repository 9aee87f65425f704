//! Logging in and out, and who one is.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller, session};
use crate::api::extract::Body;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::config::Scope;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Open, routes!(log_in))
        .add(Access::Viewer, routes!(who_am_i, log_out))
}

/// A person of `[server.users]`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    password: String,
}

/// Who one is, and what one may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    /// As the audit list has it: `user:ann`.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: &'static str,
    /// Patterns of the queues one may touch; none when that is all of them.
    queues: Option<Vec<String>>,
    /// Whether one sees payloads and sensitive fields.
    payloads: bool,
    /// When these credentials end, in ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

impl Session {
    fn of(caller: &Caller) -> Session {
        let queues = match caller.scope() {
            Scope::Everything => None,
            Scope::Queues(patterns) => {
                Some(patterns.iter().map(|pattern| pattern.0.clone()).collect())
            }
        };
        let ends = caller.ends();
        let ends = ends.and_then(|ends| ends.duration_since(SystemTime::UNIX_EPOCH).ok());
        Session {
            name: caller.name().to_owned(),
            role: caller.access().name(),
            queues,
            payloads: caller.sees_payloads(),
            expires: ends.map(|ends| ends.as_millis() as u64),
        }
    }
}

/// Log in: the answer has the cookie of a session.
#[utoipa::path(
    post, path = "/api/session", tag = "session", request_body = Login,
    responses(
        (status = 201, body = Session),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn log_in(
    State(shared): State<Arc<Shared>>,
    head: Parts,
    Body(login): Body<Login>,
) -> Result<impl IntoResponse, Problem> {
    let config = shared.config();
    let server = config.server.as_ref();
    if !server.is_some_and(|server| server.authenticates()) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no-users",
            "nobody needs to log in here: [server] has no users",
        ));
    }
    let (caller, cookie) =
        session::begin(shared.gate(), &head, &login.user, &login.password).await?;
    shared.audit(&caller, "login", &login.user, 1);
    let cookie = AppendHeaders([(header::SET_COOKIE, cookie)]);
    Ok((StatusCode::CREATED, cookie, Json(Session::of(&caller))))
}

/// Who one is, and what one may do.
#[utoipa::path(get, path = "/api/session", tag = "session", responses(
    (status = 200, body = Session),
))]
async fn who_am_i(caller: Caller) -> Json<Session> {
    Json(Session::of(&caller))
}

/// Log out: the cookie is worth nothing from now on.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses(
    (status = 204),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn log_out(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let cookies = session::end(shared.gate(), &headers).await?;
    shared.audit(&caller, "logout", caller.name(), 1);
    let cookies = cookies.map(|cookie| (header::SET_COOKIE, cookie));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies)))
}
