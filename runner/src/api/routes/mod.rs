//! Every route: one file per noun.

mod probes;

use std::sync::Arc;

use utoipa::openapi::OpenApi;

use super::openapi;
use super::routing::Routes;
use super::shared::Shared;

/// The application, and its description.
pub(super) fn all(shared: Arc<Shared>) -> (axum::Router, OpenApi) {
    let routes = Routes::new(openapi::head());
    let routes = probes::add(routes);
    routes.finish(shared)
}
