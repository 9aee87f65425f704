//! One job: what is stored of it, its logs, its flow, and changing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::target;
use crate::api::access::{Access, Caller};
use crate::api::extract::{Body, Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::jobs::{self, Attempts, Changed, Changes, LINES, Lines, Logs, Tree};
use crate::verbs::view::View;

/// Log lines of a call that does not say.
const LOG: u64 = 100;
/// Generations of a flow of a call that does not say.
const DEPTH: usize = 10;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(job))
        .add(Access::Operator, routes!(change))
        .add(Access::Viewer, routes!(data))
        .add(Access::Viewer, routes!(logs))
        .add(Access::Viewer, routes!(attempts))
        .add(Access::Viewer, routes!(children))
}

/// How much of a job is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Also what is longer than 16 KiB; `cut` names what is left out without it.
    full: Option<bool>,
}

/// One job with all that is stored of it.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs/{id}", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Asked,
    ),
    responses(
        (status = 200, body = View),
    ),
)]
async fn job(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<View>, Problem> {
    let target = target(&shared, &caller, &queue).await?;
    let full = asked.full.unwrap_or_default();
    Ok(Json(jobs::get(&target, &id, full).await?))
}

/// Change the payload, the delay or the priority of a job: all that is asked, or nothing.
#[utoipa::path(
    patch, path = "/api/queues/{queue}/jobs/{id}", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
    ),
    request_body = Changes,
    responses(
        (status = 200, body = Changed),
    ),
)]
async fn change(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
    Body(changes): Body<Changes>,
) -> Result<Json<Changed>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let changed = jobs::change(&known, &id, &changes).await?;
    shared.audit(&caller, "edit", &format!("{queue}/{id}"), 1);
    Ok(Json(changed))
}

/// The payload of a job as a file, byte by byte as it is stored.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs/{id}/data", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
    ),
    responses(
        (status = 200, body = serde_json::Value, description = "The payload."),
    ),
)]
async fn data(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let target = target(&shared, &caller, &queue).await?;
    let job = jobs::found(&target, &id).await?;
    let name: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let mut response = job.data.into_response();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(file) = HeaderValue::try_from(format!("attachment; filename=\"{name}.json\"")) {
        headers.insert(header::CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

/// Which log lines are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Window {
    /// The first line, from 0.
    start: Option<u64>,
    /// So many lines, 1 to 1000; 100 if it is left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// The last so many lines instead, 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    tail: Option<u64>,
}

/// Log lines of a job, the oldest first.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs/{id}/logs", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Window,
    ),
    responses(
        (status = 200, body = Logs),
    ),
)]
async fn logs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
    Query(asked): Query<Window>,
) -> Result<Json<Logs>, Problem> {
    let lines = match (asked.tail, asked.start, asked.limit) {
        (None, start, limit) => Lines::From(start.unwrap_or(0), limit.unwrap_or(LOG.min(LINES))),
        (Some(tail), None, None) => Lines::Tail(tail),
        (Some(_), _, _) => {
            let text = "tail stands alone: leave out start and limit";
            return Err(Problem::invalid(text));
        }
    };
    let target = target(&shared, &caller, &queue).await?;
    Ok(Json(jobs::logs(&target, &id, lines).await?))
}

/// The attempts of a job that have ended: how each ended, in which version of its plugin,
/// what it cost, and its calls to the host.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs/{id}/attempts", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
    ),
    responses(
        (status = 200, body = Attempts),
    ),
)]
async fn attempts(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Json<Attempts>, Problem> {
    let target = target(&shared, &caller, &queue).await?;
    Ok(Json(jobs::attempts(&target, &id).await?))
}

/// How far down a flow is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Down {
    /// Generations below the job, 0 to 20; 10 if it is left out.
    #[param(minimum = 0, maximum = 20)]
    depth: Option<usize>,
}

/// A job of a flow with its children and theirs, a thousand jobs at most.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs/{id}/children", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Down,
    ),
    responses(
        (status = 200, body = Tree),
    ),
)]
async fn children(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
    Query(asked): Query<Down>,
) -> Result<Json<Tree>, Problem> {
    let here = shared.here(&caller);
    here.known(&queue).await?;
    let depth = asked.depth.unwrap_or(DEPTH);
    Ok(Json(jobs::flow(&here, &queue, &id, depth).await?))
}
