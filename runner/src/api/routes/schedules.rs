//! Job schedulers: all of them, one run now, the end of one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::{Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::schedules::{self, Removed, Run, Schedule};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(list))
        .add(Access::Operator, routes!(run))
        .add(Access::Operator, routes!(remove))
}

/// Which schedulers are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Only those of this queue.
    queue: Option<String>,
}

/// The job schedulers of all queues, with their last, next and missed runs.
#[utoipa::path(get, path = "/api/schedules", tag = "schedules", params(List), responses(
    (status = 200, body = [Schedule]),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(List { queue }): Query<List>,
) -> Result<Json<Vec<Schedule>>, Problem> {
    if let Some(queue) = &queue {
        caller.may(queue)?;
    }
    let all = schedules::list(&shared.here(&caller), queue.as_deref()).await?;
    Ok(Json(all))
}

/// Add one job now, as the scheduler would; its schedule stays as it is.
#[utoipa::path(post, path = "/api/schedules/{queue}/{id}/run", tag = "schedules",
    params(
        ("queue" = String, Path, description = "The queue of the scheduler."),
        ("id" = String, Path, description = "Its id, with `/` written `%2F`."),
    ),
    responses(
        (status = 200, body = Run),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn run(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Json<Run>, Problem> {
    let run = schedules::run(&shared.here(&caller), &queue, &id).await?;
    shared.audit(&caller, "run schedule", &format!("{queue} {id}"), 1);
    Ok(Json(run))
}

/// Remove a scheduler and its next job. One that `queues.toml` declares is removed there.
#[utoipa::path(delete, path = "/api/schedules/{queue}/{id}", tag = "schedules",
    params(
        ("queue" = String, Path, description = "The queue of the scheduler."),
        ("id" = String, Path, description = "Its id, with `/` written `%2F`."),
    ),
    responses(
        (status = 200, body = Removed),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn remove(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Json<Removed>, Problem> {
    let removed = schedules::remove(&shared.here(&caller), &queue, &id).await?;
    let count = u64::from(removed.removed);
    shared.audit(&caller, "remove schedule", &format!("{queue} {id}"), count);
    Ok(Json(removed))
}
