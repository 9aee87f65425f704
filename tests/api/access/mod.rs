//! Who may use the HTTP API, and what for.

mod audit;
mod browsers;
mod covered;
mod jwt;
mod people;
mod secrecy;
mod streams;
mod tokens;
mod walk;

use reqwest::blocking::Client;
use runner::verbs::secrets;
use serde_json::Value;

use super::served;
use crate::support::api::{Answer, answer};
use crate::support::{Redis, Runner, Setup};

/// The token of this name, as it is sent.
pub(in crate::api) fn secret(name: &str) -> String {
    format!("the-token-of-{name}-0123456789")
}

/// `[server.tokens.<name>]` with these keys.
pub(in crate::api) fn token(name: &str, keys: &str) -> String {
    let digest = hex::encode(secrets::digest(&secret(name)));
    format!("[server.tokens.{name}]\ntoken = \"sha256:{digest}\"\n{keys}\n")
}

/// One token per role, one of an admin for some queues, and one that has expired.
pub(in crate::api) fn tokens() -> String {
    [
        token("viewer", "role = \"viewer\""),
        token("operator", "role = \"operator\""),
        token("admin", "role = \"admin\""),
        token("mine", "role = \"admin\"\nqueues = [\"my-*\"]"),
        token("old", "role = \"admin\"\nexpires = 2020-01-01T00:00:00Z"),
    ]
    .concat()
}

/// What the server answers to whoever shows this token.
pub(in crate::api) fn ask(runner: &Runner, name: &str, method: &str, path: &str) -> Answer {
    answer(runner.api().request(method, path).bearer_auth(secret(name)))
}

/// A server with these tables after `[server]`.
pub(in crate::api) fn guarded(redis: &Redis, toml: &str) -> (Setup, Runner) {
    let setup = served(redis, toml);
    let runner = setup.serve();
    (setup, runner)
}

/// The `detail` of a problem.
pub(in crate::api) fn detail(answer: &Answer) -> &str {
    answer.body["detail"].as_str().unwrap_or_default()
}

/// What the server says of a request with these headers, with all of its own.
pub(in crate::api) fn send(
    runner: &Runner,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> reqwest::blocking::Response {
    let url = format!("http://{}{path}", runner.api().address());
    let client = Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().expect("the server answers")
}

/// The queues.toml of a setup.
pub(in crate::api) fn text(setup: &Setup) -> String {
    std::fs::read_to_string(setup.path("queues.toml")).expect("a file")
}
