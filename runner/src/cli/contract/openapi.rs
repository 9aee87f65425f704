//! `runner contract openapi`: the request bodies of queues.

use super::Bound;
use crate::cli::output;
use crate::contract;

pub(super) fn run(all: &[Bound]) {
    let queues = all
        .iter()
        .map(|of| (of.queue.as_str(), &*of.interface, of.config.strict));
    output::json(&contract::openapi(queues));
}
