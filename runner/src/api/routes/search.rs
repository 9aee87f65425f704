//! Searching jobs in one queue or many, told while it goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Query;
use crate::api::problem::Problem;
use crate::api::routes::queues::states;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::units;
use crate::verbs;
use crate::verbs::filter::Filter;
use crate::verbs::jobs::shorten;
use crate::verbs::search::{Answer, Bounds, Call, Line, Order, Search};

/// Jobs found, and looked at, by a call that does not say.
const LIMIT: usize = 100;
const SCAN: u64 = 100_000;
/// The most that a call may ask for.
const LIMIT_MOST: usize = 1_000;
const SCAN_MOST: u64 = 10_000_000;
const TIME: Duration = Duration::from_secs(10);
const TIME_MOST: Duration = Duration::from_secs(60);
/// How often a call says how far it is.
const PROGRESS: Duration = Duration::from_millis(200);

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(search))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What to look for: texts and terms (docs/search.md).
    #[serde(default)]
    #[param(example = "name:email-* data.shopId:7 error:timeout since:2h")]
    q: String,
    /// In which queues: names with commas between, `*` for any characters; all that the
    /// caller may see if it is left out.
    queue: Option<String>,
    /// In these states, with commas between, in this order; in all that `q` names if it is
    /// left out.
    #[param(example = "failed,delayed")]
    state: Option<String>,
    /// Whether to go through one state of one queue after the other, as lists do; through
    /// all states of a queue at once if it is left out.
    in_turn: Option<bool>,
    /// Jobs to find at most, 1 to 1000; 100 if it is left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Jobs to look at most, 1 to 10 000 000; 100 000 if it is left out.
    #[param(minimum = 1, maximum = 10_000_000)]
    scan: Option<u64>,
    /// How long to look at most: `10s` if it is left out, `60s` at most.
    #[param(example = "5s")]
    time: Option<String>,
    /// Where to go on: the cursor of an earlier call with the same `q`, `queue`,
    /// `state` and `inTurn`.
    cursor: Option<String>,
    /// Also what is longer than 16 KiB.
    full: Option<bool>,
}

impl Asked {
    fn bounds(&self) -> Result<Bounds, Problem> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            let text = format!("limit={limit} is out of bounds; it is 1 to {LIMIT_MOST}");
            return Err(Problem::invalid(text));
        }
        let scan = self.scan.unwrap_or(SCAN);
        if !(1..=SCAN_MOST).contains(&scan) {
            let text = format!("scan={scan} is out of bounds; it is 1 to {SCAN_MOST}");
            return Err(Problem::invalid(text));
        }
        let time = match self.time.as_deref() {
            None => TIME,
            Some(text) => units::read_duration(text)
                .filter(|time| (Duration::from_millis(1)..=TIME_MOST).contains(time))
                .ok_or_else(|| {
                    let text = format!("time={text:?} is no duration of 1ms to 60s, such as 5s");
                    Problem::invalid(text)
                })?,
        };
        Ok(Bounds { limit, scan, time })
    }
}

/// Search jobs.
///
/// Answers with newline-delimited JSON, whose lines are jobs, how far the search is, and
/// at last how it has stopped; as an event stream or as one document if `Accept` asks for
/// it. A job that moves while the search goes on is told once; of texts that are longer
/// than 16 KiB the beginnings are told (`cut` has their sizes), unless `full`.
#[utoipa::path(get, path = "/api/search", tag = "search", params(Asked), responses(
    (status = 200, description = "What was found", content(
        (Line = "application/x-ndjson"),
        (Line = "text/event-stream"),
        (Answer = "application/json"),
    )),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
async fn search(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let filter: Filter = asked.q.parse().map_err(verbs::Error::from)?;
    let bounds = asked.bounds()?;
    let targets = shared.targets(&caller, asked.queue.as_deref()).await?;
    let states = states(asked.state.as_deref())?;
    let full = asked.full.unwrap_or_default();
    let order = match asked.in_turn.unwrap_or_default() {
        true => Order::InTurn,
        false => Order::AtOnce,
    };
    let cursor = asked.cursor.as_deref();
    let search = Search::begin(targets, filter, &states, order, cursor).await?;
    let mut call = Call::new(search, bounds);
    let form = match Form::of(&headers) {
        Form::Document => {
            let mut jobs = Vec::new();
            let stop = loop {
                match call.next().await? {
                    Ok(found) => jobs.extend(found),
                    Err(stop) => break stop,
                }
            };
            if !full {
                jobs.iter_mut().for_each(shorten);
            }
            return Ok(Json(Answer {
                looked_at: stop.progress.looked_at,
                total: stop.progress.total,
                jobs,
                cursor: stop.cursor,
            })
            .into_response());
        }
        form => form,
    };
    let head = [
        (header::CONTENT_TYPE, form.kind()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((StatusCode::OK, head, told(call, form, full)).into_response())
}

/// A search, told while it goes on.
fn told(call: Call, form: Form, full: bool) -> Body {
    let told = Some((call, None::<Instant>));
    let lines = stream::unfold(told, move |told| async move {
        let (mut call, mut said) = told?;
        let mut text = String::new();
        if said.is_none() {
            // Whoever waits for the first job sees at once how many there are.
            form.write(&mut text, "progress", &Line::Progress(call.progress()));
            let said = Some(Instant::now());
            return Some((Ok::<Bytes, Infallible>(text.into()), Some((call, said))));
        }
        // Empty chunks would end the answer.
        while text.is_empty() {
            match call.next().await {
                Ok(Ok(jobs)) => {
                    for mut job in jobs {
                        if !full {
                            shorten(&mut job);
                        }
                        form.write(&mut text, "job", &Line::Job(Box::new(job)));
                    }
                    if said.is_none_or(|said| said.elapsed() > PROGRESS) {
                        said = Some(Instant::now());
                        form.write(&mut text, "progress", &Line::Progress(call.progress()));
                    }
                }
                Ok(Err(stop)) => {
                    form.write(&mut text, "end", &Line::End(stop));
                    return Some((Ok(text.into()), None));
                }
                Err(error) => {
                    form.write(&mut text, "problem", &Told::Problem(error.into()));
                    return Some((Ok(text.into()), None));
                }
            }
        }
        Some((Ok(text.into()), Some((call, said))))
    });
    Body::from_stream(lines)
}

/// A line that is none of a search.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
enum Told {
    Problem(Problem),
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Document,
    Lines,
    Events,
}

impl Form {
    /// What the caller asks for; lines, if it is all the same.
    fn of(headers: &HeaderMap) -> Form {
        let accept = headers.get(header::ACCEPT);
        let accept = accept
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or_default();
        let kinds = accept.split(',').map(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            kind.trim().to_ascii_lowercase()
        });
        for kind in kinds {
            match kind.as_str() {
                "application/json" => return Form::Document,
                "application/x-ndjson" | "*/*" => return Form::Lines,
                "text/event-stream" => return Form::Events,
                _ => {}
            }
        }
        Form::Lines
    }

    fn kind(self) -> &'static str {
        match self {
            Form::Document => "application/json",
            Form::Lines => "application/x-ndjson",
            Form::Events => "text/event-stream",
        }
    }

    fn write(self, text: &mut String, event: &str, line: &impl serde::Serialize) {
        let line = serde_json::to_string(line).expect("own types serialise to JSON");
        match self {
            Form::Events => text.extend(["event: ", event, "\ndata: ", &line, "\n\n"]),
            Form::Document | Form::Lines => text.extend([&line, "\n"]),
        }
    }
}
