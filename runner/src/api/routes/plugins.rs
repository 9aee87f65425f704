//! The plugins of this process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::verbs::plugins::{self, Inspection, Summary};

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .add(Access::Viewer, routes!(list))
        .add(Access::Viewer, routes!(get))
        .add(Access::Operator, routes!(reload))
}

/// The plugins of this process, and whether they serve.
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", responses(
    (status = 200, body = [Summary]),
))]
async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Vec<Summary>>, Problem> {
    caller.may_all()?;
    Ok(Json(plugins::list(shared.plugins(), &shared.config())))
}

/// The version of a plugin that serves: what it is made of, and what it may reach.
#[utoipa::path(get, path = "/api/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "A plugin.")),
    responses(
        (status = 200, body = Inspection),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    ))]
async fn get(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Inspection>, Problem> {
    caller.may_all()?;
    let found = plugins::get(shared.plugins(), &shared.config(), &name)?;
    Ok(Json(found))
}

/// Look at the file of a plugin again, as is done by itself when it changes; answers when
/// it has been loaded.
#[utoipa::path(post, path = "/api/plugins/{name}/reload", tag = "plugins",
    params(("name" = String, Path, description = "A plugin.")),
    responses(
        (status = 200, body = Summary),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
async fn reload(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Summary>, Problem> {
    caller.may_all()?;
    let reloaded = plugins::reload(shared.plugins(), &shared.config(), &name).await?;
    shared.audit(&caller, "reload plugin", &name, 1);
    Ok(Json(reloaded))
}
