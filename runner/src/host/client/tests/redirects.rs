//! Redirects: followed as asked, each hop checked, credentials kept home.

use super::upstream::{Upstream, answer};
use super::*;
use crate::config::Secret;

/// A server whose `/` redirects with this status to that place.
async fn redirecting(status: u16, location: impl Into<String>) -> Upstream {
    let location = format!("location: {}", location.into());
    Upstream::start(move |path| match path {
        "/" => answer(&format!("{status} Moved"), &[&location], ""),
        _ => answer("200 OK", &[], "there"),
    })
    .await
}

fn following(url: impl Into<String>) -> Request {
    Request {
        redirects: 5,
        ..get(url)
    }
}

#[tokio::test]
async fn a_redirect_is_the_response_unless_following_was_asked_for() {
    let upstream = redirecting(302, "/next").await;
    let grant = grant(&[&upstream.origin()]);
    let response = grant.send(&caller(), get(upstream.url("/"))).await.unwrap();
    assert_eq!(
        (response.status, header(&response, "location")),
        (302, Some("/next"))
    );
    let response = grant
        .send(&caller(), following(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(
        (response.status, response.url),
        (200, upstream.url("/next"))
    );
}

#[tokio::test]
async fn methods_and_content_change_as_rfc_9110_says() {
    for (status, method, becomes, keeps) in [
        (301, "POST", "GET", false),
        (302, "POST", "GET", false),
        (303, "POST", "GET", false),
        (303, "PUT", "GET", false),
        (303, "HEAD", "HEAD", true),
        (301, "PUT", "PUT", true),
        (302, "DELETE", "DELETE", true),
        (307, "POST", "POST", true),
        (308, "POST", "POST", true),
    ] {
        let upstream = redirecting(status, "/next").await;
        let request = Request {
            method: method.into(),
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Some(b"content".to_vec()),
            ..following(upstream.url("/"))
        };
        let sent = grant(&[&upstream.origin()]).send(&caller(), request).await;
        assert_eq!(sent.unwrap().status, 200, "{status} {method}");
        let second = &upstream.requests()[1];
        assert!(
            second.starts_with(&format!("{becomes} /next ")),
            "{status} {method}: {second}"
        );
        assert_eq!(
            second.contains("content-type"),
            keeps,
            "{status} {method}: {second}"
        );
        assert_eq!(
            second.ends_with("content"),
            keeps,
            "{status} {method}: {second}"
        );
    }
}

#[tokio::test]
async fn other_statuses_and_missing_locations_are_responses() {
    let upstream = Upstream::start(|path| match path {
        "/300" => answer("300 Choices", &["location: /x"], ""),
        "/304" => answer("304 Same", &["location: /x"], ""),
        "/201" => answer("201 Made", &["location: /x"], ""),
        "/refresh" => answer("200 OK", &["refresh: 0; url=/x"], ""),
        _ => answer("302 Nowhere", &[], ""),
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    for path in ["/300", "/304", "/201", "/refresh", "/302"] {
        let response = grant
            .send(&caller(), following(upstream.url(path)))
            .await
            .unwrap();
        assert_eq!(response.url, upstream.url(path));
    }
}

#[tokio::test]
async fn a_loop_ends_after_as_many_hops_as_were_asked_for() {
    let upstream = Upstream::start(|_| answer("302 Again", &["location: /"], "")).await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), following(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn the_fragment_of_a_redirect_is_dropped() {
    let upstream = redirecting(302, "/next#part").await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), following(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(response.url, upstream.url("/next"));
}

#[tokio::test]
async fn a_redirect_is_checked_like_a_request() {
    for (location, kind, reason) in [
        (
            "http://169.254.169.254/latest",
            "denied",
            r#"host "169.254.169.254" is not granted to plugin "probe": add "http://169.254.169.254" to [plugins.probe] http"#,
        ),
        (
            "https://evil.example/x",
            "denied",
            r#"host "evil.example" is not granted to plugin "probe": add "https://evil.example" to [plugins.probe] http"#,
        ),
        (
            "//evil.example/x",
            "denied",
            r#"host "evil.example" is not granted to plugin "probe": add "http://evil.example" to [plugins.probe] http"#,
        ),
        (
            "file:///etc/passwd",
            "protocol",
            r#"scheme "file" is not supported: use "https" or "http""#,
        ),
        (
            "gopher://127.0.0.1:6379/_FLUSHALL",
            "protocol",
            r#"scheme "gopher" is not supported: use "https" or "http""#,
        ),
        (
            "http://me@evil.example/",
            "protocol",
            r#"URL has a user name: send credentials in the header "Authorization""#,
        ),
    ] {
        let upstream = redirecting(302, location).await;
        let sent = grant(&[&upstream.origin()])
            .send(&caller(), following(upstream.url("/")))
            .await;
        assert_eq!(
            text(kind, sent),
            format!("redirected by {}: {reason}", upstream.origin())
        );
    }
    let upstream = redirecting(302, "http://[oops").await;
    let sent = grant(&[&upstream.origin()])
        .send(&caller(), following(upstream.url("/")))
        .await;
    assert_eq!(
        text("protocol", sent),
        r#"127.0.0.1 redirects to "http://[oops", which is not a URL: invalid IPv6 address"#
    );
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let other = Upstream::ok().await;
    let upstream = redirecting(307, other.url("/next")).await;
    let mut plugin = plugin(&[&upstream.origin(), &other.origin()], &[]);
    plugin.secrets.insert("KEY".into(), Secret("s3cret".into()));
    let grant = Http::new(Handle::current()).grant(&plugin);
    let request = |url: String| Request {
        headers: vec![
            ("authorization".into(), "Bearer x".into()),
            ("cookie".into(), "a=b".into()),
            ("x-custom".into(), "key=s3cret".into()),
            ("x-encoded".into(), "key=s%33cret".into()),
            ("x-plain".into(), "kept".into()),
        ],
        ..following(url)
    };
    grant
        .send(&caller(), request(upstream.url("/")))
        .await
        .unwrap();
    let second = &other.requests()[0];
    for gone in ["authorization", "cookie", "x-custom", "x-encoded"] {
        assert!(!second.contains(gone), "{second}");
    }
    assert!(second.contains("x-plain: kept"), "{second}");

    let same = redirecting(307, "/next").await;
    let mut plugin = plugin.clone();
    plugin.http.push(origin(&same.origin()));
    let grant = Http::new(Handle::current()).grant(&plugin);
    grant.send(&caller(), request(same.url("/"))).await.unwrap();
    let second = &same.requests()[1];
    for kept in [
        "authorization: Bearer x",
        "cookie: a=b",
        "x-custom: key=s3cret",
    ] {
        assert!(second.contains(kept), "{second}");
    }
}
