//! Every route: one file per noun.

mod bulk;
mod flows;
pub(super) mod invoke;
mod jobs;
mod probes;
mod stats;

use std::sync::Arc;

use utoipa::openapi::OpenApi;

use super::openapi;
use super::routing::Routes;
use super::shared::Shared;

/// The application, and its description.
pub(super) fn all(shared: Arc<Shared>) -> (axum::Router, OpenApi) {
    let routes = Routes::new(openapi::head());
    let routes = probes::add(routes);
    let routes = jobs::add(routes);
    let routes = bulk::add(routes);
    let routes = flows::add(routes);
    let routes = stats::add(routes);
    let routes = invoke::add(routes);
    routes.finish(shared)
}
