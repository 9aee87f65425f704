//! A few requests at once, and a bounded number of bytes held for them.

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::WasiBody;

use super::super::wasi::{Failure, send};
use super::upstream::{Does, Upstream, answer};
use super::*;
use crate::config::JobSettings;

const KIB: usize = 1 << 10;

/// A job with room for so many requests and bytes.
fn caller_in(requests: usize, held: usize, left: Duration) -> Caller {
    let settings = JobSettings {
        max_requests: requests,
        max_held: held,
        ..JobSettings::default()
    };
    Caller {
        room: Room::new(&settings),
        ..caller_with(left)
    }
}

const LONG: Duration = Duration::from_secs(20);

/// Send a request by `wasi:http`, now.
fn wasi<'a>(
    grant: &'a Grant,
    caller: &'a Caller,
    url: &str,
) -> impl Future<Output = Result<http::Response<WasiBody>, Failure>> + use<'a> {
    let body = Empty::new().map_err(|never| match never {});
    let request = http::Request::get(url).body(body.boxed_unsync());
    send(grant, caller, caller.room.ticket(), request.unwrap(), None)
}

async fn content(response: Result<http::Response<WasiBody>, Failure>) -> Bytes {
    let body = response.unwrap().into_body();
    body.collect().await.unwrap().to_bytes()
}

/// A server of responses with so many KiB.
async fn large(kib: usize) -> Upstream {
    let body = "x".repeat(kib * KIB);
    Upstream::start(move |_| answer("200 OK", &[], &body)).await
}

#[tokio::test]
async fn further_requests_wait_until_one_ends() {
    let upstream = Upstream::start(|path| match path {
        "/hangs" => Does::Hangs(Vec::new()),
        _ => answer("200 OK", &[], "ok"),
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller_in(2, 64 * KIB, LONG);
    let mut hang = [(); 2].map(|()| Box::pin(grant.send(&caller, get(upstream.url("/hangs")))));
    while upstream.requests().len() < 2 {
        assert!(hang.iter_mut().all(|sent| sent.now_or_never().is_none()));
        tokio::task::yield_now().await;
    }
    let mut third = Box::pin(grant.send(&caller, get(upstream.url("/"))));
    assert!((&mut third).now_or_never().is_none());
    drop(hang);
    assert_eq!(third.await.unwrap().status, 200);
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn fifty_at_once_all_get_their_answers() {
    let upstream = large(10).await;
    let grant = grant(&[&upstream.origin()]);
    // Two of the answers fit at a time.
    let caller = caller_in(8, 24 * KIB, LONG);
    let sent = (0..50).map(|_| async {
        let response = wasi(&grant, &caller, &upstream.url("/")).await;
        assert_eq!(content(response).await.len(), 10 * KIB);
    });
    futures::future::join_all(sent).await;
    assert!(upstream.connections() <= 8, "{}", upstream.connections());
}

/// As a guest does that knows no other way: it sends them all, then waits for the
/// first, the second and so on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guest_that_waits_for_one_after_the_other_gets_them_all() {
    let gate = Arc::new(std::sync::Barrier::new(2));
    let first = gate.clone();
    let body = "x".repeat(10 * KIB);
    let upstream = Upstream::start(move |path| {
        if path == "/first" {
            first.wait();
        }
        answer("200 OK", &[], &body)
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    // Three of the answers fit: those of others, unless they leave room for it.
    let caller = caller_in(8, 40 * KIB, LONG);
    let mut sent = Vec::new();
    for n in 0..50 {
        let path = if n == 0 { "/first" } else { "/" };
        let (grant, caller) = (grant.clone(), caller.clone());
        let (url, ticket) = (upstream.url(path), caller.room.ticket());
        sent.push(tokio::spawn(async move {
            let body = Empty::new().map_err(|never| match never {});
            let request = http::Request::get(url).body(body.boxed_unsync()).unwrap();
            send(&grant, &caller, ticket, request, None).await
        }));
    }
    while upstream.requests().len() < 8 {
        tokio::task::yield_now().await;
    }
    gate.wait();
    for response in sent {
        assert_eq!(content(response.await.unwrap()).await.len(), 10 * KIB);
    }
}

#[tokio::test]
async fn a_response_waits_until_an_earlier_one_has_been_taken() {
    let upstream = large(600).await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller_in(8, 1024 * KIB, LONG);
    let url = upstream.url("/");
    let first = wasi(&grant, &caller, &url).await.unwrap();
    let mut second = Box::pin(wasi(&grant, &caller, &url));
    while upstream.requests().len() < 2 {
        assert!((&mut second).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    // A part of the content that is left holds all of it.
    let body = first.into_body().collect().await.unwrap().to_bytes();
    let part = body.slice(..1);
    drop(body);
    assert!((&mut second).now_or_never().is_none());
    drop(part);
    assert_eq!(second.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_response_that_finds_no_room_in_time_says_so() {
    let upstream = large(600).await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller_in(8, 1024 * KIB, Duration::from_millis(400));
    let url = upstream.url("/");
    let _unread = wasi(&grant, &caller, &url).await.unwrap();
    let text = text("too-large", grant.send(&caller, get(&url)).await);
    assert!(
        text.starts_with("the response of 127.0.0.1 found no room in ")
            && text.ends_with(
                ", what was left of the job's timeout: the job has not read its earlier \
                 responses, and at most 1048576 bytes are held for it (max_held)"
            ),
        "{text}"
    );
}

#[tokio::test]
async fn what_never_fits_is_refused_at_once() {
    let upstream = large(100).await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller_in(8, 64 * KIB, LONG);
    let refused = text(
        "too-large",
        grant.send(&caller, get(upstream.url("/"))).await,
    );
    assert_eq!(
        refused,
        "the response of 127.0.0.1 has 102424 bytes: at most 65536 are held for a job (max_held)"
    );
    let large = Request {
        method: "POST".into(),
        body: Some(vec![0; 65 * KIB]),
        ..get(upstream.url("/"))
    };
    assert_eq!(
        text("too-large", grant.send(&caller, large).await),
        "the request's content has 66560 bytes: at most 65536 are held for a job (max_held)"
    );
    assert_eq!(upstream.requests().len(), 1);

    let chunk = [b"1000\r\n".to_vec(), vec![b'x'; 4096], b"\r\n".to_vec()].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let endless = Upstream::start(move |_| Does::Repeats(head.clone(), chunk.clone())).await;
    let grant = super::grant(&[&endless.origin()]);
    assert_eq!(
        text(
            "too-large",
            grant.send(&caller, get(endless.url("/"))).await
        ),
        "the response of 127.0.0.1 does not end: at most 65508 bytes are read (max_held)"
    );
}

#[tokio::test]
async fn room_is_given_back_whole_however_a_request_ends() {
    let upstream = Upstream::start(|path| match path {
        "/chunked" => Does::Closes(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec(),
        ),
        "/breaks" => Does::Closes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()),
        "/moved" => answer("302 Moved", &["location: /"], "moved"),
        _ => answer("200 OK", &[], "ok"),
    })
    .await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller_in(1, 1024 * KIB, LONG);
    for path in ["/chunked", "/breaks", "/moved", "/"] {
        let request = Request {
            method: "POST".into(),
            body: Some(vec![0; 10 * KIB]),
            redirects: 2,
            ..get(upstream.url(path))
        };
        let _ = grant.send(&caller, request).await;
    }
    let denied = wasi(&grant, &caller, "http://localhost/").await;
    assert!(denied.is_err());
    // Only when nothing is held does a response of this size fit.
    let rest = large(1023).await;
    let grant = super::grant(&[&rest.origin()]);
    let whole = grant.send(&caller, get(rest.url("/"))).now_or_never();
    assert!(whole.is_none(), "it takes a while");
    let whole = grant.send(&caller, get(rest.url("/"))).await.unwrap();
    assert_eq!(whole.body.len(), 1023 * KIB);
}
