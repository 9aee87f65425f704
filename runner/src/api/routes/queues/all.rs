//! All queues, each with the verdict on it and its plugins.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::access::{Access, Caller};
use crate::api::extract::Query;
use crate::api::problem::Problem;
use crate::api::routing::Routes;
use crate::api::shared::Shared;
use crate::config;
use crate::observe::health::Verdict;
use crate::plugin::Status;
use crate::queue::{self, Queue};
use crate::verbs::queues::{Ask, Listed};

pub(super) fn add(routes: Routes) -> Routes {
    routes.add(Access::Viewer, routes!(list))
}

/// Which queues are asked for, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only queues whose name matches; `*` matches any characters.
    name: Option<String>,
    /// Only paused ones, or only others.
    paused: Option<bool>,
    /// Only those of queues.toml, or only others.
    declared: Option<bool>,
    /// By `name`, `workers` or the number of jobs in a state, such as `failed`; a `-` in
    /// front turns the order round.
    #[param(example = "-failed")]
    sort: Option<String>,
}

/// A queue among others, and how it fares.
#[derive(Debug, Serialize, ToSchema)]
struct QueueListed {
    #[serde(flatten)]
    listed: Listed,
    /// How it fares; null for a queue that queues.toml does not declare.
    verdict: Option<Verdict>,
    /// The plugins that run its jobs here.
    plugins: Vec<QueuePlugin>,
}

/// A plugin of a queue.
#[derive(Debug, Serialize, ToSchema)]
struct QueuePlugin {
    /// Its name.
    name: String,
    /// The version that serves: its name and the first twelve digits of its digest; null
    /// when none does.
    version: Option<String>,
    /// Why the file that is there now does not serve.
    reason: Option<String>,
}

/// All queues, declared or in Redis, with their jobs, the verdict on each, and its plugins.
///
/// A queue that is not declared may show up ten seconds late.
#[utoipa::path(
    get, path = "/api/queues", tag = "queues", params(Asked),
    responses(
        (status = 200, body = Vec<QueueListed>),
    ),
)]
async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<QueueListed>>, Problem> {
    let ask = Ask {
        name: asked.name,
        paused: asked.paused,
        declared: asked.declared,
        sort: asked.sort,
    };
    let look = shared.look(true).await?;
    let plugins = look.plugins();
    let declared = look.queues().iter().zip(look.verdicts());
    let declared = declared.map(|((queue, survey), verdict)| QueueListed {
        listed: Listed::of(queue.name.clone(), true, survey.counts, look.workers()),
        verdict: Some(verdict),
        plugins: of(queue, plugins),
    });
    let mut queues: Vec<QueueListed> = declared.collect();
    let config = shared.config();
    let names = shared.known_queues().names(shared.redis()).await?;
    let names = names.into_iter();
    let others: Vec<String> = names
        .filter(|name| !config.queues.contains_key(name))
        .collect();
    let connected: Vec<Queue> = others.iter().map(|name| shared.queue(name)).collect();
    let surveys = queue::survey(&connected, false).await?;
    queues.extend(
        others
            .into_iter()
            .zip(surveys)
            .map(|(name, survey)| QueueListed {
                listed: Listed::of(name, false, survey.counts, look.workers()),
                verdict: None,
                plugins: Vec::new(),
            }),
    );
    queues.retain(|queue| caller.may(&queue.listed.queue).is_ok());
    Ok(Json(ask.of(queues, |queue| &queue.listed)?))
}

/// The plugins that a queue names, each once.
fn of(queue: &config::Queue, plugins: &[Status]) -> Vec<QueuePlugin> {
    let named = |status: &&Status| queue.plugins().any(|name| name == status.name);
    let plugins = plugins.iter().filter(named).map(|status| QueuePlugin {
        name: status.name.clone(),
        version: status
            .serving
            .as_ref()
            .map(|plugin| plugin.version.to_string()),
        reason: status.refusal.as_ref().map(ToString::to_string),
    });
    plugins.collect()
}
