//! What is done to one job, to those of some ids, or to all that a filter matches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::{state, target};
use crate::api::access::{Access, Caller};
use crate::api::extract::{Body, Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs;
use crate::verbs::Kind;
use crate::verbs::jobs::{self, Act, Acted, All, Duplicated, MOST, Many, Verb};

/// Ids of one call at most.
const IDS: usize = 1000;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Operator, routes!(act_on_many))
        .add(Access::Operator, routes!(retry))
        .add(Access::Operator, routes!(promote))
        .add(Access::Operator, routes!(cancel))
        .add(Access::Operator, routes!(duplicate))
        .add(Access::Operator, routes!(remove))
}

/// Do something to the jobs of some ids, or to all that a filter matches. With a filter,
/// a call does a bounded part and says where the next goes on. Jobs that run are asked to
/// stop; whether they have is known only with `wait`.
#[utoipa::path(
    post, path = "/api/queues/{queue}/jobs", tag = "queues",
    params(("queue" = String, Path, description = "The queue.")),
    request_body = Many,
    responses(
        (status = 200, body = Acted),
    ),
)]
async fn act_on_many(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Body(many): Body<Many>,
) -> Result<Json<Acted>, Problem> {
    let act = many.act();
    let target = target(&shared, &caller, &queue).await?;
    let acted = match (&many.ids, &many.filter) {
        (Some(ids), None) if ids.len() > IDS => {
            let text = format!("{} ids in one call; name at most {IDS}", ids.len());
            return Err(Problem::invalid(text).at("/ids"));
        }
        (Some(_), None) if many.dry_run => {
            let text = "dryRun counts what a filter matches; ids are counted already";
            return Err(Problem::invalid(text).at("/dryRun"));
        }
        (Some(ids), None) => jobs::act(&target.queue, ids, &act).await?,
        (None, Some(filter)) => {
            let states = many.states.iter().map(|name| state(name));
            let all = All {
                filter: filter.clone(),
                states: states.collect::<Result<_, _>>()?,
                dry_run: many.dry_run,
                limit: many.limit,
                cursor: many.cursor.clone(),
            };
            jobs::act_on_all(target, &act, &all).await?
        }
        (Some(_), Some(_)) => {
            let text = "ids and filter are two ways to name jobs: give one of them";
            return Err(Problem::invalid(text).at("/filter"));
        }
        (None, None) => {
            return Err(Problem::invalid(format!(
                "no jobs are named: give ids, or a filter; an empty filter matches all, at most \
                 {MOST} in one call"
            )));
        }
    };
    if !many.dry_run {
        shared.audit(&caller, many.action.name(), &queue, acted.done.count());
    }
    Ok(Json(acted))
}

/// Do something to one job: what became of it, or why it was left.
async fn one(
    shared: &Shared,
    caller: &Caller,
    (queue, id): (String, String),
    verb: Verb,
    act: Act,
) -> Result<Acted, Problem> {
    let known = shared.here(caller).known(&queue).await?;
    let mut acted = jobs::act(&known, std::slice::from_ref(&id), &act).await?;
    if let Some(refused) = acted.refused.pop() {
        if refused.kind == Kind::NotStopped {
            acted.stopping = 1;
            return Ok(acted);
        }
        return Err(verbs::Error::refused(refused.kind, refused.detail).into());
    }
    shared.audit(caller, verb.name(), &format!("{queue}/{id}"), 1);
    Ok(acted)
}

/// How a job is retried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Retried {
    /// Count its attempts from zero again.
    reset_attempts: Option<bool>,
}

/// Let a completed or failed job run again.
#[utoipa::path(
    post, path = "/api/queues/{queue}/jobs/{id}/retry", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Retried,
    ),
    responses(
        (status = 200, body = Acted),
    ),
)]
async fn retry(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(job): Path<(String, String)>,
    Query(asked): Query<Retried>,
) -> Result<Json<Acted>, Problem> {
    let reset = asked.reset_attempts.unwrap_or_default();
    let act = Act::Retry { reset };
    Ok(Json(one(&shared, &caller, job, Verb::Retry, act).await?))
}

/// Let a delayed job start now.
#[utoipa::path(
    post, path = "/api/queues/{queue}/jobs/{id}/promote", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
    ),
    responses(
        (status = 200, body = Acted),
    ),
)]
async fn promote(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(job): Path<(String, String)>,
) -> Result<Json<Acted>, Problem> {
    let acted = one(&shared, &caller, job, Verb::Promote, Act::Promote).await?;
    Ok(Json(acted))
}

/// How a job is cancelled.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Cancelled {
    /// Recorded as the reason for the failure.
    reason: Option<String>,
    /// Whether to wait, some seconds at most, until a running job has stopped; true if it
    /// is left out.
    wait: Option<bool>,
}

/// Fail a job, waiting or running, without another attempt. 202: it has been asked to
/// stop and has not stopped yet.
#[utoipa::path(
    post, path = "/api/queues/{queue}/jobs/{id}/cancel", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Cancelled,
    ),
    responses(
        (status = 200, body = Acted),
        (status = 202, body = Acted, description = "It has not stopped yet."),
    ),
)]
async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(job): Path<(String, String)>,
    Query(asked): Query<Cancelled>,
) -> Result<Response, Problem> {
    let act = Act::Cancel {
        reason: asked.reason,
        wait: asked.wait.unwrap_or(true),
    };
    let acted = one(&shared, &caller, job, Verb::Cancel, act).await?;
    let status = match acted.stopping {
        0 => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    Ok((status, Json(acted)).into_response())
}

/// Add a job again: the same name, payload and options, and an id of its own.
#[utoipa::path(
    post, path = "/api/queues/{queue}/jobs/{id}/duplicate", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
    ),
    responses(
        (status = 201, body = Duplicated),
    ),
)]
async fn duplicate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Duplicated>), Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let added = jobs::duplicate(&known, &id).await?;
    shared.audit(&caller, "duplicate", &format!("{queue}/{id}"), 1);
    Ok((StatusCode::CREATED, Json(added)))
}

/// How a job is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Removed {
    /// Its children stay.
    keep_children: Option<bool>,
}

/// Remove a job and its children.
#[utoipa::path(
    delete, path = "/api/queues/{queue}/jobs/{id}", tag = "queues",
    params(
        ("queue" = String, Path, description = "The queue."),
        ("id" = String, Path, description = "The job."),
        Removed,
    ),
    responses(
        (status = 200, body = Acted),
    ),
)]
async fn remove(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(job): Path<(String, String)>,
    Query(asked): Query<Removed>,
) -> Result<Json<Acted>, Problem> {
    let keep_children = asked.keep_children.unwrap_or_default();
    let act = Act::Remove { keep_children };
    Ok(Json(one(&shared, &caller, job, Verb::Remove, act).await?))
}
