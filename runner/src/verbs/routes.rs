//! The routes of `queues.toml`, by which requests become jobs. Whoever lists them asks
//! here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Config;

/// One of `[[routes]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Route)]
pub struct RouteView {
    /// The method of its requests.
    pub method: String,
    /// Their path; names in braces are parameters.
    pub path: String,
    /// How they prove who has sent them: `github`.
    pub verify: String,
    /// What names a delivery, so that a second one adds nothing.
    pub once: Option<String>,
    /// The jobs that a request becomes, each before those that it waits for.
    pub jobs: Vec<RouteJobView>,
}

/// A job that a request becomes, as templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RouteJob)]
pub struct RouteJobView {
    /// Its queue.
    pub queue: String,
    /// Its name.
    pub name: String,
    /// Its id, if it has one of its own.
    pub id: Option<String>,
    /// Its payload.
    pub payload: String,
}

/// All routes, in the order of the file.
pub fn list(config: &Config) -> Vec<RouteView> {
    let routes = config.routes.iter().map(|route| {
        let jobs = route.job.all().into_iter().map(|job| RouteJobView {
            queue: job.queue.to_string(),
            name: job.name.to_string(),
            id: job.id.as_ref().map(ToString::to_string),
            payload: job.payload.to_string(),
        });
        RouteView {
            method: route.method.name().to_owned(),
            path: route.path.clone(),
            verify: route.verify.scheme.name().to_owned(),
            once: route.once.as_ref().map(ToString::to_string),
            jobs: jobs.collect(),
        }
    });
    routes.collect()
}
