//! Adding a job, and asking after it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::desk::Desk;
use crate::api::events::job;
use crate::api::extract::{Path, Query, Text};
use crate::api::problem::Problem;
use crate::api::routes::wait;
use crate::api::routing::Routes;
use crate::api::segment::segment;
use crate::api::shared::Shared;
use crate::queue::Finder;
use crate::trace;
use crate::verbs::add::{self, Addition, Instead, Kept, New, Options, Same, Span, Waits};
use crate::verbs::brief::{self, Status};
use crate::verbs::cover::Cover;

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Operator, routes!(add_job))
        .add(Access::Viewer, routes!(status))
}

/// What of a job does not stand in its payload.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The job's name. Without one, `default_job` of the queue, or its only name.
    name: Option<String>,
    /// The job's id; without one it is the next number. If a job already has it, nothing
    /// is added.
    job_id: Option<String>,
    /// Milliseconds, or a time such as `5m`, before the job may start.
    #[param(value_type = Option<Span>)]
    delay: Span,
    /// From 1 (first) to 2097151 (last); 0 comes before all of them.
    #[param(maximum = 2097151, value_type = Option<u32>)]
    priority: u32,
    /// Put the job ahead of the waiting ones.
    #[param(value_type = Option<bool>)]
    lifo: bool,
    /// How many times the job may be attempted.
    #[param(minimum = 1)]
    attempts: Option<u32>,
    /// The wait between attempts: `fixed:1s`, `exponential:1s`.
    #[param(value_type = Option<String>, pattern = "^(fixed|exponential):[0-9]{1,6}(ms|s|m|h)$")]
    backoff: Option<Waits>,
    /// Which completed jobs are kept: `true` for none, or a number of the newest.
    #[param(value_type = Option<String>, pattern = "^(true|false|[0-9]{1,9})$")]
    remove_on_complete: Option<Kept>,
    /// Which failed jobs are kept, likewise.
    #[param(value_type = Option<String>, pattern = "^(true|false|[0-9]{1,9})$")]
    remove_on_fail: Option<Kept>,
    /// Refuse a payload with more bytes.
    size_limit: Option<u64>,
    /// Add no second job with this id until the first has ended.
    dedup_id: Option<String>,
    /// Milliseconds, or a time, for which no second one is added instead.
    #[param(value_type = Option<Span>)]
    dedup_ttl: Span,
    /// Each further job begins that time anew.
    #[param(value_type = Option<bool>)]
    dedup_extend: bool,
    /// A further job takes the place of the first while that is delayed.
    #[param(value_type = Option<bool>)]
    dedup_replace: bool,
    /// The last job that comes while the first is running is added afterwards.
    #[param(value_type = Option<bool>)]
    dedup_keep_last: bool,
    /// While the first job is delayed, it gets the delay of a further one.
    #[param(value_type = Option<bool>)]
    dedup_reschedule: bool,
    /// Milliseconds, or a time of at most `5m`, to wait for the end of the job: the answer
    /// has its result then.
    #[param(value_type = Option<Span>)]
    wait: Option<Span>,
}

impl Asked {
    fn options(self) -> Result<Options, Problem> {
        let same = self.dedup_id.map(|id| Same {
            id,
            ttl: self.dedup_ttl,
            extend: self.dedup_extend,
            replace: self.dedup_replace,
            keep_last_if_active: self.dedup_keep_last,
            reschedule: self.dedup_reschedule,
        });
        let set = [
            (self.dedup_ttl != Span(0), "dedupTtl"),
            (self.dedup_extend, "dedupExtend"),
            (self.dedup_replace, "dedupReplace"),
            (self.dedup_keep_last, "dedupKeepLast"),
            (self.dedup_reschedule, "dedupReschedule"),
        ];
        if let (None, Some((_, name))) = (&same, set.iter().find(|(set, _)| *set)) {
            return Err(Problem::invalid(format!(
                "{name} has no effect without dedupId"
            )));
        }
        Ok(Options {
            job_id: self.job_id,
            delay: self.delay,
            priority: self.priority,
            lifo: self.lifo,
            attempts: self.attempts,
            backoff: self.backoff,
            remove_on_complete: self.remove_on_complete,
            remove_on_fail: self.remove_on_fail,
            size_limit: self.size_limit,
            deduplication: same,
            ..Options::default()
        })
    }
}

/// Add a job. The body is its payload; the options stand in the query.
///
/// With `wait` the answer has the job's result (`state` is `completed` or `failed`) if it
/// ends in time, and is 202 otherwise. A job whose id is known, or for which another
/// stands by its deduplication id, is not added: the answer says so in `instead`.
///
/// With `Accept: text/event-stream` the answer is 200 and an event stream: how the job was
/// added (`addition`; `unserved` if its queue has no plugin here), and then what `GET /api/queues/{queue}/jobs/{id}/events` tells of it, to
/// its end.
#[utoipa::path(
    post, path = "/api/jobs/{queue}", tag = "jobs",
    params(
        ("queue" = String, Path, description = "A queue of queues.toml."),
        Asked,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the job's id: a repeated request adds nothing. Another payload with the same key is refused."),
        ("traceparent" = Option<String>, Header, description = "The trace that goes on with the job (W3C Trace Context)."),
        ("X-Request-Id" = Option<String>, Header, description = "Carried on in the payload's `requestId`, unless that has one."),
    ),
    request_body(content = serde_json::Value, description = "The payload."),
    responses(
        (status = 201, body = Addition, description = "The job was added."),
        (status = 200, body = Addition, description = "The job has ended, or another one is there instead."),
        (status = 202, body = Addition, description = "The job has not ended in time, or will follow one that is running."),
    ),
)]
async fn add_job(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    Text(data): Text,
) -> Result<Response, Problem> {
    let desk = shared.desk(&caller, &queue)?;
    let time = asked.wait.map(wait::time).transpose()?;
    let name = asked.name.clone();
    let new = New {
        name,
        data: if data.trim_ascii().is_empty() {
            "{}".to_owned()
        } else {
            data
        },
        options: asked.options()?,
        key: header(&headers, "idempotency-key")?,
        request_id: request_id(&headers),
        trace: span(&headers),
    };
    if wants_events(&headers) {
        return follow(&shared, &caller, &desk, new, time.is_some()).await;
    }
    let Some(time) = time else {
        let addition = add::add(&desk.adder, &desk.declared, new).await?;
        return Ok(answer(status_of(addition.instead), &addition));
    };
    // Before the job is there, so that its end is not missed.
    let heard = shared
        .events()
        .listen(std::slice::from_ref(desk.queue()), false)
        .await?;
    let data = new.data.clone();
    let mut addition = add::add(&desk.adder, &desk.declared, new).await?;
    let end = wait::end(&shared, &desk, &addition, heard, time).await?;
    let status = wait::put(end, &mut addition, &desk, &caller, data);
    Ok(answer(status, &addition))
}

/// Whether the answer is to be an event stream.
fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Add a job, and tell what happens to it.
async fn follow(
    shared: &Shared,
    caller: &Caller,
    desk: &Desk,
    new: New,
    waits: bool,
) -> Result<Response, Problem> {
    if waits {
        let text = "wait is for an answer with the result; an event stream goes on to the end";
        return Err(Problem::invalid(text));
    }
    let queue = desk.queue();
    // Before the job is there, so that its end is not missed.
    let heard = shared
        .events()
        .listen(std::slice::from_ref(queue), false)
        .await?;
    let data = new.data.clone();
    let addition = add::add(&desk.adder, &desk.declared, new).await?;
    let cover = desk.cover_for(caller);
    let is_served = desk.declared.is_consumed();
    Ok(job::added(heard, queue.clone(), &addition, &data, cover, is_served).await?)
}

fn status_of(instead: Option<Instead>) -> StatusCode {
    match instead {
        None => StatusCode::CREATED,
        Some(Instead::Kept) => StatusCode::ACCEPTED,
        Some(Instead::Known | Instead::Deduplicated) => StatusCode::OK,
    }
}

fn answer(status: StatusCode, addition: &Addition) -> Response {
    let mut response = (status, Json(addition)).into_response();
    let place = format!(
        "/api/jobs/status/{}/{}",
        segment(&addition.queue),
        segment(&addition.job_id)
    );
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A header, which must be text.
fn header(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Problem> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    let value = value.map_err(|_| Problem::invalid(format!("the header {name} is not text")))?;
    Ok(value.map(str::to_owned))
}

/// The span that the caller sends the request for (W3C Trace Context).
fn span(headers: &HeaderMap) -> Option<trace::Context> {
    let parent = headers.get("traceparent")?.to_str().ok()?;
    trace::Context::parse(parent)
}

/// The request id, if it can be one.
pub(in crate::api) fn request_id(headers: &HeaderMap) -> Option<String> {
    const LONGEST: usize = 200;
    let id = headers.get("x-request-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= LONGEST).then(|| id.to_owned())
}

/// How a job is.
#[utoipa::path(
    get, path = "/api/jobs/status/{queue}/{id}", tag = "jobs",
    params(("queue" = String, Path, description = "The queue."), ("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, body = Status),
    ),
)]
async fn status(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((queue, id)): Path<(String, String)>,
) -> Result<Json<Status>, Problem> {
    let found = match shared.desk(&caller, &queue) {
        Ok(desk) => brief::status(&desk.finder, &queue, &id, &desk.cover_for(&caller)).await?,
        Err(_) => {
            let connected = shared.here(&caller).known(&queue).await?;
            let cover = match caller.sees_payloads() {
                true => Cover::none(),
                false => Cover::of(&shared.config(), &queue),
            };
            brief::status(&Finder::new(connected), &queue, &id, &cover).await?
        }
    };
    found.map(Json).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-job",
            format!("queue {queue:?} has no job {id:?}; it may have been removed when it ended"),
        )
    })
}
