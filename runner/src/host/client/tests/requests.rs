//! What a request looks like on the wire, and which ones are not sent.

use super::upstream::{Does, Upstream, answer};
use super::*;

#[tokio::test]
async fn a_request_arrives_as_written_and_its_response_comes_back_whole() {
    let upstream =
        Upstream::start(|_| answer("201 Created", &["X-Kind: a", "x-kind: b"], "made")).await;
    let request = Request {
        method: "POST".into(),
        headers: vec![("X-Api".into(), "grüße".into())],
        body: Some(b"hello".to_vec()),
        ..get(upstream.url("/things?q=1&r=a%20b"))
    };
    let response = grant(&[&upstream.origin()])
        .send(&caller(), request)
        .await
        .unwrap();

    assert_eq!((response.status, &response.body[..]), (201, &b"made"[..]));
    assert_eq!(response.url, upstream.url("/things?q=1&r=a%20b"));
    let kinds: Vec<_> = response
        .headers
        .iter()
        .filter(|(name, _)| name == "x-kind")
        .collect();
    assert_eq!(kinds.len(), 2, "{:?}", response.headers);
    let sent = &upstream.requests()[0];
    assert!(
        sent.starts_with("POST /things?q=1&r=a%20b HTTP/1.1\r\n"),
        "{sent}"
    );
    assert!(sent.contains("\r\nx-api: grüße\r\n"), "{sent}");
    assert!(sent.contains("\r\ncontent-length: 5\r\n"), "{sent}");
    assert!(
        sent.contains(&format!("\r\nhost: {}\r\n", upstream.address)),
        "{sent}"
    );
    assert!(sent.contains("\r\nuser-agent: runner/"), "{sent}");
    assert!(sent.ends_with("\r\n\r\nhello"), "{sent}");
}

#[tokio::test]
async fn an_error_status_is_a_response() {
    let upstream = Upstream::start(|_| answer("503 Busy", &["retry-after: 2"], "later")).await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), get(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(response.status, 503);
    assert_eq!(header(&response, "retry-after"), Some("2"));
}

#[tokio::test]
async fn encoded_content_and_odd_header_bytes_are_handed_over() {
    let upstream = Upstream::start(|_| {
        Does::Writes(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nx-odd: a\xffb\r\ncontent-length: 2\r\n\r\n\x1f\x8b"
                .to_vec(),
        )
    })
    .await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), get(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(response.body, b"\x1f\x8b");
    assert_eq!(header(&response, "x-odd"), Some("a\u{fffd}b"));
}

#[tokio::test]
async fn connections_are_reused_within_a_plugin_and_never_shared_between_two() {
    let upstream = Upstream::ok().await;
    let http = Http::new(Handle::current());
    let (one, two) = (
        plugin(&[&upstream.origin()], &[]),
        plugin(&[&upstream.origin()], &[]),
    );
    let (one, two) = (http.grant(&one), http.grant(&two));
    for _ in 0..20 {
        one.send(&caller(), get(upstream.url("/"))).await.unwrap();
    }
    assert_eq!(upstream.connections(), 1);
    two.send(&caller(), get(upstream.url("/"))).await.unwrap();
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_connection_the_server_closed_is_replaced() {
    let upstream = Upstream::start(|_| {
        Does::Closes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec())
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    for count in 1..=5 {
        grant.send(&caller(), get(upstream.url("/"))).await.unwrap();
        upstream.closed(count).await;
    }
    assert_eq!(upstream.connections(), 5);
}

#[test]
fn requests_are_driven_on_the_given_runtime_and_not_by_the_caller() {
    let io = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let upstream = io.block_on(Upstream::ok());
    let grant = Http::new(io.handle().clone()).grant(&plugin(&[&upstream.origin()], &[]));
    // No I/O and no timers: whatever needed them here would panic.
    let guests = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let response = guests.block_on(grant.send(&caller(), get(upstream.url("/"))));
    assert_eq!(response.unwrap().status, 200);
}

#[tokio::test]
async fn the_request_id_of_the_job_is_carried_unless_the_request_has_one() {
    let upstream = Upstream::ok().await;
    let grant = grant(&[&upstream.origin()]);
    let caller = Caller {
        request_id: Some("req-7".into()),
        ..caller()
    };
    grant.send(&caller, get(upstream.url("/"))).await.unwrap();
    let own = Request {
        headers: vec![("X-Request-ID".into(), "mine".into())],
        ..get(upstream.url("/"))
    };
    grant.send(&caller, own).await.unwrap();
    // An id no header may carry is left out rather than smuggled in.
    let odd = Caller {
        request_id: Some("a\r\nx: y".into()),
        ..caller
    };
    grant.send(&odd, get(upstream.url("/"))).await.unwrap();

    let sent = upstream.requests();
    assert!(
        sent[0].contains("\r\nx-request-id: req-7\r\n"),
        "{}",
        sent[0]
    );
    assert!(
        sent[1].contains("\r\nx-request-id: mine\r\n"),
        "{}",
        sent[1]
    );
    assert!(!sent[1].contains("req-7"), "{}", sent[1]);
    assert!(!sent[2].contains("x-request-id"), "{}", sent[2]);
}

#[tokio::test]
async fn an_idempotent_request_carries_queue_job_and_number() {
    let upstream = Upstream::ok().await;
    let grant = grant(&[&upstream.origin()]);
    let request = Request {
        idempotent: true,
        ..get(upstream.url("/"))
    };
    let second = Caller { nth: 2, ..caller() };
    grant.send(&second, request).await.unwrap();
    grant.send(&second, get(upstream.url("/"))).await.unwrap();
    let odd = Caller {
        job: "größe\n1".into(),
        ..caller()
    };
    let request = Request {
        idempotent: true,
        ..get(upstream.url("/"))
    };
    grant.send(&odd, request).await.unwrap();
    let sent = upstream.requests();
    let encoded = "\r\nidempotency-key: otp-queue%2Fgr%C3%B6%C3%9Fe%0A1%2F1\r\n";
    assert!(sent[2].contains(encoded), "{}", sent[2]);
    assert!(
        sent[0].contains("\r\nidempotency-key: otp-queue/42/2\r\n"),
        "{}",
        sent[0]
    );
    assert!(!sent[1].contains("idempotency-key"), "{}", sent[1]);
}

/// A server, and a grant for it alone: send these, each of which is refused for its
/// reason before anything is sent.
async fn are_refused<const N: usize>(cases: impl FnOnce(&str) -> [(Request, &'static str); N]) {
    let upstream = Upstream::ok().await;
    let grant = grant(&[&upstream.origin()]);
    for (request, reason) in cases(&upstream.url("/")) {
        assert_eq!(
            text("invalid", grant.send(&caller(), request).await),
            reason
        );
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn wrong_urls_are_refused_with_the_reason() {
    are_refused(|url| {
        [
            (
                get("not a url"),
                r#"URL contains ' ': write it percent-encoded"#,
            ),
            (
                get("relative"),
                r#""relative" is not a URL: relative URL without a base"#,
            ),
            (
                get("http://a\\b/"),
                r"URL contains '\\': write it percent-encoded",
            ),
            (
                get("http://a/\r\nx: y"),
                r"URL contains '\r': write it percent-encoded",
            ),
            (
                get("ftp://example.com/"),
                r#"scheme "ftp" is not supported: use "https" or "http""#,
            ),
            (
                get("file:///etc/passwd"),
                r#"scheme "file" is not supported: use "https" or "http""#,
            ),
            (
                get("http://me:pw@example.com/"),
                r#"URL has a user name: send credentials in the header "Authorization""#,
            ),
            (
                get(format!("{url}#top")),
                r##"URL has a fragment, which is never sent: leave out "#" and what follows"##,
            ),
            (
                get(format!("{url}{}", "a".repeat(70_000))),
                "URL cannot be sent: uri too long",
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn wrong_methods_and_headers_are_refused_with_the_reason() {
    are_refused(|url| {
        let method = |method: &str| Request {
            method: method.into(),
            ..get(url)
        };
        let header = |name: &str, value: &str| Request {
            headers: vec![(name.into(), value.into())],
            ..get(url)
        };
        [
            (
                method("GE T"),
                r#""GE T" is not a method: use "GET", "POST" or another token"#,
            ),
            (
                method(""),
                r#""" is not a method: use "GET", "POST" or another token"#,
            ),
            (
                method("GET / HTTP/1.1\r\nx: y"),
                r#""GET / HTTP/1.1\r\nx: y" is not a method: use "GET", "POST" or another token"#,
            ),
            (
                method("CONNECT"),
                r#"method "CONNECT" opens a tunnel and is not supported"#,
            ),
            (
                header("x y", "1"),
                r#""x y" is not a header name: use letters, digits and "-""#,
            ),
            (
                header("x", "a\r\nhost: evil"),
                r#"the value of header "x" has a line break or another control character"#,
            ),
            (
                header("x", "a\0"),
                r#"the value of header "x" has a line break or another control character"#,
            ),
            (
                header("Host", "evil.example"),
                r#"header "Host" is set by Runner: leave it out"#,
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn requests_over_the_limits_are_refused_with_the_reason() {
    are_refused(|url| {
        let fields = |count: usize, bytes: usize| Request {
            headers: (0..count)
                .map(|n| (format!("x-{n}"), "v".repeat(bytes)))
                .collect(),
            ..get(url)
        };
        [
            (
                fields(65, 1),
                "the request has 65 header fields: at most 64 are allowed",
            ),
            (
                fields(33, 1000),
                "the header fields take 33254 bytes: at most 32768 are allowed",
            ),
            (
                Request {
                    body: Some(vec![0; (10 << 20) + 1]),
                    ..get(url)
                },
                "the body is 10485761 bytes: at most 10485760 are allowed",
            ),
            (
                Request {
                    redirects: 6,
                    ..get(url)
                },
                "redirects is 6: at most 5 are followed",
            ),
            (
                Request {
                    timeout: Some(0),
                    ..get(url)
                },
                "timeout is 0: leave it out for the default of 30s",
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn fields_that_frame_the_message_are_refused() {
    let grant = grant(&["http://127.0.0.1:9"]);
    for name in [
        "Connection",
        "content-length",
        "Expect",
        "HOST",
        "HTTP2-Settings",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    ] {
        let request = Request {
            headers: vec![(name.into(), "1".into())],
            ..get("http://127.0.0.1:9/")
        };
        assert_eq!(
            text("invalid", grant.send(&caller(), request).await),
            format!("header {name:?} is set by Runner: leave it out")
        );
    }
}

#[tokio::test]
async fn the_limits_themselves_are_allowed() {
    let upstream = Upstream::ok().await;
    let request = Request {
        method: "PUT".into(),
        headers: (0..64)
            .map(|n| (format!("x-{n:02}"), "v".repeat(500)))
            .collect(),
        body: Some(vec![7; 10 << 20]),
        ..get(upstream.url("/"))
    };
    grant(&[&upstream.origin()])
        .send(&caller(), request)
        .await
        .unwrap();
    assert!(upstream.requests()[0].contains("content-length: 10485760\r\n"));
}
