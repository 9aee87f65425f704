//! What collectors and scalers read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Query;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::observe::autoscale::{Autoscale, Wanted};
use crate::observe::page::{self, Form};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(metrics))
        .add(Access::Viewer, routes!(autoscale))
}

/// Metrics for Prometheus: OpenMetrics if `Accept` names it, else its text format 0.0.4.
#[utoipa::path(get, path = "/metrics", tag = "observe", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
async fn metrics(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may_all()?;
    let config = shared.config();
    let began = Instant::now();
    // What this process knows itself is told while Redis is away, too.
    let look = shared.look(true).await.ok();
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let form = Form::of(accept.unwrap_or_default());
    let page = page::write(
        form,
        shared.meters(),
        look.as_ref(),
        &config,
        shared.runner(),
        began.elapsed(),
    );
    Ok(([(header::CONTENT_TYPE, form.content_type())], page).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// One queue alone.
    queue: Option<String>,
}

/// How many slots are wanted, in all and by queue.
#[utoipa::path(get, path = "/autoscale", tag = "observe", params(Which), responses(
    (status = 200, body = Autoscale),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn autoscale(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Autoscale>, Problem> {
    if let Some(queue) = &which.queue {
        caller.may(queue)?;
        let config = shared.config();
        if !config.queues.contains_key(queue) {
            let names: Vec<String> = config.queues.keys().cloned().collect();
            return Err(shared.here(&caller).unknown(queue, &names).into());
        }
    }
    let look = shared.look(true).await?;
    let wanted = look
        .queues()
        .iter()
        .filter(|(queue, _)| match &which.queue {
            Some(name) => *name == queue.name,
            None => queue.is_consumed() && caller.may(&queue.name).is_ok(),
        });
    let wanted: BTreeMap<String, Wanted> = wanted
        .map(|(queue, survey)| {
            let wanted = Wanted::of(&queue.name, survey, shared.meters());
            (queue.name.clone(), wanted)
        })
        .collect();
    Ok(Json(Autoscale::of(wanted)))
}
