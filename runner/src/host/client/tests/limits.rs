//! Servers that are slow, endless, too large or broken.

use super::upstream::{Does, Upstream, answer};
use super::*;

async fn fails(kind: &str, does: Does, request: impl Fn(Request) -> Request) -> (String, Upstream) {
    let upstream = Upstream::start(move |_| does.clone()).await;
    let grant = grant(&[&upstream.origin()]);
    let request = request(get(upstream.url("/")));
    let caller = caller_with(Duration::from_secs(5));
    let began = Instant::now();
    let text = text(kind, grant.send(&caller, request).await);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    (text, upstream)
}

fn impatient(request: Request) -> Request {
    Request {
        timeout: Some(150),
        ..request
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_requests_timeout() {
    let (text, upstream) = fails("timeout", Does::Hangs(Vec::new()), impatient).await;
    assert_eq!(
        text,
        format!(
            "{} did not answer within 150ms, the timeout of the request",
            upstream.origin()
        )
    );
    upstream.closed(1).await;
}

#[tokio::test]
async fn no_request_outlives_its_job() {
    let upstream = Upstream::start(|_| Does::Hangs(Vec::new())).await;
    let left = caller_with(Duration::from_millis(150));
    let began = Instant::now();
    let sent = grant(&[&upstream.origin()])
        .send(&left, get(upstream.url("/")))
        .await;
    assert!(began.elapsed() < Duration::from_secs(2));
    let text = text("timeout", sent);
    assert!(
        text.ends_with(", what was left of the job's timeout"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_that_drips_counts_against_the_time() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec();
    let (text, upstream) = fails("timeout", Does::Drips(head), impatient).await;
    assert!(text.contains("did not answer within 150ms"), "{text}");
    upstream.closed(1).await;
}

#[tokio::test]
async fn a_header_that_drips_counts_against_the_time() {
    let head = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    fails("timeout", Does::Drips(head), impatient).await;
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 65536], b"\r\n".to_vec()].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let (text, upstream) = fails("too-large", Does::Repeats(head, chunk), |request| request).await;
    assert_eq!(
        text,
        "the response of 127.0.0.1 does not end: at most 10485760 bytes are read"
    );
    upstream.closed(1).await;
}

#[tokio::test]
async fn an_announced_length_beyond_the_limit_is_not_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10485761\r\n\r\n".to_vec();
    let (text, upstream) = fails("too-large", Does::Hangs(head), |request| request).await;
    assert_eq!(
        text,
        "the response of 127.0.0.1 has 10485761 bytes: at most 10485760 are read"
    );
    upstream.closed(1).await;
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let body = "x".repeat(10 << 20);
    let upstream = Upstream::start(move |_| answer("200 OK", &[], &body)).await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), get(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(response.body.len(), 10 << 20);
}

#[tokio::test]
async fn the_length_a_head_response_tells_is_no_content() {
    let upstream = Upstream::start(|_| {
        Does::Writes(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec())
    })
    .await;
    let request = Request {
        method: "HEAD".into(),
        ..get(upstream.url("/"))
    };
    let response = grant(&[&upstream.origin()])
        .send(&caller(), request)
        .await
        .unwrap();
    assert_eq!(header(&response, "content-length"), Some("99999999"));
    assert!(response.body.is_empty());
}

#[tokio::test]
async fn headers_beyond_the_limit_are_not_read() {
    let too_large = "the header of the response of 127.0.0.1 is too large: \
                     at most 64 fields and 32768 bytes are read";
    let mut many = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_vec();
    for n in 0..64 {
        many.extend(format!("x-{n}: 1\r\n").bytes());
    }
    many.extend(b"\r\n");
    let (text, _) = fails("too-large", Does::Hangs(many), |request| request).await;
    assert_eq!(text, too_large);

    let head = |bytes: usize| {
        let value = "v".repeat(bytes);
        answer("200 OK", &[&format!("x-long: {value}")], "ok")
    };
    let (text, _) = fails("too-large", head(33 << 10), |request| request).await;
    assert_eq!(text, too_large);
    let upstream = Upstream::start(move |_| head(32_000)).await;
    let response = grant(&[&upstream.origin()])
        .send(&caller(), get(upstream.url("/")))
        .await
        .unwrap();
    assert_eq!(header(&response, "x-long").map(str::len), Some(32_000));

    let endless = Does::Repeats(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 4096]);
    let (text, upstream) = fails("too-large", endless, |request| request).await;
    assert_eq!(text, too_large);
    upstream.closed(1).await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_an_error_and_no_short_body() {
    for (bytes, why) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"[..],
            "end of file before message length reached",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            "unexpected EOF during chunk size line",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhel",
            "Invalid chunk size line: invalid size",
        ),
        (
            b"HTTP/1.1 200 OK\r\nx",
            "connection closed before message completed",
        ),
        (b"", "connection closed before message completed"),
    ] {
        let (text, _) = fails("protocol", Does::Closes(bytes.to_vec()), |request| request).await;
        assert!(
            text.starts_with("the response of 127.0.0.1 broke off: "),
            "{why}: {text}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_named_so() {
    let (text, _) = fails(
        "protocol",
        Does::Closes(b"220 mail.example ESMTP\r\n\r\n".to_vec()),
        |request| request,
    )
    .await;
    assert!(
        text.starts_with("127.0.0.1 does not speak HTTP: "),
        "{text}"
    );
    // Two lengths: the classic of request smuggling.
    let (text, _) = fails(
        "protocol",
        Does::Hangs(
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec(),
        ),
        |request| request,
    )
    .await;
    assert!(
        text.starts_with("127.0.0.1 does not speak HTTP: "),
        "{text}"
    );
}

#[tokio::test]
async fn a_closed_port_is_a_connection_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}");
    assert_eq!(
        text("connect", grant(&[&url]).send(&caller(), get(&url)).await),
        format!("{address} cannot be reached: Connection refused (os error 111)")
    );
}

#[tokio::test]
async fn a_dropped_request_closes_its_connection() {
    let upstream = Upstream::start(|_| Does::Hangs(Vec::new())).await;
    let grant = grant(&[&upstream.origin()]);
    let caller = caller();
    let mut sending = Box::pin(grant.send(&caller, get(upstream.url("/"))));
    while upstream.requests().is_empty() {
        let step = Duration::from_millis(5);
        assert!(tokio::time::timeout(step, &mut sending).await.is_err());
    }
    drop(sending);
    upstream.closed(1).await;
}
