//! The routes of `queues.toml`, by which requests become jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::routes;

use crate::api::access::Access;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::routes::{self, RouteView};

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(list))
}

/// The routes of `queues.toml`, by which requests become jobs.
#[utoipa::path(get, path = "/api/routes", tag = "webhooks", responses((status = 200, body = [RouteView])))]
async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<RouteView>> {
    Json(routes::list(&shared.config()))
}
