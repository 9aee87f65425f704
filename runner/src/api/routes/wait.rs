//! Waiting for the end of a job that a request has added.

use std::time::Duration;

use http::StatusCode;

use crate::api::access::Caller;
use crate::api::desk::Desk;
use crate::api::events::hub::{End, Heard};
use crate::api::problem::Problem;
use crate::api::shared::Shared;
use crate::queue::{Brief, State};
use crate::verbs::add::{Addition, Instead, Span};
use crate::verbs::raw::raw;

/// The longest time for which a request waits.
const LONGEST: Duration = Duration::from_secs(300);

/// The time that is asked for.
pub(super) fn time(Span(millis): Span) -> Result<Duration, Problem> {
    let time = Duration::from_millis(millis);
    match time <= LONGEST {
        true => Ok(time),
        false => Err(Problem::invalid(format!(
            "wait={millis} is longer than 5m, the longest; ask for the job's status instead"
        ))),
    }
}

/// How the job ends, or where it is when the time is over or the server stops. What is
/// heard must have begun before the job was added.
pub(super) async fn end(
    shared: &Shared,
    desk: &Desk,
    addition: &Addition,
    mut heard: Heard,
    time: Duration,
) -> Result<Result<End, State>, Problem> {
    let id = &addition.job_id;
    match addition.instead {
        None => {}
        Some(Instead::Kept) => return Ok(Err(State::Active)),
        Some(Instead::Known | Instead::Deduplicated) => {
            // That one may have ended long ago.
            if let Some(end) = desk.finder.find(id).await?.and_then(ended) {
                return Ok(Ok(end));
            }
        }
    }
    tokio::select! {
        end = heard.end_of(desk.queue(), id) => return Ok(Ok(end?)),
        () = tokio::time::sleep(time) => {}
        () = shared.stopping() => {}
    }
    let job = desk.finder.find(id).await?;
    Ok(Err(job.map_or(State::Unknown, |job| job.state)))
}

fn ended(job: Brief) -> Option<End> {
    match job.state {
        State::Completed => Some(End::Completed(job.returnvalue.unwrap_or_default())),
        State::Failed => Some(End::Failed(job.failed_reason.unwrap_or_default())),
        _ => None,
    }
}

/// Put the end of a job with this payload into the answer.
pub(super) fn put(
    end: Result<End, State>,
    addition: &mut Addition,
    desk: &Desk,
    caller: &Caller,
    mut data: String,
) -> StatusCode {
    let cover = desk.cover_for(caller);
    let (state, status) = match end {
        Ok(End::Completed(mut result)) => {
            cover.values(&addition.name, &mut data, Some(&mut result));
            addition.returnvalue = Some(raw(result));
            (State::Completed, StatusCode::OK)
        }
        Ok(End::Failed(reason)) => {
            let says = cover.redactor(&addition.name, &data);
            addition.failed_reason = Some(says.redact(reason));
            (State::Failed, StatusCode::OK)
        }
        Ok(End::Gone) => (State::Unknown, StatusCode::OK),
        Err(state) => (state, StatusCode::ACCEPTED),
    };
    state.name().clone_into(&mut addition.state);
    status
}
