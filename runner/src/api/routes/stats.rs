//! How many jobs there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::queue::{self, Queue};
use crate::verbs::brief::Counted;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(of_one))
        .add(Access::Admin, routes!(of_all))
}

/// How many jobs of a queue are in each state.
#[utoipa::path(
    get, path = "/api/jobs/stats/{queue}", tag = "jobs",
    params(("queue" = String, Path, description = "The queue.")),
    responses(
        (status = 200, body = Counted),
    ),
)]
async fn of_one(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<Json<Counted>, Problem> {
    let counts = match shared.desk(&caller, &queue) {
        Ok(desk) => desk.queue().counts().await?,
        Err(_) => shared.here(&caller).known(&queue).await?.counts().await?,
    };
    Ok(Json(counts.into()))
}

/// How many jobs of each declared queue are in each state.
#[utoipa::path(
    get, path = "/api/jobs/stats", tag = "jobs",
    responses(
        (status = 200, body = BTreeMap<String, Counted>),
    ),
)]
async fn of_all(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<BTreeMap<String, Counted>>, Problem> {
    let config = shared.config();
    let names = config.queues.keys().filter(|name| caller.may(name).is_ok());
    let queues: Vec<Queue> = names.map(|name| shared.queue(name)).collect();
    let surveys = queue::survey(&queues, false).await?;
    let counted = queues.iter().zip(surveys);
    let counted = counted.map(|(queue, survey)| {
        let counts = Counted::from(survey.counts);
        (queue.name().to_owned(), counts)
    });
    Ok(Json(counted.collect()))
}
