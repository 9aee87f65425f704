//! Removing the jobs of a queue by the thousand. Each call does a bounded part, and says
//! where the next goes on.

use std::sync::Arc;
use std::time::Duration;

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
use crate::queue::State as JobState;
use crate::verbs::queues::{self, Clean, Drain, Obliterate, Removed};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Operator, routes!(drain))
        .add(Access::Operator, routes!(clean))
        .add(Access::Admin, routes!(obliterate))
}

/// What is drained.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Drained {
    /// Also remove delayed jobs, except the next runs of schedulers.
    delayed: Option<bool>,
    /// Only count.
    dry_run: Option<bool>,
    /// Where the last call stopped.
    cursor: Option<String>,
}

/// Remove the jobs that wait.
#[utoipa::path(
    post, path = "/api/queues/{queue}/drain", tag = "queues",
    params(("queue" = String, Path, description = "The queue."), Drained),
    responses(
        (status = 200, body = Removed),
    ),
)]
async fn drain(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Drained>,
) -> Result<Json<Removed>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let what = Drain {
        delayed: asked.delayed.unwrap_or_default(),
        dry_run: asked.dry_run.unwrap_or_default(),
        cursor: asked.cursor,
    };
    let removed = queues::drain(&known, &what).await?;
    if !what.dry_run {
        shared.audit(&caller, "drain", &queue, removed.removed);
    }
    Ok(Json(removed))
}

/// What is cleaned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Cleaned {
    /// Jobs in this state: `failed`, `completed`, `delayed`, `waiting`, `prioritized`,
    /// `active`. Active jobs that a worker holds are kept.
    state: String,
    /// Only jobs that ended (or else started, or else were added) at least this long ago:
    /// `30m`, `7d`.
    #[param(example = "7d")]
    older_than: Option<String>,
    /// Remove at most so many, the oldest first, in all calls that belong together.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// Only count.
    dry_run: Option<bool>,
    /// Where the last call stopped.
    cursor: Option<String>,
}

/// Remove old jobs in one state.
#[utoipa::path(
    post, path = "/api/queues/{queue}/clean", tag = "queues",
    params(("queue" = String, Path, description = "The queue."), Cleaned),
    responses(
        (status = 200, body = Removed),
    ),
)]
async fn clean(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Cleaned>,
) -> Result<Json<Removed>, Problem> {
    let state = super::state(&asked.state)?;
    if state == JobState::WaitingChildren {
        return Err(Problem::invalid(
            "jobs that wait for children are not cleaned: remove them one by one",
        ));
    }
    if asked.limit == Some(0) {
        return Err(Problem::invalid("limit=0 removes nothing; leave it out"));
    }
    let older_than = match asked.older_than.as_deref() {
        None => Duration::ZERO,
        Some(age) => humantime::parse_duration(age).map_err(|_| {
            Problem::invalid(format!("olderThan={age:?} is no age; write 30m or 7d"))
        })?,
    };
    let known = shared.here(&caller).known(&queue).await?;
    let what = Clean {
        state,
        older_than,
        limit: asked.limit,
        dry_run: asked.dry_run.unwrap_or_default(),
        cursor: asked.cursor,
    };
    let removed = queues::clean(&known, &what).await?;
    if !what.dry_run {
        shared.audit(&caller, "clean", &queue, removed.removed);
    }
    Ok(Json(removed))
}

/// How a queue is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Obliterated {
    /// The name of the queue once more.
    confirm: Option<String>,
    /// Even with active jobs; their results can no longer be saved.
    force: Option<bool>,
    /// Only count.
    dry_run: Option<bool>,
    /// Where the last call stopped.
    cursor: Option<String>,
}

/// Remove a queue with all its jobs, schedulers and settings.
#[utoipa::path(
    post, path = "/api/queues/{queue}/obliterate", tag = "queues",
    params(("queue" = String, Path, description = "The queue."), Obliterated),
    responses(
        (status = 200, body = Removed),
    ),
)]
async fn obliterate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Obliterated>,
) -> Result<Json<Removed>, Problem> {
    let known = shared.here(&caller).known(&queue).await?;
    let what = Obliterate {
        force: asked.force.unwrap_or_default(),
        dry_run: asked.dry_run.unwrap_or_default(),
        cursor: asked.cursor,
    };
    if !what.dry_run && asked.confirm.as_deref() != Some(&*queue) {
        return Err(Problem::invalid(format!(
            "this removes the queue {queue:?} with all its jobs, schedulers and settings; add \
             confirm={queue} to confirm, or dryRun=true to count"
        )));
    }
    let removed = queues::obliterate(&known, &what).await?;
    if !what.dry_run {
        shared.known_queues().forget().await;
        shared.audit(&caller, "obliterate", &queue, removed.removed);
    }
    Ok(Json(removed))
}
