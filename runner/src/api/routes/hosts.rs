//! Who works on the queues.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::hosts::{self, Hosts};

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(list))
}

/// The processes of Runner by their heartbeats, and workers of other kinds by the names of
/// their connections.
#[utoipa::path(get, path = "/api/hosts", tag = "hosts", responses(
    (status = 200, body = Hosts),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn list(State(shared): State<Arc<Shared>>, caller: Caller) -> Result<Json<Hosts>, Problem> {
    Ok(Json(hosts::list(&shared.here(&caller)).await?))
}
