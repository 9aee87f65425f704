//! Running a handler at once: no job is added, and Redis is not asked.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::desk::Desk;
use crate::api::extract::{Path, Text};
use crate::api::problem::Problem;
use crate::api::routes::jobs::request_id;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::config::JobSettings;
use crate::outcome::Outcome;
use crate::queue::{self, Attempt, Job, NewJob, Options, Stop};
use crate::units;
use crate::verbs::add::Fault;
use crate::verbs::raw::raw;
use crate::worker;

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Operator, routes!(invoke))
}

/// How a handler ended that was run at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Invoked {
    /// `completed`, or `failed` whatever a worker would do next.
    state: String,
    /// What it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    returnvalue: Option<Box<RawValue>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_reason: Option<String>,
    /// What kind of failure it was, as the log has it: `trap`, `deadline`, `contract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// The plugin that ran, with its version.
    plugin: Option<String>,
    /// Milliseconds it took.
    duration: u64,
    /// What it logged.
    logs: Vec<String>,
}

/// Run the handler of a job at once and answer with its result.
///
/// Nothing of it is in Redis: it has one attempt, its log lines are in the answer, and
/// its checkpoints are forgotten. What the handler itself does is real: requests, jobs
/// that it adds. The limits are those of a job; as many run at once as the queue's
/// `concurrency` allows. A client that is gone stops the handler.
#[utoipa::path(
    post, path = "/api/invoke/{queue}/{name}", tag = "jobs",
    params(
        ("queue" = String, Path, description = "A queue of queues.toml with a plugin."),
        ("name" = String, Path, description = "The job's name."),
        ("X-Request-Id" = Option<String>, Header, description = "Carried on in the payload's `requestId`, unless that has one."),
    ),
    request_body(content = serde_json::Value, description = "The payload."),
    responses(
        (status = 200, body = Invoked),
    ),
)]
async fn invoke(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, name)): Path<(String, String)>,
    headers: HeaderMap,
    Text(data): Text,
) -> Result<Json<Invoked>, Problem> {
    let desk = shared.desk(&caller, &queue)?;
    let data = if data.trim_ascii().is_empty() {
        "{}".to_owned()
    } else {
        data
    };
    let data = queue::carry(data, request_id(&headers).as_deref());
    let job = checked(&desk, name, data)?;
    let settings = desk.declared.settings(&job.name);
    serves(&shared, &desk, &job, settings)?;
    let most = desk.declared.concurrency.get();
    let _running = shared.invocations().enter(&queue, most)?;
    let attempt = Arc::new(Attempt::trial(job, &queue, settings.timeout));
    if let Some(refused) = worker::refused(&attempt, &desk.declared, settings) {
        return Ok(Json(invoked(&desk, &caller, &attempt, refused)));
    }
    let stops = StopWhenDropped(attempt.clone());
    let outcome = run(&shared, attempt.clone(), settings.clone()).await?;
    drop(stops);
    Ok(Json(invoked(&desk, &caller, &attempt, outcome)))
}

/// The job, if it could be added.
fn checked(desk: &Desk, name: String, data: String) -> Result<Job, Problem> {
    let new = NewJob {
        name,
        data,
        ..NewJob::default()
    };
    if let Err(error) = new.check(desk.queue().settings()) {
        return Err(Fault::of_job(error, &desk.declared, &new, "").into());
    }
    #[expect(clippy::disallowed_methods, reason = "this job is not in Redis")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis() as u64);
    Ok(Job {
        id: format!("invoke-{:016x}", fastrand::u64(..)),
        name: new.name,
        data: new.data,
        starts: 1,
        options: Options {
            attempts: 1,
            ..Options::default()
        },
        added_at: now,
        started_at: now,
        ..Job::default()
    })
}

/// Refuse what no plugin here runs now.
fn serves(shared: &Shared, desk: &Desk, job: &Job, settings: &JobSettings) -> Result<(), Problem> {
    let (queue, name) = (&desk.declared.name, &job.name);
    let Some(plugin) = &settings.plugin else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no-handler",
            format!("no plugin here handles jobs named {name:?} of queue {queue:?}"),
        ));
    };
    match shared.plugins().get(plugin) {
        Some(_) => Ok(()),
        None => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "plugin-unavailable",
            format!("plugin {plugin:?} does not serve; GET /api/plugins says why"),
        )
        .after(5)),
    }
}

/// Run an attempt to its end.
async fn run(
    shared: &Shared,
    attempt: Arc<Attempt>,
    settings: JobSettings,
) -> Result<Outcome, Problem> {
    let (sender, outcome) = oneshot::channel();
    let start = shared.start().clone();
    // The first turn of a quick plugin is had on the thread that starts it.
    tokio::task::spawn_blocking(move || {
        let done = move |_, outcome| {
            // Who waited may be gone.
            let _ = sender.send(outcome);
        };
        start(attempt, &settings, Box::new(done));
    });
    outcome
        .await
        .map_err(|_| Problem::bug("an attempt was dropped"))
}

fn invoked(desk: &Desk, caller: &Caller, attempt: &Attempt, outcome: Outcome) -> Invoked {
    let (mut returnvalue, mut failed_reason, mut cause) = (None, None, None);
    match outcome {
        Outcome::Completed(value) => returnvalue = Some(value),
        Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
            cause = Some(failure.cause.as_str().to_owned());
            failed_reason = Some(failure.reason);
        }
        Outcome::Snoozed { delay, reason } => {
            failed_reason = Some(format!(
                "it would run again after {}: {reason}",
                units::duration(delay)
            ));
        }
        Outcome::RateLimited { delay, reason } => {
            let delay = units::duration(delay);
            failed_reason = Some(format!(
                "its queue would be rate limited for {delay}: {reason}"
            ));
        }
        Outcome::WaitingChildren => {
            failed_reason =
                Some("it would wait for its children, which only a job can have".to_owned());
        }
        Outcome::Released | Outcome::Moved(_) | Outcome::Lost => {
            failed_reason = Some("it was interrupted".to_owned());
        }
    }
    let job = &attempt.job;
    let cover = desk.cover_for(caller);
    if let Some(value) = &mut returnvalue {
        cover.values(&job.name, &mut job.data.clone(), Some(value));
    }
    Invoked {
        state: if returnvalue.is_some() {
            "completed"
        } else {
            "failed"
        }
        .to_owned(),
        returnvalue: returnvalue.map(raw),
        failed_reason,
        cause,
        plugin: attempt.ran.get().cloned(),
        duration: u64::try_from(attempt.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        logs: attempt.take_notes().logs,
    }
}

/// Stops an attempt whose client is gone.
struct StopWhenDropped(Arc<Attempt>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop(Stop::Cancelled);
    }
}
