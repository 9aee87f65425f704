//! `runner api routes`: what there is, and who may.

use crate::api;
use crate::cli::{Cli, output};

pub(super) fn say(cli: &Cli) {
    let routes = api::routes();
    if cli.json {
        output::json(&routes);
        return;
    }
    let rows: Vec<Vec<String>> = routes
        .into_iter()
        .map(|route| vec![route.method, route.path, route.access, route.summary])
        .collect();
    output::table(&["method", "path", "access", ""], &rows);
}
