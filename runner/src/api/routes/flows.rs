//! Adding jobs that wait for each other.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Text;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::add::{Fault, Flow, FlowAdded, Forest, Planned};

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Operator, routes!(add_flow))
}

/// Add a flow: a job with the children it waits for, in the shape of BullMQ's
/// `FlowProducer.add`. An array adds several. All of their jobs are added, or none.
#[utoipa::path(
    post, path = "/api/flows", tag = "jobs",
    request_body(content = Flow, description = "A flow, or an array of flows."),
    responses(
        (status = 201, body = FlowAdded, description = "The jobs; an array if the request was one."),
    ),
)]
async fn add_flow(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Text(text): Text,
) -> Result<Response, Problem> {
    let forest = Forest::read(text.as_bytes())?;
    for queue in forest.queues() {
        caller.may(queue)?;
    }
    let is_array = forest.is_array;
    let planned = Planned::new(forest, &|name| match shared.desk(&caller, name) {
        Ok(desk) => Ok((desk.queue().clone(), desk.declared.clone())),
        Err(problem) => Err(Fault::invalid(problem.detail())),
    })?;
    let mut added = planned.add().await?;
    let one = (!is_array).then(|| added.pop()).flatten();
    Ok(match one {
        Some(one) => (StatusCode::CREATED, Json(one)).into_response(),
        None => (StatusCode::CREATED, Json(added)).into_response(),
    })
}
