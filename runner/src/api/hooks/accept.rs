//! From what a request says to jobs, and to an answer.

use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::misfit;
use crate::api::problem::Problem;
use crate::api::shared::Shared;
use crate::config::webhook::{OnFailure, Route, RouteJob, Text, delay};
use crate::queue::{ChildFailure, Deduplication, FlowJob, NewJob, Queue, add_flow};
use crate::webhooks::Said;

/// Says that a delivery was known.
const DUPLICATE: HeaderName = HeaderName::from_static("runner-duplicate");

/// A longer text is named by its hash: it becomes part of a key.
const LONGEST: usize = 200;

/// What was added.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    #[serde(flatten)]
    job: Added,
    /// The delivery was known: nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// The jobs that it waits for, and those below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Added>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    job_id: String,
    queue: String,
    name: String,
}

/// Make the jobs of a request, and answer it.
pub(super) async fn accept(
    shared: &Shared,
    route: &Route,
    said: &Said<'_>,
) -> Result<Response, Problem> {
    let once = match &route.once {
        Some(once) => said.text(once).map_err(misfit)?,
        None => String::new(),
    };
    let once = (!once.is_empty()).then(|| named(route, &once));
    let mut jobs = Vec::new();
    collect(shared, said, &route.job, None, &mut jobs)?;
    let accepted = match jobs.as_mut_slice() {
        [only] => one(only, once.as_deref(), route).await?,
        flow => many(flow, once.as_deref(), route).await?,
    };
    shared.meters().took(&route.to_string(), accepted.duplicate);
    let added = u64::from(!accepted.duplicate) * jobs.len() as u64;
    let (queue, id) = (&accepted.job.queue, &accepted.job.job_id);
    tracing::info!(
        route = route.path,
        queue,
        job = id,
        added,
        "a webhook was taken"
    );
    Ok(answer(route, accepted))
}

/// A delivery by a name that is no other route's.
fn named(route: &Route, once: &str) -> String {
    let name = format!("{route}:{once}");
    match name.len() > LONGEST {
        true => hex::encode(Sha256::digest(name)),
        false => name,
    }
}

/// The job and those below it, each before its children.
fn collect(
    shared: &Shared,
    said: &Said<'_>,
    of: &RouteJob,
    parent: Option<usize>,
    jobs: &mut Vec<FlowJob>,
) -> Result<(), Problem> {
    let (queue, job) = job(shared, said, of)?;
    let at = jobs.len();
    jobs.push(FlowJob {
        queue,
        job,
        parent,
        on_failure: of.on_failure.map(|of| match of {
            OnFailure::Fail => ChildFailure::FailParent,
            OnFailure::Continue => ChildFailure::ContinueParent,
            OnFailure::Ignore => ChildFailure::Ignore,
            OnFailure::Remove => ChildFailure::Remove,
        }),
    });
    let mut children = of.children.iter();
    children.try_for_each(|child| collect(shared, said, child, Some(at), jobs))
}

fn job(shared: &Shared, said: &Said<'_>, of: &RouteJob) -> Result<(Queue, NewJob), Problem> {
    let text = |text: &Text| said.text(text).map_err(misfit);
    // An optional value that is missing leaves nothing.
    let optional = |of: &Option<Text>| -> Result<Option<String>, Problem> {
        let found = of.as_ref().map(text).transpose()?;
        Ok(found.filter(|text| !text.is_empty()))
    };
    let queue = text(&of.queue)?;
    if !shared.config().queues.contains_key(&queue) {
        return Err(invalid(format!(
            "the queue {queue:?} is not declared in queues.toml"
        )));
    }
    let name = text(&of.name)?;
    if name.is_empty() {
        let from = &of.name;
        return Err(invalid(format!(
            "the job has no name: {from:?} is empty",
            from = from.to_string()
        )));
    }
    let delay = match optional(&of.delay)? {
        None => 0,
        Some(text) => match delay(&text) {
            Some(delay) => delay.as_millis() as u64,
            None => {
                return Err(invalid(format!(
                    "the delay {text:?} is neither milliseconds nor a duration such as 5m"
                )));
            }
        },
    };
    let priority = match optional(&of.priority)? {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            invalid(format!(
                "the priority {text:?} is not a whole number from 0"
            ))
        })?,
    };
    let job = NewJob {
        name,
        data: said.json(&of.payload).map_err(misfit)?,
        id: optional(&of.id)?,
        delay,
        priority,
        ..NewJob::default()
    };
    Ok((shared.queue(&queue), job))
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-webhook", detail)
}

/// Add a job by itself. A delivery that is known is told apart in the same call.
async fn one(of: &mut FlowJob, once: Option<&str>, route: &Route) -> Result<Accepted, Problem> {
    of.job.deduplication = once.map(|once| Deduplication {
        id: format!("webhook {once}"),
        ttl: route.once_for.as_millis() as u64,
        ..Deduplication::default()
    });
    let added = of.queue.add(std::slice::from_ref(&of.job)).await?;
    let added = added.into_iter().next();
    let added = added.ok_or_else(|| Problem::bug("an add has no answer"))?;
    Ok(Accepted {
        duplicate: added.instead.is_some(),
        job: told(of, added.id),
        children: Vec::new(),
    })
}

/// Add a flow. Its jobs have ids made of the delivery's, so that a delivery that comes
/// again before it is remembered adds nothing either.
async fn many(
    jobs: &mut [FlowJob],
    once: Option<&str>,
    route: &Route,
) -> Result<Accepted, Problem> {
    let first = jobs[0].queue.clone();
    let known = match once {
        Some(once) => first.delivery(once).await?,
        None => None,
    };
    if let Some(id) = known {
        return Ok(Accepted {
            job: told(&jobs[0], id),
            duplicate: true,
            children: Vec::new(),
        });
    }
    if let Some(once) = once {
        let digest = hex::encode(Sha256::digest(once));
        for (at, of) in jobs.iter_mut().enumerate() {
            let id = || format!("webhook-{}-{at}", &digest[..24]);
            of.job.id.get_or_insert_with(id);
        }
    }
    for of in jobs.iter() {
        of.job.check(of.queue.settings())?;
    }
    let ids = add_flow(None, jobs).await?;
    let ids = ids.ok_or_else(|| Problem::bug("a flow without a current job was refused"))?;
    if let (Some(once), Some(id)) = (once, ids.first()) {
        first.remember_delivery(once, id, route.once_for).await?;
    }
    let mut all = jobs.iter().zip(ids).map(|(of, id)| told(of, id));
    let job = all
        .next()
        .ok_or_else(|| Problem::bug("a flow has no answer"))?;
    Ok(Accepted {
        job,
        duplicate: false,
        children: all.collect(),
    })
}

fn told(of: &FlowJob, id: String) -> Added {
    Added {
        job_id: id,
        queue: of.queue.name().to_owned(),
        name: of.job.name.clone(),
    }
}

/// What the route says, or what was added. A duplicate is answered 200 in any case.
fn answer(route: &Route, accepted: Accepted) -> Response {
    let own = &route.answer;
    let status = match accepted.duplicate {
        true if own.status != 204 => StatusCode::OK,
        _ => StatusCode::from_u16(own.status).unwrap_or(StatusCode::ACCEPTED),
    };
    let duplicate = accepted.duplicate;
    let mut response = match &own.body {
        _ if status == StatusCode::NO_CONTENT => status.into_response(),
        None => (status, Json(accepted)).into_response(),
        Some(body) => {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = status;
            let json = body.starts_with(['{', '[']);
            let kind = match (&own.content_type, json) {
                (Some(kind), _) => HeaderValue::from_str(kind).ok(),
                (None, true) => Some(HeaderValue::from_static("application/json")),
                (None, false) => Some(HeaderValue::from_static("text/plain; charset=utf-8")),
            };
            let kind = kind.map(|kind| (header::CONTENT_TYPE, kind));
            response.headers_mut().extend(kind);
            response
        }
    };
    if duplicate {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(DUPLICATE, yes);
    }
    response
}
