//! Every route: one file per noun.

mod audit;
mod bulk;
mod dlq;
mod events;
mod flows;
mod health;
mod hooks;
mod hosts;
mod invoke;
mod jobs;
mod metrics;
mod openapi;
mod plugins;
mod probes;
mod queues;
mod schedules;
mod search;
mod session;
mod stats;
mod wait;

use std::sync::Arc;

use serde_json::Value;

use super::openapi as document;
use super::routing::Routes;
use super::shared::Shared;

/// The application.
pub(super) fn all(shared: Arc<Shared>) -> axum::Router {
    every().finish(shared)
}

/// Its description.
pub(super) fn described() -> Value {
    document::of(every().document())
}

/// All routes, before there is a server.
pub(super) fn every() -> Routes {
    let routes = Routes::new(document::head());
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
    let routes = events::add(routes);
    let routes = search::add(routes);
    let routes = hooks::add(routes);
    let routes = health::add(routes);
    let routes = metrics::add(routes);
    let routes = openapi::add(routes);
    let routes = audit::add(routes);
    session::add(routes)
}
