//! `runner contract openapi`: how jobs are added to queues over HTTP.

use super::Bound;
use crate::api;
use crate::cli::output;
use crate::config::Loaded;

pub(super) fn run(loaded: &Loaded, all: &[Bound]) {
    let queues = all
        .iter()
        .map(|of| (of.queue.as_str(), &*of.interface, of.config.strict));
    output::json(&api::openapi(loaded.config.server.as_deref(), queues));
}
