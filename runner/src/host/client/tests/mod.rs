//! Requests against real local servers, sent through [`Grant::send`].

#![allow(clippy::unwrap_used, reason = "tests fail fast")]

mod forgery;
mod limits;
mod lock;
mod names;
mod outbox;
mod redirects;
mod requests;
mod room;
mod tls;
mod told;
mod upstream;
mod wasi;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::{Caller, Error, Grant, Http, Request, Resolve, Response, Room};
use crate::config::{Origin, Plugin};

/// A plugin called `probe` with these origins and networks.
fn plugin(origins: &[&str], networks: &[&str]) -> Plugin {
    Plugin {
        name: "probe".into(),
        http: origins.iter().map(|text| origin(text)).collect(),
        http_networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        ..Plugin::default()
    }
}

/// An origin as the configuration reads it; the star is put aside because it is
/// not part of a URL.
fn origin(text: &str) -> Origin {
    let url = url::Url::parse(&text.replace("*.", "")).unwrap();
    let star = if text.contains("*.") { "*." } else { "" };
    Origin {
        scheme: url.scheme().into(),
        host: format!("{star}{}", url.host_str().unwrap()),
        port: url.port_or_known_default().unwrap(),
    }
}

/// What a plugin with these origins may send, resolving nothing.
fn grant(origins: &[&str]) -> Grant {
    Http::new(Handle::current()).grant(&plugin(origins, &[]))
}

/// A resolver that gives each name these addresses.
fn resolving(addresses: &[IpAddr]) -> Resolve {
    let addresses = addresses.to_vec();
    Arc::new(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    })
}

fn caller() -> Caller {
    caller_with(Duration::from_secs(20))
}

/// A job with so much time left.
fn caller_with(left: Duration) -> Caller {
    Caller {
        queue: "otp-queue".into(),
        job: "42".into(),
        deadline: Instant::now() + left,
        request_id: None,
        trace: None,
        nth: 1,
        room: Room::default(),
        cost: Arc::default(),
    }
}

fn get(url: impl Into<String>) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
        timeout: None,
        redirects: 0,
        idempotent: false,
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let found = response.headers.iter().find(|(given, _)| given == name)?;
    Some(&found.1)
}

/// The text of an error of this kind, `denied`, `invalid` and so on.
#[track_caller]
fn text(kind: &str, result: Result<Response, Error>) -> String {
    let error = result
        .map(|response| response.status)
        .expect_err("the request was answered");
    assert_eq!(super::response::label(&error), kind, "{error:?}");
    match error {
        Error::Denied(text)
        | Error::Invalid(text)
        | Error::Dns(text)
        | Error::Connect(text)
        | Error::Tls(text)
        | Error::Timeout(text)
        | Error::TooLarge(text)
        | Error::Protocol(text) => text,
    }
}
