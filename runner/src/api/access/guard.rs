//! What browsers could be made to do by pages of others: call us under another name, with
//! the user's credentials, or show our answers as something else.

use std::net::IpAddr;
use std::time::Duration;

use axum::response::Response;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use url::Host;

use super::Gate;
use crate::api::listen::Peer;
use crate::api::problem::Problem;
use crate::config::{Access, Listen, Server};

/// The address that a request comes from, if it comes over a network.
pub(super) fn address(head: &Parts) -> Option<IpAddr> {
    match head.extensions.get::<Peer>() {
        Some(Peer::Tcp(address)) => Some(address.ip().to_canonical()),
        _ => None,
    }
}

/// Refuse a request for another host. A page whose own name was made to lead here (DNS
/// rebinding) is one of us to its browser; its name gives it away.
pub(super) fn host(head: &Parts, server: &Server) -> Result<(), Problem> {
    let mut named = head.headers.get_all(header::HOST).iter();
    let host = named.next();
    if named.next().is_some() {
        return Err(Problem::invalid("there are two headers Host"));
    }
    if host.is_none() && head.uri.authority().is_none() {
        return match head.version {
            // It has no such header, and no browser speaks it.
            Version::HTTP_10 | Version::HTTP_09 => Ok(()),
            _ => Err(Problem::invalid("there is no header Host")),
        };
    }
    let host = host.map(|host| {
        host.to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok())
    });
    // A request in absolute form names the host itself, too.
    let mut all = host
        .into_iter()
        .chain(head.uri.authority().cloned().map(Some));
    match all.all(|host| host.is_some_and(|host| is_ours(&host, server))) {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign-host",
            "the request is for another host; add its name to `hosts` of [server] if it is ours",
        )),
    }
}

fn is_ours(authority: &Authority, server: &Server) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let Listen::Tcp(listen) = &server.listen else {
        // Nobody's browser reaches a socket.
        return true;
    };
    let Ok(host) = Host::parse(authority.host()) else {
        return false;
    };
    let listen = listen.ip().to_canonical();
    let is_address = |ip: IpAddr| match listen {
        // No name leads here that is an address itself.
        listen if listen.is_unspecified() => true,
        listen if listen.is_loopback() => ip.to_canonical().is_loopback(),
        listen => ip.to_canonical() == listen,
    };
    let ours = match &host {
        Host::Domain(name) => {
            name == "localhost" && (listen.is_loopback() || listen.is_unspecified())
        }
        Host::Ipv4(ip) => is_address(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => is_address(IpAddr::V6(*ip)),
    };
    ours || server.access.hosts.contains(&host.to_string())
}

/// Refuse what a page of another site makes a browser do with the user's credentials, or
/// from the user's machine. Browsers say which site a request is of; what says nothing is
/// no browser.
pub(super) fn same_site(head: &Parts, server: &Server) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method) {
        return Ok(());
    }
    let text = |name: &str| {
        let mut values = head.headers.get_all(name).iter();
        values.next().map(|value| value.to_str().unwrap_or("?"))
    };
    let origin = text("origin");
    if origin.is_some_and(|origin| is_listed(origin, &server.access)) {
        return Ok(());
    }
    let is_own = match (text("sec-fetch-site"), origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (Some(_), _) => false,
        (None, Some(origin)) => {
            let own = origin.split_once("://").map(|(_, host)| host);
            own.is_some() && own == text("host")
        }
    };
    match is_own {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "a page of another site has sent this; add its origin to `origins` of [server] if it may",
        )),
    }
}

fn is_listed(origin: &str, access: &Access) -> bool {
    access.origins.iter().any(|listed| listed == origin)
}

/// What browsers are told about pages of other origins: those that are listed may call,
/// others are not even answered to.
pub(in crate::api) fn cors(gate: &Gate) -> CorsLayer {
    let lists = || {
        let configs = gate.configs.clone();
        move |origin: &HeaderValue, _: &Parts| {
            let server = configs.borrow().server.clone();
            let origin = origin.to_str().unwrap_or_default();
            server.is_some_and(|server| is_listed(origin, &server.access))
        }
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(lists()))
        .allow_credentials(AllowCredentials::predicate(lists()))
        .allow_methods(AllowMethods::list([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ]))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::RETRY_AFTER,
            header::LOCATION,
            header::WWW_AUTHENTICATE,
        ])
        .max_age(Duration::from_secs(600))
}

/// What every answer says: it is what its type says, it is for who has asked, and no page
/// of another site may show it as its own.
pub(in crate::api) fn seal(response: &mut Response) {
    let headers = response.headers_mut();
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Whether a script of a page asks, and not its user.
pub(in crate::api) fn is_script(head: &Parts) -> bool {
    let mode = head.headers.get("sec-fetch-mode");
    mode.is_some_and(|mode| mode != "navigate")
}

/// How to come in. A script that asks would have its user's browser ask for a password,
/// so it is told of tokens only.
pub(super) fn challenge(is_script: bool, access: &Access, headers: &mut HeaderMap) {
    let bearer = HeaderValue::from_static("Bearer realm=\"runner\"");
    headers.append(header::WWW_AUTHENTICATE, bearer);
    if !access.users.is_empty() && !is_script {
        let basic = HeaderValue::from_static("Basic realm=\"runner\", charset=\"UTF-8\"");
        headers.append(header::WWW_AUTHENTICATE, basic);
    }
}
