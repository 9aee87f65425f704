//! How the queues fare, and what is wrong where they do not.

mod doctor;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::observe::health::{Grade, Verdict};

pub(super) fn add(routes: Routes) -> Routes {
    doctor::add(routes)
        .add(Access::Viewer, routes!(health))
        .add(Access::Viewer, routes!(metrics))
}

/// How all queues fare.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// That of the gravest verdict.
    status: Grade,
    /// Whether Redis answers.
    redis: bool,
    /// The verdict on each declared queue.
    queues: Vec<Verdict>,
}

/// How each queue fares, with the cause and the next thing to do: 503 when jobs of one do
/// not get done, or Redis does not answer.
#[utoipa::path(get, path = "/queue/health", tag = "observe", responses(
    (status = 200, body = Health),
    (status = 503, body = Health),
))]
async fn health(State(shared): State<Arc<Shared>>, caller: Caller) -> Response {
    let health = match shared.look(true).await {
        Err(_) => Health {
            status: Grade::Failing,
            redis: false,
            queues: Vec::new(),
        },
        Ok(look) => {
            let mut queues = look.verdicts();
            queues.retain(|verdict| caller.may(&verdict.queue).is_ok());
            let status = queues.iter().map(|verdict| verdict.state).max();
            Health {
                status: status.unwrap_or(Grade::Ok),
                redis: true,
                queues,
            }
        }
    };
    let status = match health.status {
        Grade::Failing => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (status, Json(health)).into_response()
}

/// Workers and jobs, in few numbers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    /// Whether Redis answers.
    redis: bool,
    workers: Workers,
    /// Jobs of each declared queue.
    queues: BTreeMap<String, Jobs>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Workers {
    /// How many workers are meant to run here: one for each queue that has a plugin.
    worker_count: u64,
    workers: Vec<Worker>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Worker {
    /// Its queue.
    name: String,
    /// Whether jobs of it are taken, by whatever process.
    is_running: bool,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Jobs {
    waiting: u64,
    active: u64,
    completed: u64,
    failed: u64,
}

/// Workers and jobs, in few numbers.
#[utoipa::path(get, path = "/queue/metrics", operation_id = "queue_metrics", tag = "observe", responses(
    (status = 200, body = Metrics),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn metrics(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Metrics>, Problem> {
    let look = shared.look(false).await?;
    let seen = || {
        let queues = look.queues().iter();
        queues.filter(|(queue, _)| caller.may(&queue.name).is_ok())
    };
    let consumed = seen().filter(|(queue, _)| queue.is_consumed());
    let workers: Vec<Worker> = consumed
        .map(|(queue, _)| Worker {
            name: queue.name.clone(),
            is_running: look.consumers(&queue.name) > 0,
        })
        .collect();
    let jobs = seen().map(|(queue, survey)| {
        let jobs = Jobs {
            waiting: survey.depth(),
            active: survey.counts.active,
            completed: survey.counts.completed,
            failed: survey.counts.failed,
        };
        (queue.name.clone(), jobs)
    });
    Ok(Json(Metrics {
        redis: true,
        queues: jobs.collect(),
        workers: Workers {
            worker_count: workers.len() as u64,
            workers,
        },
    }))
}
