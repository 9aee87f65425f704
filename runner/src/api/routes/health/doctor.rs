//! What is wrong with this process and its Redis, and what to do about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::observe::doctor::{self, Check, Report};

/// What concerns the whole process.
const WHOLE: [&str; 4] = ["configuration", "system", "plugins", "redis"];

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(report))
}

/// What is wrong, and what to do about it, as `runner doctor` says it: the system, the
/// configuration, Redis, the plugins, and each queue.
///
/// A viewer sees the contracts and queues that are its own; an operator whose credentials
/// are for all queues sees everything. `leftOut` names the areas that were left out. The
/// answer is 200 whatever it says.
#[utoipa::path(get, path = "/api/doctor", tag = "observe", responses(
    (status = 200, body = Report),
))]
async fn report(State(shared): State<Arc<Shared>>, caller: Caller) -> Json<Report> {
    let mut checks = shared.checks();
    let look = shared.look(true);
    match doctor::stored(shared.redis(), &shared.config(), look).await {
        Ok(stored) => checks.extend(stored),
        Err(error) => checks.push(doctor::unreachable(&error.to_string())),
    }
    let sees_all = caller.has(Access::Operator).is_ok() && caller.may_all().is_ok();
    // Whether anything can be said of queues concerns everybody.
    let is_gone = Report::of(checks.clone()).is_unreachable();
    let shown = |check: &Check| match WHOLE.contains(&&*check.area) {
        true => sees_all || is_gone && check.area == "redis",
        // Its name begins with that of the queue.
        false => caller
            .may(check.name.split(' ').next().unwrap_or_default())
            .is_ok(),
    };
    checks.retain(shown);
    let left_out = match sees_all {
        true => Vec::new(),
        false => WHOLE.map(str::to_owned).to_vec(),
    };
    Json(Report {
        left_out,
        ..Report::of(checks)
    })
}
