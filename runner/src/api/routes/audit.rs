//! Who has changed what.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Query;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::audit::{self, Entries, Question};

/// Entries in one answer, at most.
const MOST: u32 = 1000;

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Admin, routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Of this caller only: `token:ci`, `user:ann`.
    who: Option<String>,
    /// Of this verb only: `pause`.
    verb: Option<String>,
    /// Whose target begins with this.
    target: Option<String>,
    /// Not older than this, in ms since 1970.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    since: Option<u64>,
    /// How many entries: 1 to 1000, 100 if it is not said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where an answer went on.
    cursor: Option<String>,
}

/// Who has changed what, the newest first.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(Asked), responses(
    (status = 200, body = Entries),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Entries>, Problem> {
    // It names what was changed, in whatever queue.
    caller.may_all()?;
    let limit = asked.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit is {limit}, and must be 1 to {MOST}"
        )));
    }
    let question = Question {
        who: asked.who,
        verb: asked.verb,
        target: asked.target,
        since: asked.since,
    };
    // What this process has noted is part of the answer.
    shared.audited().await;
    let here = shared.here(&caller);
    let cursor = asked.cursor.as_deref();
    Ok(Json(
        audit::audit(&here, &question, limit as usize, cursor).await?,
    ))
}
