//! The one way to add a route: with the access that it needs. The role stands in the
//! OpenAPI document as `x-access`, made from the same value that is checked.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::access::{self, Access, Caller};
use super::hooks::{self, Taken};
use super::problem::Problem;
use super::shared::Shared;

/// Where the description of a route has its access.
const ACCESS: &str = "x-access";

/// A route, for people and tests.
#[derive(Debug, Clone, Serialize)]
pub struct Route {
    /// `GET`
    pub method: String,
    /// `/api/queues/{queue}`
    pub path: String,
    /// The least that a caller must be: `open`, `viewer`, `operator`, `admin`.
    pub access: String,
    /// What it does.
    pub summary: String,
}

/// Routes, each with its access.
pub(super) struct Routes(OpenApiRouter<Arc<Shared>>);

impl Routes {
    /// None yet.
    pub(super) fn new(document: OpenApi) -> Routes {
        Routes(OpenApiRouter::with_openapi(document))
    }

    /// Add what `routes!` makes of a handler. A queue that the path names, always as
    /// `{queue}`, must be one of the caller's, too.
    pub(super) fn add(
        self,
        access: Access,
        (schemas, mut paths, methods): UtoipaMethodRouter<Arc<Shared>>,
    ) -> Routes {
        for item in paths.paths.values_mut() {
            for (_, operation) in operations(item) {
                describe(operation, access);
            }
        }
        let methods =
            methods.layer(middleware::from_fn(
                move |caller: Caller,
                      path: Result<RawPathParams, _>,
                      request: Request,
                      next: Next| async move {
                    match allowed(&caller, access, path) {
                        Ok(()) => next.run(request).await,
                        Err(problem) => problem.into_response(),
                    }
                },
            ));
        Routes(self.0.routes((schemas, paths, methods)))
    }

    /// The description alone.
    pub(super) fn document(&self) -> &OpenApi {
        self.0.get_openapi()
    }

    /// What there is, and who may.
    pub(super) fn list(&self) -> Vec<Route> {
        let paths = self.document().paths.paths.clone();
        let of_path = |(path, mut item): (String, PathItem)| {
            let route = move |(method, operation): (&str, &mut Operation)| Route {
                method: method.to_owned(),
                path: path.clone(),
                access: access_of(operation).unwrap_or_default(),
                summary: operation.summary.clone().unwrap_or_default(),
            };
            let routes: Vec<Route> = operations(&mut item).map(route).collect();
            routes
        };
        paths.into_iter().flat_map(of_path).collect()
    }

    /// The application.
    pub(super) fn finish(self, shared: Arc<Shared>) -> axum::Router {
        let (router, document) = self.0.split_for_parts();
        let authenticate = |State(shared): State<Arc<Shared>>, request: Request, next: Next| async move {
            authenticated(&shared, request, next).await
        };
        let taken = Arc::new(Taken::of(&document));
        for warning in taken.warnings(&shared.config().routes) {
            tracing::warn!("{warning}");
        }
        router
            .fallback(async |caller: Caller, request: Request| {
                let missing = Problem::no_route(request.uri().path());
                caller.has(Access::Viewer).err().unwrap_or(missing)
            })
            .method_not_allowed_fallback(async |caller: Caller, request: Request| {
                let missing = Problem::no_method(request.method(), request.uri().path());
                caller.has(Access::Viewer).err().unwrap_or(missing)
            })
            .layer(middleware::from_fn_with_state(shared.clone(), authenticate))
            .layer(middleware::from_fn_with_state(
                (shared.clone(), taken),
                hooks::dispatch,
            ))
            .layer(access::cors(shared.gate()))
            .with_state(shared)
    }
}

/// Find out who calls before anything else is done.
async fn authenticated(shared: &Arc<Shared>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let caller = access::caller(shared.gate(), &head).await;
    let caller = caller.map(|caller| caller.covered(&head));
    let refused = shared.count(caller.as_ref().ok(), &head).err();
    let is_script = access::is_script(&head);
    let response = match (refused, caller) {
        (Some(problem), _) | (None, Err(problem)) => problem.into_response(),
        (None, Ok(caller)) => {
            head.extensions.insert(caller.clone());
            let response = next.run(Request::from_parts(head, body)).await;
            access::while_allowed(shared.gate(), caller, response)
        }
    };
    access::finish(shared.gate(), is_script, response)
}

fn allowed(
    caller: &Caller,
    access: Access,
    path: Result<RawPathParams, RawPathParamsRejection>,
) -> Result<(), Problem> {
    caller.has(access)?;
    if access == Access::Open {
        return Ok(());
    }
    let path = path.map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-path",
            "a part of the path is not UTF-8",
        )
    })?;
    let mut queues = path.iter().filter(|(name, _)| *name == "queue");
    queues.try_for_each(|(_, queue)| caller.may(queue))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let methods = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
        ("HEAD", &mut item.head),
    ];
    let methods = methods.into_iter();
    methods.filter_map(|(name, operation)| Some((name, operation.as_mut()?)))
}

fn access_of(operation: &Operation) -> Option<String> {
    let extensions = operation.extensions.as_ref()?;
    Some(extensions.get(ACCESS)?.as_str()?.to_owned())
}

fn describe(operation: &mut Operation, access: Access) {
    let extension = ExtensionsBuilder::new().add(ACCESS, json!(access.name()));
    operation.extensions = Some(extension.build());
    operation.security = match access {
        Access::Open => None,
        _ => {
            let ways = ["token", "basic", "session"];
            Some(
                ways.map(|way| SecurityRequirement::new(way, [""; 0]))
                    .to_vec(),
            )
        }
    };
}
