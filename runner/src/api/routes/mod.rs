//! Every route: one file per noun.

mod bulk;
mod dlq;
mod flows;
mod hooks;
mod hosts;
pub(super) mod invoke;
mod jobs;
mod plugins;
mod probes;
mod queues;
mod schedules;
mod stats;

use std::sync::Arc;

use utoipa::openapi::OpenApi;

use super::openapi;
use super::routing::Routes;
use super::shared::Shared;

/// The application, and its description.
pub(super) fn all(shared: Arc<Shared>) -> (axum::Router, OpenApi) {
    every().finish(shared)
}

/// All routes, before there is a server.
pub(super) fn every() -> Routes {
    let routes = Routes::new(openapi::head());
    let routes = probes::add(routes);
    let routes = jobs::add(routes);
    let routes = bulk::add(routes);
    let routes = flows::add(routes);
    let routes = stats::add(routes);
    let routes = queues::add(routes);
    let routes = invoke::add(routes);
    let routes = dlq::add(routes);
    let routes = schedules::add(routes);
    let routes = hosts::add(routes);
    let routes = plugins::add(routes);
    hooks::add(routes)
}
