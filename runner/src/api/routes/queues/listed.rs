//! The jobs of a queue, by the page.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::{states, target};
use crate::api::access::{Access, Caller};
use crate::api::extract::{Path, Query};
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::filter::Filter;
use crate::verbs::jobs::{found_by, shorten};
use crate::verbs::search::{Answer, Bounds};

/// Jobs of a page that does not say.
const LIMIT: usize = 50;
/// The most of a page.
const MOST: usize = 1000;
/// Jobs that are looked at for a page.
const SCAN: u64 = 20_000;
/// How long is looked for a page.
const TIME: Duration = Duration::from_secs(2);

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(jobs))
}

/// Which jobs are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// In these states, with commas between; in all if it is left out.
    #[param(example = "failed,delayed")]
    state: Option<String>,
    /// Only jobs whose name matches; `*` matches any characters.
    name: Option<String>,
    /// Only jobs that match a query of the search language.
    #[param(example = "data.shopId:7 error:timeout since:2h")]
    q: Option<String>,
    /// Jobs of the page, 1 to 1000; 50 if it is left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Also what is longer than 16 KiB.
    full: Option<bool>,
}

impl Asked {
    fn filter(&self) -> Result<Filter, Problem> {
        let name = self.name.as_ref().map(|name| format!("name:{name}"));
        let words: Vec<String> = self.q.iter().cloned().chain(name).collect();
        words.join(" ").parse().map_err(Problem::filter)
    }

    fn bounds(&self) -> Result<Bounds, Problem> {
        let limit = self.limit.unwrap_or(LIMIT);
        match limit {
            1..=MOST => Ok(Bounds {
                limit,
                scan: SCAN,
                time: TIME,
            }),
            _ => Err(Problem::invalid(format!(
                "limit={limit} is out of bounds; it is 1 to {MOST}, and the cursor goes on"
            ))),
        }
    }
}

/// Jobs of a queue: those that run next come first, ended ones newest first.
#[utoipa::path(
    get, path = "/api/queues/{queue}/jobs", tag = "queues",
    params(("queue" = String, Path, description = "The queue."), Asked),
    responses(
        (status = 200, body = Answer),
    ),
)]
async fn jobs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(queue): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Answer>, Problem> {
    let (states, filter, bounds) = (
        states(asked.state.as_deref())?,
        asked.filter()?,
        asked.bounds()?,
    );
    let target = target(&shared, &caller, &queue).await?;
    let cursor = asked.cursor.as_deref();
    let mut answer = found_by(vec![target], filter, &states, bounds, cursor).await?;
    if !asked.full.unwrap_or_default() {
        answer.jobs.iter_mut().for_each(shorten);
    }
    Ok(Json(answer))
}
