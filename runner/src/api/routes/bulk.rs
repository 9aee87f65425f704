//! Adding many jobs with one request, which may be longer than memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::{StatusCode, header};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::{Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::add::{self, Bulk, Items, Verdict};

/// Bytes of one job, as the body of a request with one has.
const LARGEST: usize = 16 << 20;
/// Verdicts that wait for a client to read them, in batches of up to 500: most clients
/// read only when all is sent.
const UNREAD: usize = 512;
/// How long a client may take to read some when there are as many.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Operator, routes!(add_jobs))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The name of jobs that have none.
    name: Option<String>,
}

/// Add many jobs: a job in each line (NDJSON), or an array of jobs, each as
/// `{"name": …, "data": …, "opts": {…}}`, as BullMQ's `addBulk` has them.
///
/// The answer has a verdict for each line, in their order, and is made while the request
/// is read: lines, or an array if the request was one. A line that is refused does not
/// keep the others out. When the text cannot be read to its end, the last verdict says at
/// which line; that line and those after it were not added.
#[utoipa::path(
    post, path = "/api/jobs/{queue}/bulk", tag = "jobs",
    params(("queue" = String, Path, description = "A queue of queues.toml."), Asked),
    request_body(content = String, content_type = "application/x-ndjson", description = "A job in each line, or an array of jobs."),
    responses(
        (status = 200, body = Verdict, content_type = "application/x-ndjson", description = "A verdict for each line."),
    ),
)]
async fn add_jobs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Asked>,
    body: Body,
) -> Result<Response, Problem> {
    let desk = shared.desk(&caller, &queue)?;
    let bulk = Bulk::new(desk.queue().clone(), desk.declared.clone(), asked.name);
    let items = Items::new(LARGEST);
    let (sender, mut verdicts) = mpsc::channel::<Vec<Verdict>>(UNREAD);
    // By itself: it reads on while the verdicts are sent.
    tokio::spawn(async move {
        let tell = |verdicts: Vec<Verdict>| {
            let sender = sender.clone();
            async move { sender.send_timeout(verdicts, PATIENCE).await.is_ok() }
        };
        let Ok(_) = add::add_all(bulk, items, body.into_data_stream(), tell).await;
    });
    let Some(first) = verdicts.recv().await else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "no-jobs",
            "the body has no jobs: send a job in each line, or an array of jobs",
        ));
    };
    let rest = futures::stream::unfold(verdicts, async |mut verdicts| {
        verdicts.recv().await.map(|some| (some, verdicts))
    });
    let lines = futures::stream::iter([first]).chain(rest);
    let lines = lines.map(|verdicts| Ok::<_, std::convert::Infallible>(written(&verdicts)));
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(lines)).into_response())
}

/// A line for each verdict.
fn written(verdicts: &[Verdict]) -> Bytes {
    let mut lines = Vec::with_capacity(verdicts.len() * 64);
    for verdict in verdicts {
        // Own types serialise to JSON, and memory takes it.
        let _ = serde_json::to_writer(&mut lines, verdict);
        lines.push(b'\n');
    }
    lines.into()
}
