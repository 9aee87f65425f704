//! Webhooks: requests that become jobs, and requests that tell how jobs have ended. Who
//! signs and who verifies is the official library of each provider.

mod counted;
mod docs;
mod flows;
mod incoming;
mod outgoing;
mod refused;

use std::collections::BTreeMap;

use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};

use crate::support::Node;
use crate::support::api::Api;

/// A key of Standard Webhooks.
pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Now, in seconds since 1970, as a sender signs it.
pub(crate) fn seconds() -> u64 {
    crate::support::now() / 1000
}

/// The headers by which the library of a provider signs a request.
pub(crate) fn signed(node: &mut Node, scheme: &str, mut args: Value) -> BTreeMap<String, String> {
    args["scheme"] = scheme.into();
    serde_json::from_value(node.call("sign", args)).unwrap()
}

/// A request of JSON with these headers.
pub(crate) fn request(
    api: &Api,
    path: &str,
    headers: &BTreeMap<String, String>,
    body: &str,
) -> RequestBuilder {
    let request = api.request("POST", path).body(body.to_owned());
    let request = request.header("Content-Type", "application/json");
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

/// The jobs that wait in a queue, in the order in which they were added.
pub(crate) fn waiting(node: &mut Node, queue: &str) -> Vec<Value> {
    let jobs = node.queue(
        queue,
        "getJobs",
        json!([["waiting", "prioritized", "delayed"]]),
    );
    let mut jobs = jobs.as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["timestamp"].as_u64());
    jobs
}
