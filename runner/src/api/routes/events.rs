//! What happens in queues, as it happens.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::events::job;
use crate::api::events::stream::{self, Discover, Mark, Wanted};
use crate::api::extract::{Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::config::Pattern;
use crate::verbs::cover::Cover;
use crate::verbs::{self, jobs};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(events))
        .add(Access::Viewer, routes!(job_events))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Of which queues: names with commas between, `*` for any characters; all that the
    /// caller may see if it is left out.
    queue: Option<String>,
    /// Which events, with commas between, as BullMQ calls them: `completed,failed`; all if
    /// it is left out.
    event: Option<String>,
    /// Of jobs of these names, with commas between, `*` for any characters.
    name: Option<String>,
    /// Where to go on, as the header `Last-Event-ID` says it.
    after: Option<String>,
}

fn list(text: Option<&String>) -> impl Iterator<Item = String> {
    let text = text.map(String::as_str).unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
}

/// Where a stream is to go on.
fn mark<M: FromStr>(headers: &HeaderMap, after: Option<&String>) -> Result<Option<M>, Problem> {
    let header = headers.get("last-event-id");
    let header = header.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let Some(id) = header.as_ref().or(after).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let mark = id.parse().map_err(|_| {
        let text = format!("{id:?} is the id of no event; leave Last-Event-ID out to begin now");
        Problem::new(StatusCode::BAD_REQUEST, "invalid-event-id", text)
    })?;
    Ok(Some(mark))
}

/// Hear what happens.
///
/// An event stream that goes on until one of both ends it. Each event has the id with
/// which another stream goes on after it (`Last-Event-ID`), as long as Redis has the
/// events; who reads too slowly gets an event `missed` with the number of those that were
/// left out.
#[utoipa::path(get, path = "/api/events", tag = "events", params(
    Asked,
    ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard."),
), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
async fn events(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mark: Option<Mark> = mark(&headers, asked.after.as_ref())?;
    let targets = shared.targets(&caller, asked.queue.as_deref()).await?;
    let wanted = Wanted {
        events: list(asked.event.as_ref()).collect(),
        names: list(asked.name.as_ref()).map(Pattern).collect(),
        job: None,
    };
    let is_open = asked.queue.as_ref().is_none_or(|queue| queue.contains('*'));
    let discover = is_open.then(|| {
        let shared = shared.clone();
        let discover = move || {
            let (shared, caller, queue) = (shared.clone(), caller.clone(), asked.queue.clone());
            let targets = async move {
                let targets = shared.targets(&caller, queue.as_deref()).await;
                targets.unwrap_or_default()
            };
            targets.boxed()
        };
        Box::new(discover) as Discover
    });
    let opened = stream::open(shared.events(), targets, discover, wanted, mark);
    Ok(opened.await?)
}

/// Hear what happens to a job.
///
/// An event stream: where the job is (`state`), then each log line (`log`), its progress
/// (`progress`), where it goes (`active`, `waiting`, `delayed`, …), and at last how it has
/// ended (`completed`, `failed` or `removed`), after which the stream ends. With
/// `Last-Event-ID`, log lines that were heard are not told again; once the end was heard,
/// the answer is 204, so that browsers do not ask again.
#[utoipa::path(get, path = "/api/queues/{queue}/jobs/{id}/events", tag = "events", params(
    ("queue" = String, Path, description = "The queue."),
    ("id" = String, Path, description = "The id of the job."),
    ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard."),
), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 204, description = "The end has been heard."),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
async fn job_events(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let mark: job::Mark = mark(&headers, None)?.unwrap_or_default();
    if mark.ended {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let here = shared.here(&caller);
    let queue = here.known(&queue).await?;
    let Some(job) = queue.find(&id).await? else {
        return Err(verbs::Error::from(jobs::missing(&queue, &id)).into());
    };
    let cover = match caller.sees_payloads() {
        true => Cover::none(),
        false => Cover::of(&here.config, queue.name()),
    };
    Ok(job::open(shared.events(), queue, job, cover, mark).await?)
}
