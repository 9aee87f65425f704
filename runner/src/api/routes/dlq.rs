//! Dead letters: the queues that have them, letters, replay and purge.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::{Body, Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::filter::Filter;
use crate::verbs::letters::{
    self, DeadLetter, DeadQueue, Letters, MOST, Purged, ReplayAsked, Replayed, Which,
};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(queues))
        .add(Access::Viewer, routes!(list))
        .add(Access::Viewer, routes!(get))
        .add(Access::Operator, routes!(replay))
        .add(Access::Operator, routes!(purge))
}

/// Which letters are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// A query of the search language: `name:email-* error:timeout since:2h`.
    #[param(value_type = Option<String>)]
    q: Option<Filter>,
    /// How many at most; 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Goes on where the same question ended before.
    cursor: Option<String>,
}

/// The dead letter queues, with how many letters each has.
#[utoipa::path(get, path = "/api/dlq", tag = "dlq", responses(
    (status = 200, body = [DeadQueue]),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn queues(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Vec<DeadQueue>>, Problem> {
    Ok(Json(letters::queues(&shared.here(&caller)).await?))
}

/// Letters of a queue, those that wait first and the oldest of them first.
#[utoipa::path(get, path = "/api/dlq/{queue}/letters", tag = "dlq",
    params(("queue" = String, Path, description = "A dead letter queue."), List),
    responses(
        (status = 200, body = Letters),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(list): Query<List>,
) -> Result<Json<Letters>, Problem> {
    let limit = list.limit.unwrap_or(100) as usize;
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit is 1 to {MOST}, not {limit}"
        )));
    }
    let (filter, cursor) = (list.q.unwrap_or_default(), list.cursor.as_deref());
    let payloads = caller.sees_payloads();
    let here = shared.here(&caller);
    let found = letters::list(&here, &queue, &filter, limit, cursor, payloads).await?;
    Ok(Json(found))
}

/// One letter.
#[utoipa::path(get, path = "/api/dlq/{queue}/letters/{id}", tag = "dlq",
    params(
        ("queue" = String, Path, description = "A dead letter queue."),
        ("id" = String, Path, description = "The id of a letter."),
    ),
    responses(
        (status = 200, body = DeadLetter),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn get(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Json<DeadLetter>, Problem> {
    let payloads = caller.sees_payloads();
    Ok(Json(
        letters::get(&shared.here(&caller), &queue, &id, payloads).await?,
    ))
}

/// Move letters back to the queue they failed in, or to another one. A call handles at
/// most 1000 letters, and with a rate lasts 10 s at most; `cursor` goes on behind them.
#[utoipa::path(post, path = "/api/dlq/{queue}/replay", tag = "dlq",
    params(("queue" = String, Path, description = "A dead letter queue.")),
    request_body = ReplayAsked,
    responses(
        (status = 200, body = Replayed),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn replay(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Body(asked): Body<ReplayAsked>,
) -> Result<Json<Replayed>, Problem> {
    let here = shared.here(&caller);
    match &asked.to {
        Some(to) => caller.may(to)?,
        None => letters::sources(&here.config, &queue)
            .iter()
            .try_for_each(|from| caller.may(from))?,
    }
    let replayed = letters::replay(&here, &queue, &asked).await?;
    if !asked.dry_run {
        shared.audit(&caller, "replay", &queue, replayed.replayed.len() as u64);
    }
    Ok(Json(replayed))
}

/// Remove letters for good. A call removes at most 1000; `cursor` goes on behind them.
#[utoipa::path(post, path = "/api/dlq/{queue}/purge", tag = "dlq",
    params(("queue" = String, Path, description = "A dead letter queue.")),
    request_body = Which,
    responses(
        (status = 200, body = Purged),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn purge(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Body(which): Body<Which>,
) -> Result<Json<Purged>, Problem> {
    let purged = letters::purge(&shared.here(&caller), &queue, &which).await?;
    if !which.dry_run {
        shared.audit(&caller, "purge", &queue, purged.removed);
    }
    Ok(Json(purged))
}
