//! The one way to add a route: with the access that it needs. The role stands in the
//! OpenAPI document as `x-access`, made from the same value that is checked.

use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::access::{self, Access, Caller};
use super::hooks::{self, Taken};
use super::problem::Problem;
use super::shared::Shared;

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
            for operation in operations(item) {
                describe(operation, access);
            }
        }
        let methods = methods.layer(middleware::from_fn(
            move |caller: Caller, path: RawPathParams, request: Request, next: Next| async move {
                match allowed(&caller, access, &path) {
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
            .fallback(async |request: Request| Problem::no_route(request.uri().path()))
            .method_not_allowed_fallback(async |request: Request| {
                Problem::no_method(request.method(), request.uri().path())
            })
            .layer(middleware::from_fn_with_state(shared.clone(), authenticate))
            .layer(middleware::from_fn_with_state(
                (shared.clone(), taken),
                hooks::dispatch,
            ))
            .with_state(shared)
    }
}

/// Find out who calls before anything else is done.
async fn authenticated(shared: &Shared, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let caller = access::caller(shared, &head).await;
    if let Err(problem) = shared.count(caller.as_ref().ok(), &head) {
        return problem.into_response();
    }
    match caller {
        Ok(caller) => {
            head.extensions.insert(caller);
            next.run(Request::from_parts(head, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn allowed(caller: &Caller, access: Access, path: &RawPathParams) -> Result<(), Problem> {
    caller.has(access)?;
    if access == Access::Open {
        return Ok(());
    }
    let mut queues = path.iter().filter(|(name, _)| *name == "queue");
    queues.try_for_each(|(_, queue)| caller.may(queue))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.head,
    ];
    methods.into_iter().filter_map(Option::as_mut)
}

fn describe(operation: &mut Operation, access: Access) {
    let extension = ExtensionsBuilder::new().add("x-access", json!(access.name()));
    operation.extensions = Some(extension.build());
    operation.security = match access {
        Access::Open => None,
        _ => Some(vec![SecurityRequirement::new("token", [""; 0])]),
    };
}
