//! What the server itself has, which no route of `queues.toml` can have, too.

use std::sync::Arc;

use utoipa::openapi::OpenApi;

use super::find::parameters;
use crate::config::webhook::Route;

/// The paths of the server, each with its methods.
pub(in crate::api) struct Taken(Vec<(String, Vec<&'static str>)>);

impl Taken {
    /// As the document has them.
    pub(in crate::api) fn of(document: &OpenApi) -> Taken {
        let paths = document.paths.paths.iter().map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let methods = methods.into_iter().filter(|(_, there)| *there);
            (path.clone(), methods.map(|(method, _)| method).collect())
        });
        Taken(paths.collect())
    }

    /// The path by which the server takes such requests itself.
    pub(super) fn has(&self, method: &str, path: &str) -> Option<&str> {
        let mut paths = self.0.iter();
        let own = paths
            .find(|(own, methods)| methods.contains(&method) && parameters(own, path).is_some());
        own.map(|(path, _)| path.as_str())
    }

    /// What is wrong with routes that are never reached.
    pub(in crate::api) fn warnings(&self, routes: &[Arc<Route>]) -> Vec<String> {
        let shadowed = routes.iter().filter_map(|route| {
            let method = route.method.name();
            let own = self.has(method, &route.path)?;
            Some(format!(
                "the route {method} {} is never reached: the server itself has {method} {own}; give it another `path`",
                route.path
            ))
        });
        shadowed.collect()
    }
}
