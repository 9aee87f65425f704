//! The description of the API.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::openapi;
use crate::api::routing::Routes;
use crate::api::shared::Shared;

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(openapi_json))
}

/// This document: OpenAPI 3.1, with the payloads of the queues that have a contract.
#[utoipa::path(get, path = "/openapi.json", tag = "api", responses((status = 200, body = Value)))]
async fn openapi_json(State(shared): State<Arc<Shared>>, caller: Caller) -> Json<Value> {
    static ROUTES: LazyLock<Value> = LazyLock::new(super::described);
    let config = shared.config();
    let queues = config.queues.values().filter_map(|queue| {
        let contract = queue.base.contract.as_ref()?;
        caller.may(&queue.name).ok()?;
        let interface = match (&contract.declared, &queue.base.plugin) {
            (Some(declared), _) => declared.clone(),
            // As the plugin that serves now exports it.
            (None, plugin) => {
                let serving = shared.plugins().get(plugin.as_deref()?)?;
                serving.doors.contract(contract)?.clone()
            }
        };
        Some((queue.name.as_str(), interface, contract.strict))
    });
    let queues: Vec<_> = queues.collect();
    let queues = queues
        .iter()
        .map(|(queue, interface, strict)| (*queue, &**interface, *strict));
    let mut document = ROUTES.clone();
    openapi::bind(&mut document, queues);
    openapi::fit(&mut document, config.server.as_deref());
    Json(document)
}
