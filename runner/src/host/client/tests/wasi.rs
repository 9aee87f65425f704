//! The `wasi:http` door: the same policy and limits.

use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody};

use super::super::wasi::send;
use super::upstream::{Does, Upstream, answer};
use super::*;

fn request(url: &str, body: Vec<u8>) -> http::Request<WasiBody> {
    let body = Full::new(body.into()).map_err(|never| match never {});
    http::Request::post(url)
        .header("x-kind", "wasi")
        .header("content-length", "99")
        .body(body.boxed_unsync())
        .unwrap()
}

#[tokio::test]
async fn a_request_goes_out_and_its_response_comes_back() {
    let upstream = Upstream::start(|_| answer("201 Created", &["x-a: b"], "made")).await;
    let caller = Caller {
        request_id: Some("req-7".into()),
        ..caller()
    };
    let grant = grant(&[&upstream.origin()]);
    let sent = send(
        &grant,
        &caller,
        caller.room.ticket(),
        request(&upstream.url("/a?b"), b"abc".into()),
        None,
    )
    .await;
    let response = sent.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-a"]),
        (201, &"b".parse().unwrap())
    );
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "made"
    );
    let sent = &upstream.requests()[0];
    assert!(sent.starts_with("POST /a?b HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("\r\nx-request-id: req-7\r\n"), "{sent}");
    assert_eq!(sent.matches("content-length: 3").count(), 1, "{sent}");
    assert_eq!(sent.matches("host: ").count(), 1, "{sent}");
    assert!(sent.ends_with("\r\n\r\nabc"), "{sent}");
}

#[tokio::test]
async fn the_policy_and_the_limits_hold_here_too() {
    let upstream = Upstream::start(|path| match path {
        "/hangs" => Does::Hangs(Vec::new()),
        "/moved" => answer("302 Moved", &["location: http://169.254.169.254/"], ""),
        "/large" => Does::Hangs(b"HTTP/1.1 200 OK\r\ncontent-length: 10485761\r\n\r\n".to_vec()),
        _ => Does::Closes(b"220 smtp\r\n\r\n".to_vec()),
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller();
    let post = async |url: &str, body: usize| {
        let options = RequestOptions {
            first_byte_timeout: Some(Duration::from_millis(100)),
            ..RequestOptions::default()
        };
        let sent = send(
            &grant,
            &caller,
            caller.room.ticket(),
            request(url, vec![0; body]),
            Some(options),
        );
        sent.await.map_err(|failure| failure.code)
    };
    for url in [
        "http://169.254.169.254/",
        "http://localhost/",
        "https://evil.example/",
    ] {
        let denied = post(url, 0).await;
        let refused = matches!(denied, Err(WasiError::HttpRequestDenied));
        assert!(refused, "{denied:?}");
    }
    let late = post(&upstream.url("/hangs"), 3).await;
    assert!(
        matches!(late, Err(WasiError::ConnectionReadTimeout)),
        "{late:?}"
    );
    let moved = post(&upstream.url("/moved"), 3).await;
    assert_eq!(moved.unwrap().status(), 302);
    let large = post(&upstream.url("/large"), 3).await;
    assert!(
        matches!(
            large,
            Err(WasiError::HttpResponseBodySize(Some(10_485_760)))
        ),
        "{large:?}"
    );
    let broken = post(&upstream.url("/"), 3).await;
    let told = matches!(broken, Err(WasiError::HttpProtocolError));
    assert!(told, "{broken:?}");
    let before = upstream.connections();
    let large = post(&upstream.url("/"), (10 << 20) + 1).await;
    assert!(
        matches!(large, Err(WasiError::HttpRequestBodySize(Some(10_485_760)))),
        "{large:?}"
    );
    assert_eq!(upstream.connections(), before);
}
