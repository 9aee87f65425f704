//! Whether the process lives and wants work, for those who start and stop it.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::routes;

use crate::api::access::Access;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Open, routes!(livez))
        .add(Access::Open, routes!(readyz))
}

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "probes", responses((status = 200, body = String)))]
async fn livez() -> &'static str {
    "ok\n"
}

/// Whether the process wants work: Redis answers, and it is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = 200, body = String),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn readyz(State(shared): State<Arc<Shared>>) -> Result<&'static str, Problem> {
    if shared.is_leaving() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "this process is about to stop",
        ));
    }
    shared.redis().ping().await?;
    Ok("ok\n")
}
