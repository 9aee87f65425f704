//! Queues: which there are, how they do, and what an operator does to a whole one. What
//! concerns single jobs stands in files of its own.

mod act;
mod all;
mod bounds;
mod job;
mod listed;
mod sweep;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::config::{Explanation, nearest};
use crate::queue::State as JobState;
use crate::verbs::cover::Cover;
use crate::verbs::queues::{self, Paused, Stats};
use crate::verbs::search::Target;

pub(super) fn add(routes: Routes) -> Routes {
    let routes = all::add(routes);
    let routes = routes
        .add(Access::Viewer, routes!(one))
        .add(Access::Operator, routes!(pause))
        .add(Access::Operator, routes!(resume));
    let routes = bounds::add(routes);
    let routes = sweep::add(routes);
    let routes = listed::add(routes);
    let routes = job::add(routes);
    act::add(routes)
}

/// A queue in figures, and what queues.toml says of it.
#[derive(Debug, Serialize, ToSchema)]
struct QueueInFull {
    #[serde(flatten)]
    stats: Stats,
    /// Each setting that is in force, with its value and where that is set, as `runner
    /// explain` tells it; null for a queue that queues.toml does not declare.
    #[schema(value_type = Option<Object>)]
    explained: Option<Explanation>,
}

/// One queue in figures, with its settings and where each is set.
#[utoipa::path(
    get, path = "/api/queues/{queue}", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = QueueInFull),
    ),
)]
async fn one(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<QueueInFull>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    Ok(Json(QueueInFull {
        stats: queues::stats(&known).await?,
        explained: shared.explained(&queue),
    }))
}

/// Let no worker start further jobs; those that run go on to their end.
#[utoipa::path(
    post, path = "/api/queues/{queue}/pause", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Paused),
    ),
)]
async fn pause(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Paused>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let paused = queues::pause(&known).await?;
    shared.audit(&caller, "pause", &queue, 1);
    Ok(Json(paused))
}

/// Let workers start jobs again.
#[utoipa::path(
    post, path = "/api/queues/{queue}/resume", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Paused),
    ),
)]
async fn resume(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Paused>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let paused = queues::resume(&known).await?;
    shared.audit(&caller, "resume", &queue, 1);
    Ok(Json(paused))
}

/// A queue, and what of its jobs this caller does not see.
async fn target(shared: &Shared, caller: &Caller, queue: &str) -> Result<Target, Problem> {
    let here = shared.here(caller);
    Ok(Target {
        queue: here.known(queue).await?,
        cover: match caller.sees_payloads() {
            true => Cover::none(),
            false => Cover::of(&here.config, queue),
        },
    })
}

/// The states of these names, with commas between.
pub(super) fn states(names: Option<&str>) -> Result<Vec<JobState>, Problem> {
    let names = names.into_iter().flat_map(|names| names.split(','));
    names.map(|name| state(name.trim())).collect()
}

/// A state by its name.
fn state(name: &str) -> Result<JobState, Problem> {
    name.parse().map_err(|()| {
        let names = JobState::ALL.map(JobState::name);
        Problem::invalid(match nearest(name, names) {
            Some(near) => format!("the state {name:?} is unknown; did you mean {near:?}?"),
            None => format!(
                "the state {name:?} is unknown; the states are {}",
                names.join(", ")
            ),
        })
    })
}
