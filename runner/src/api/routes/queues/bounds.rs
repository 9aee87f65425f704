//! What bounds the starts of a queue: concurrency and rate limit, over all workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::queues::{self, Concurrency, Limit, Limited};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(concurrency))
        .add(Access::Operator, routes!(set_concurrency))
        .add(Access::Operator, routes!(lift_concurrency))
        .add(Access::Viewer, routes!(limit))
        .add(Access::Operator, routes!(set_limit))
        .add(Access::Operator, routes!(lift_limit))
}

/// How many jobs may be active at once.
#[utoipa::path(
    get, path = "/api/queues/{queue}/concurrency", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Concurrency),
    ),
)]
async fn concurrency(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Concurrency>, Problem> {
    let queue = shared.here(&caller).known(&queue).await?;
    Ok(Json(queues::concurrency(&queue).await?))
}

/// A concurrency to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetConcurrency {
    /// Jobs that may be active at once, over all workers.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    concurrency: u64,
}

/// Set how many jobs may be active at once.
#[utoipa::path(
    put, path = "/api/queues/{queue}/concurrency", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    request_body = SetConcurrency,
    responses(
        (status = 200, body = Concurrency),
    ),
)]
async fn set_concurrency(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Body(set): Body<SetConcurrency>,
) -> Result<Json<Concurrency>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let answer = queues::set_concurrency(&known, Some(set.concurrency)).await?;
    shared.audit(&caller, "concurrency", &queue, set.concurrency);
    Ok(Json(answer))
}

/// Lift the limit on active jobs.
#[utoipa::path(
    delete, path = "/api/queues/{queue}/concurrency", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Concurrency),
    ),
)]
async fn lift_concurrency(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Concurrency>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let answer = queues::set_concurrency(&known, None).await?;
    shared.audit(&caller, "concurrency", &queue, 0);
    Ok(Json(answer))
}

/// How many jobs may start in a time.
#[utoipa::path(
    get, path = "/api/queues/{queue}/limit", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Limited),
    ),
)]
async fn limit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Limited>, Problem> {
    let queue = shared.here(&caller).known(&queue).await?;
    Ok(Json(queues::limit(&queue).await?))
}

/// Set how many jobs may start in a time.
#[utoipa::path(
    put, path = "/api/queues/{queue}/limit", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    request_body = Limit,
    responses(
        (status = 200, body = Limited),
    ),
)]
async fn set_limit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Body(limit): Body<Limit>,
) -> Result<Json<Limited>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let answer = queues::set_limit(&known, Some(limit)).await?;
    shared.audit(&caller, "limit", &queue, u64::from(limit.max));
    Ok(Json(answer))
}

/// Lift the rate limit.
#[utoipa::path(
    delete, path = "/api/queues/{queue}/limit", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Limited),
    ),
)]
async fn lift_limit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Limited>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let answer = queues::set_limit(&known, None).await?;
    shared.audit(&caller, "limit", &queue, 0);
    Ok(Json(answer))
}
